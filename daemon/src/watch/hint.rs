//! Whether anybody has written to VMS's database since the last time: a hint, for a few microseconds.
//!
//! It moves for our own writes as well, and VMS writes cache rows when its pages are viewed, so it is only a
//! reason to look.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{DbErr, RuntimeErr};

use crate::vms::VmsError;

/// SQLite's counter of other connections' commits, polled on a connection that stays open: each connection has
/// a count of its own.
#[derive(Debug, Default)]
pub(super) struct Hint {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: SqliteConnection,
    /// Device and inode: a file that was put in its place is another one.
    file: (u64, u64),
    version: i64,
}

impl Hint {
    /// Whether something was written, or the file replaced, since the last call; the first call says yes. An error
    /// is not repeated work: the next call tries again.
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
            // Somebody is committing at this moment, which the next call will see.
            (Err(VmsError::Locked { .. }), _) | (Ok(_), None) => Ok(false),
            (Err(error), _) => {
                self.open = None;
                Err(error)
            }
        }
    }

    /// Lets go of the file; the next call says that something moved.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    async fn reopen(&mut self, path: &Path, file: (u64, u64)) -> Result<i64, sqlx::Error> {
        self.open = None;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .foreign_keys(false)
            // Whoever holds a lock is left in peace.
            .busy_timeout(Duration::ZERO)
            .pragma("query_only", "ON");
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let version = data_version(&mut connection).await?;
        // Any other number, so that the first comparison says that something moved.
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
