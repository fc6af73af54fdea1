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
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use super::error::{BUSY_TIMEOUT_SECONDS, VmsError};
use super::{Schema, rights};
use crate::sqlite::replace_stuck;

/// How long to wait for a lock that another process holds.
pub const PATIENCE: Duration = Duration::from_secs(BUSY_TIMEOUT_SECONDS);

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
        Self::open_with(path, PATIENCE).await
    }

    /// Opens VMS's file like [`open`](Self::open), but waits for a lock as long as `patience`.
    pub async fn open_with(path: &Path, patience: Duration) -> Result<Self, VmsError> {
        ensure_accessible(path)?;
        if let Some(reason) = rights::lock_out(path) {
            return Err(VmsError::WouldLockOut { path: path.to_owned(), reason });
        }
        let connect = async |options| {
            let connection = Database::connect(options).await?;
            // Connecting alone reads nothing; this reads the header, so that a file that is not a database is
            // distinguished from a missing table.
            let sql = "SELECT count(*), (SELECT journal_mode FROM pragma_journal_mode) FROM sqlite_master";
            let header = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
            let journal = header.map(|row| row.try_get_by_index::<String>(1)).transpose()?;
            Ok((connection, journal))
        };
        let sort = |source: DbErr| {
            if VmsError::is_not_a_database(&source) {
                return VmsError::NotADatabase { path: path.to_owned(), source };
            }
            match VmsError::of("opening it")(source).beside(path) {
                VmsError::Query { source, .. } | VmsError::ReadOnly { source, .. }
                    if VmsError::is_inaccessible(&source) =>
                {
                    VmsError::Inaccessible { path: path.to_owned(), reason: source.to_string() }
                }
                other => other,
            }
        };
        let (read, journal) = connect(reading(path, patience)).await.map_err(sort)?;
        let write_ahead = journal.as_deref() == Some("wal");
        let (write, _) = connect(writing(path, patience, write_ahead)).await.map_err(sort)?;
        Ok(Self { path: path.to_owned(), read, write })
    }

    /// Opens VMS's file like [`open_with`](Self::open_with) and reads the schema, which must be one of VMS's.
    pub async fn open_checked(path: &Path, patience: Duration) -> Result<(Self, Schema), VmsError> {
        let vms = Self::open_with(path, patience).await?;
        match vms.schema().await {
            Ok(schema) => Ok((vms, schema)),
            Err(error) => {
                vms.close().await;
                Err(error)
            }
        }
    }

    /// Reads the present tables and columns; an error where none is VMS's own.
    pub async fn schema(&self) -> Result<Schema, VmsError> {
        let schema = Schema::read(&self.read).await?;
        if schema.is_vms() { Ok(schema) } else { Err(VmsError::NoVmsTables { path: self.path.clone() }) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connections that cannot write.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Calls `observer` with every statement of the reading connections as it ends.
    pub fn observed(mut self, observer: impl Fn(&Statement) + Send + Sync + 'static) -> Self {
        self.read.set_metric_callback(move |query| observer(query.statement));
        self
    }

    /// Begins the one read transaction of a snapshot.
    pub async fn begin_read(&self) -> Result<DatabaseTransaction, VmsError> {
        self.read.begin().await.map_err(VmsError::of("beginning to read"))
    }

    /// Begins a short write transaction.
    ///
    /// It is `IMMEDIATE`: a transaction that first reads and then writes would fail at once, whatever the
    /// busy timeout, if VMS has written in between.
    pub async fn begin_write(&self) -> Result<DatabaseTransaction, VmsError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.write.begin_with_options(options).await;
        begun.map_err(|error| VmsError::of("waiting for the write lock")(error).beside(&self.path))
    }

    /// Closes all connections.
    pub async fn close(self) {
        // Closing can only fail for connections that are gone already.
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }
}

/// Checks access without opening the file: closing a file releases every lock that the process has on it,
/// including those of SQLite's connections that are in use.
pub(crate) fn ensure_accessible(path: &Path) -> Result<(), VmsError> {
    let inaccessible = |reason: String| VmsError::Inaccessible { path: path.to_owned(), reason };
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) if path.is_file() => Ok(()),
        Ok(()) => Err(inaccessible("it is not a file".to_owned())),
        Err(Errno::NOENT) => Err(VmsError::Missing { path: path.to_owned() }),
        Err(error) => Err(inaccessible(std::io::Error::from(error).to_string())),
    }
}

fn reading(path: &Path, patience: Duration) -> ConnectOptions {
    let mut options = options(path, patience, |sqlite| sqlite.pragma("query_only", "ON").row_buffer_size(4));
    options.max_connections(2);
    options
}

fn writing(path: &Path, patience: Duration, write_ahead: bool) -> ConnectOptions {
    // With a write-ahead log, a commit that is lost in a power cut leaves the previous rows, so waiting for
    // the disk at each commit gains nothing; VMS has the same setting. A rollback journal needs the wait.
    let synchronous = if write_ahead { SqliteSynchronous::Normal } else { SqliteSynchronous::Full };
    let mut options = options(path, patience, move |sqlite| sqlite.synchronous(synchronous));
    options.max_connections(1);
    options
}

fn options(
    path: &Path,
    patience: Duration,
    further: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
) -> ConnectOptions {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_pool_opts(replace_stuck)
        // A reader may be waiting for a lock for the whole busy timeout; the pool must wait longer.
        .acquire_timeout(2 * PATIENCE.max(patience))
        .map_sqlx_sqlite_opts(move |sqlite| {
            further(
                sqlite
                    .in_memory(false)
                    .shared_cache(false)
                    .filename(&path)
                    .create_if_missing(false)
                    .foreign_keys(false)
                    .busy_timeout(patience),
            )
        });
    options
}
