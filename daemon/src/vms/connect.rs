//! Connections to VMS's SQLite file. Every one that this process makes is made here, and none stays open while
//! nothing is read or written: an idle connection would keep VMS's own last one from removing the write-ahead
//! log, and whoever copies the file after VMS has stopped would miss what is in it.
//!
//! Readers open the file read-write with `query_only` on: a read-only open cannot recover a hot journal
//! that a crashed VMS worker left behind. The journal mode is never touched, because WAL and rollback
//! files must both keep working for VMS. `foreign_keys` is off as in VMS itself; with it on, a cache row
//! of a district that VMS deleted meanwhile could not even be updated.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};

use super::error::{BUSY_TIMEOUT_SECONDS, VmsError};
use super::file::{ensure_accessible, log_size};
use super::{Schema, rights};
use crate::sqlite::replace_stuck;

/// How long to wait for a lock that another process holds.
pub const PATIENCE: Duration = Duration::from_secs(BUSY_TIMEOUT_SECONDS);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading what other processes write.
    Read,
    /// Writing in short transactions, and copying.
    Write,
    /// Writing with no other process connected.
    Alone,
}

/// An open VMS database: connections that cannot write, and one that can.
#[derive(Debug, Clone)]
pub struct Vms {
    path: PathBuf,
    read: DatabaseConnection,
    /// Not connected before the first write.
    write: DatabaseConnection,
}

impl Vms {
    /// Opens VMS's file, which must exist.
    pub async fn open(path: &Path) -> Result<Self, VmsError> {
        Self::open_with(path, PATIENCE).await
    }

    /// Opens VMS's file like [`open`](Self::open), but waits for a lock as long as `patience`.
    pub async fn open_with(path: &Path, patience: Duration) -> Result<Self, VmsError> {
        ensure_shared(path)?;
        // A reader may be waiting for a lock for the whole busy timeout; the pool must wait longer.
        let pool = || {
            let options = SqlitePoolOptions::new().test_before_acquire(false);
            replace_stuck(options).acquire_timeout(2 * PATIENCE.max(patience))
        };
        let reading = options(path, Access::Read, patience).row_buffer_size(4);
        let read = pool().max_connections(2).connect_with(reading).await;
        let read = SqlxSqliteConnector::from_sqlx_sqlite_pool(
            read.map_err(|error| opening(path, connecting(error)))?,
        );
        let write_ahead = match is_write_ahead(&read).await {
            Ok(write_ahead) => write_ahead,
            Err(error) => {
                // Closing can only fail for connections that are gone already.
                let _ = read.close().await;
                return Err(opening(path, error));
            }
        };
        // With a write-ahead log, a commit that is lost in a power cut leaves the previous rows, so waiting for
        // the disk at each commit gains nothing; VMS has the same setting. A rollback journal needs the wait.
        let synchronous = if write_ahead { SqliteSynchronous::Normal } else { SqliteSynchronous::Full };
        let writing = options(path, Access::Write, patience).synchronous(synchronous);
        let write =
            SqlxSqliteConnector::from_sqlx_sqlite_pool(pool().max_connections(1).connect_lazy_with(writing));
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

/// Opens one connection, for work that a pool does not allow.
pub(crate) async fn connect(
    path: &Path,
    access: Access,
    patience: Duration,
) -> Result<SqliteConnection, VmsError> {
    ensure_shared(path)?;
    let connected = options(path, access, patience).connect().await;
    connected.map_err(|error| opening(path, connecting(error)))
}

/// Copies the write-ahead log into the database file and empties it, so that a copy of the file alone is
/// complete and no old log can be replayed over a restored file.
///
/// It waits for nobody, and nobody for it: others read and write while the log is copied. Only a log that has
/// been copied whole is emptied; that takes the write lock for an instant, and is left out while anybody reads
/// or writes. What is not possible at once is done another time, so there is nothing to report.
pub(crate) async fn fold_log(path: &Path) {
    if log_size(path) == 0 {
        return;
    }
    let Ok(mut connection) = connect(path, Access::Write, Duration::ZERO).await else { return };
    if let Ok((0, frames, copied)) = checkpoint(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)").await
        && frames == copied
    {
        let _ = checkpoint(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
    let _ = connection.close().await;
}

/// Returns whether it was hindered, the frames of the log, and how many of them are in the database.
async fn checkpoint(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<(i32, i32, i32)> {
    sqlx::query_as(sql).fetch_one(connection).await
}

/// Connecting alone reads nothing; this reads the header, so that a file that is not a database is
/// distinguished from a missing table.
async fn is_write_ahead(db: &DatabaseConnection) -> Result<bool, DbErr> {
    let sql = "SELECT count(*), (SELECT journal_mode FROM pragma_journal_mode) FROM sqlite_master";
    let header = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    let mode = header.map(|row| row.try_get_by_index::<String>(1)).transpose()?;
    Ok(mode.as_deref() == Some("wal"))
}

/// Checks that the file is there, and that opening it cannot lock VMS out of it.
fn ensure_shared(path: &Path) -> Result<(), VmsError> {
    ensure_accessible(path)?;
    match rights::lock_out(path) {
        None => Ok(()),
        Some(reason) => Err(VmsError::WouldLockOut { path: path.to_owned(), reason }),
    }
}

fn options(path: &Path, access: Access, patience: Duration) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .busy_timeout(patience)
        .disable_statement_logging();
    match access {
        Access::Read => options.pragma("query_only", "ON"),
        Access::Write => options,
        Access::Alone => options.locking_mode(SqliteLockingMode::Exclusive),
    }
}

fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn opening(path: &Path, source: DbErr) -> VmsError {
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
}
