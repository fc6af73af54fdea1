//! Connections to VMS's SQLite file.
//!
//! Readers open the file read-write with `query_only` on: a read-only open cannot recover a hot journal
//! that a crashed VMS worker left behind. The journal mode is never touched, because WAL and rollback
//! files must both keep working for VMS. `foreign_keys` is off as in VMS itself; with it on, a cache row
//! of a district that VMS deleted meanwhile could not even be updated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Access;
use rustix::io::Errno;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use super::error::{BUSY_TIMEOUT_SECONDS, VmsError};

/// An open VMS database: connections that cannot write, and one that can.
#[derive(Debug, Clone)]
pub struct Vms {
    path: PathBuf,
    read: DatabaseConnection,
    write: DatabaseConnection,
}

impl Vms {
    /// Opens VMS's file, which must exist.
    pub async fn open(path: &Path) -> Result<Self, VmsError> {
        ensure_accessible(path)?;
        let connect = async |query_only| {
            let connection = Database::connect(options(path, query_only)).await?;
            // Connecting alone reads nothing; this touches the header, so that a file which is no
            // database is told apart from a table that is not there.
            connection
                .query_one_raw(Statement::from_string(
                    DbBackend::Sqlite,
                    "SELECT count(*) FROM sqlite_master",
                ))
                .await?;
            Ok(connection)
        };
        let sort = |source: DbErr| {
            if VmsError::is_not_a_database(&source) {
                VmsError::NotADatabase { path: path.to_owned(), source }
            } else {
                VmsError::of("opening it")(source)
            }
        };
        let read = connect(true).await.map_err(sort)?;
        let write = connect(false).await.map_err(sort)?;
        Ok(Self { path: path.to_owned(), read, write })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connections that cannot write.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Begins the one read transaction of a snapshot.
    pub async fn begin_read(&self) -> Result<DatabaseTransaction, VmsError> {
        self.read.begin().await.map_err(VmsError::of("beginning to read"))
    }

    /// Begins a short write transaction.
    ///
    /// It is `IMMEDIATE`: a transaction that reads first and writes then would fail at once, whatever the
    /// busy timeout, when VMS has written in between.
    pub async fn begin_write(&self) -> Result<DatabaseTransaction, VmsError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.write.begin_with_options(options).await.map_err(VmsError::of("waiting for the write lock"))
    }

    /// Closes all connections.
    pub async fn close(self) {
        // Closing can only fail for connections that are gone already.
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }
}

/// Asks without opening: closing a file gives up every lock that the process has on it, and with them those of
/// SQLite's connections that are at work meanwhile.
fn ensure_accessible(path: &Path) -> Result<(), VmsError> {
    let inaccessible = |reason: String| VmsError::Inaccessible { path: path.to_owned(), reason };
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) if path.is_file() => Ok(()),
        Ok(()) => Err(inaccessible("it is not a file".to_owned())),
        Err(Errno::NOENT) => Err(VmsError::Missing { path: path.to_owned() }),
        Err(error) => Err(inaccessible(std::io::Error::from(error).to_string())),
    }
}

fn options(path: &Path, query_only: bool) -> ConnectOptions {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(if query_only { 2 } else { 1 })
        .sqlx_logging(false)
        .test_before_acquire(false)
        // A reader may be waiting for a lock for the whole busy timeout; the pool must wait longer.
        .acquire_timeout(Duration::from_secs(2 * BUSY_TIMEOUT_SECONDS))
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .in_memory(false)
                .shared_cache(false)
                .filename(&path)
                .create_if_missing(false)
                .foreign_keys(false)
                .busy_timeout(Duration::from_secs(BUSY_TIMEOUT_SECONDS))
                .pragma("query_only", if query_only { "ON" } else { "OFF" })
                .row_buffer_size(4)
        });
    options
}
