//! Detects, within a few microseconds, whether VMS's database has been written to since the last call.
//!
//! This is only a hint to check the database: the counter also changes with the daemon's own writes, and VMS
//! writes cache rows when its pages are viewed.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{DbErr, RuntimeErr};

use crate::vms::VmsError;

/// SQLite's `data_version`, which changes with commits of other connections, polled on a connection that
/// stays open, since each connection has its own count.
#[derive(Debug, Default)]
pub(super) struct Hint {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: SqliteConnection,
    /// Device and inode, which identify a replaced file.
    file: (u64, u64),
    version: i64,
}

impl Hint {
    /// Whether the database was written to, or its file replaced, since the last call; true on the first
    /// call. After an error the next call tries again.
    pub(super) async fn moved(&mut self, path: &Path) -> Result<bool, VmsError> {
        let file = match std::fs::metadata(path) {
            Ok(metadata) => (metadata.dev(), metadata.ino()),
            Err(error) => {
                self.open = None;
                let path = path.to_owned();
                return Err(match error.kind() {
                    ErrorKind::NotFound => VmsError::Missing { path },
                    _ => VmsError::Inaccessible { path, reason: error.to_string() },
                });
            }
        };
        let version = match &mut self.open {
            Some(open) if open.file == file => data_version(&mut open.connection).await,
            _ => self.reopen(path, file).await,
        };
        match (version.map_err(sort), &mut self.open) {
            (Ok(version), Some(open)) => Ok(std::mem::replace(&mut open.version, version) != version),
            // Another connection is committing; the next call will detect that.
            (Err(VmsError::Locked { .. }), _) | (Ok(_), None) => Ok(false),
            (Err(error), _) => {
                self.open = None;
                Err(error)
            }
        }
    }

    /// Closes the file; the next call returns true.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    async fn reopen(&mut self, path: &Path, file: (u64, u64)) -> Result<i64, sqlx::Error> {
        self.open = None;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .foreign_keys(false)
            // Never wait for a lock of another connection.
            .busy_timeout(Duration::ZERO)
            .pragma("query_only", "ON");
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let version = data_version(&mut connection).await?;
        // A different number, so that the first comparison reports a change.
        self.open = Some(Open { connection, file, version: version.wrapping_sub(1) });
        Ok(version)
    }
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await
}

fn sort(error: sqlx::Error) -> VmsError {
    VmsError::of("asking whether it has changed")(DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}
