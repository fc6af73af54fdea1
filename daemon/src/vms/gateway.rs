//! The one way to VMS's SQLite file. Every connection that this process makes is made here, and none stays open
//! while nothing is read or written: an idle connection would keep VMS's own last one from removing the write-ahead
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
use super::file::{FileId, Footprint, ensure_accessible, log_size};
use super::rights::Judge;
use super::schema::Schema;
use super::tables::TableSpec;
use crate::sqlite::{application_id, replace_stuck};

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

/// VMS's file: where it is, how long to wait for it, and all that opens it.
#[derive(Debug, Clone)]
pub struct Gateway {
    path: PathBuf,
    patience: Duration,
    judge: Arc<Judge>,
}

impl Gateway {
    /// The way to the file at `path`, which need not exist yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), patience: PATIENCE, judge: Arc::default() }
    }

    /// The same way, on which a lock is waited for as long as `patience`.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for one use, and closes it again however the use ends.
    pub(crate) async fn using<T, E: From<VmsError>>(
        &self,
        work: impl AsyncFnOnce(&Vms) -> Result<T, E>,
    ) -> Result<T, E> {
        let vms = self.open().await?;
        let done = work(&vms).await;
        vms.close().await;
        done
    }

    /// Opens the file, which must exist.
    pub async fn open(&self) -> Result<Vms, VmsError> {
        self.ensure_shared()?;
        let file = self.file();
        // A reader may be waiting for a lock for the whole busy timeout; the pool must wait longer. A session is
        // over before its connections are old or idle.
        let pool = || {
            let options = SqlitePoolOptions::new().test_before_acquire(false).max_connections(1);
            let options = options.idle_timeout(None).max_lifetime(None);
            replace_stuck(options).acquire_timeout(2 * PATIENCE.max(self.patience))
        };
        let reading = self.options(Access::Read).row_buffer_size(4);
        let read = pool().connect_with(reading).await.map_err(|error| self.opening(connecting(error)))?;
        let read = SqlxSqliteConnector::from_sqlx_sqlite_pool(read);
        let write_ahead = match is_write_ahead(&read).await {
            Ok(write_ahead) => write_ahead,
            Err(error) => {
                // Closing can only fail for connections that are gone already.
                let _ = read.close().await;
                return Err(self.opening(error));
            }
        };
        // With a write-ahead log, a commit that is lost in a power cut leaves the previous rows, so waiting for
        // the disk at each commit gains nothing; VMS has the same setting. A rollback journal needs the wait.
        let synchronous = if write_ahead { SqliteSynchronous::Normal } else { SqliteSynchronous::Full };
        let writing = self.options(Access::Write).synchronous(synchronous);
        let write = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool().connect_lazy_with(writing));
        Ok(Vms { gateway: self.clone(), file, read, write })
    }

    /// Opens the file like [`open`](Self::open) and reads the schema, which must be one of VMS's.
    pub async fn open_checked(&self) -> Result<(Vms, Schema), VmsError> {
        let vms = self.open().await?;
        match vms.schema().await {
            Ok(schema) => Ok((vms, schema)),
            Err(error) => {
                vms.close().await;
                Err(error)
            }
        }
    }

    /// Opens one connection, for work that a pool does not allow.
    pub(crate) async fn connect(&self, access: Access) -> Result<SqliteConnection, VmsError> {
        self.ensure_shared()?;
        self.options(access).connect().await.map_err(|error| self.opening(connecting(error)))
    }

    /// Copies the write-ahead log into the database file and empties it, so that a copy of the file alone is
    /// complete and no old log can be replayed over a restored file.
    ///
    /// It waits for nobody, and nobody for it: others read and write while the log is copied. Only a log that has
    /// been copied whole is emptied; that takes the write lock for an instant, and is left out while anybody reads
    /// or writes. What is not possible at once is done another time, so there is nothing to report.
    pub(crate) async fn fold_log(&self) {
        if log_size(&self.path) == 0 {
            return;
        }
        let Ok(mut connection) = self.patient(Duration::ZERO).connect(Access::Write).await else { return };
        if let Ok((0, frames, copied)) = checkpoint(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)").await
            && frames == copied
        {
            let _ = checkpoint(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        let _ = connection.close().await;
    }

    /// Reads the footprint of the database, which the daemon must be able to read and write.
    pub(crate) fn footprint(&self) -> Result<Footprint, VmsError> {
        Footprint::of(&self.path)
    }

    /// Checks that the daemon may read and write the file.
    pub(crate) fn ensure_accessible(&self) -> Result<(), VmsError> {
        ensure_accessible(&self.path).map(drop)
    }

    /// Whether the database is there and can be read: cheap, and without any lock.
    pub(crate) async fn is_readable(&self) -> bool {
        let entry = tokio::fs::metadata(&self.path).await;
        if !entry.is_ok_and(|entry| entry.is_file() && entry.len() > 0) {
            return false;
        }
        application_id(&self.path).await.is_ok()
    }

    /// Checks that the file is there, and that opening it cannot lock VMS out of it.
    fn ensure_shared(&self) -> Result<(), VmsError> {
        self.ensure_accessible()?;
        match self.judge.lock_out(&self.path) {
            None => Ok(()),
            Some(reason) => Err(VmsError::WouldLockOut { path: self.path.clone(), reason }),
        }
    }

    /// The file that has the path at present; `None` if there is none.
    fn file(&self) -> Option<FileId> {
        FileId::at(&self.path).ok()
    }

    fn options(&self, access: Access) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .foreign_keys(false)
            .busy_timeout(self.patience)
            .disable_statement_logging();
        match access {
            Access::Read => options.pragma("query_only", "ON"),
            Access::Write => options,
            Access::Alone => options.locking_mode(SqliteLockingMode::Exclusive),
        }
    }

    fn opening(&self, source: DbErr) -> VmsError {
        let path = || self.path.clone();
        if VmsError::is_not_a_database(&source) {
            return VmsError::NotADatabase { path: path(), source };
        }
        match VmsError::of("opening it")(source).beside(&self.path) {
            VmsError::Query { source, .. } | VmsError::ReadOnly { source, .. }
                if VmsError::is_inaccessible(&source) =>
            {
                VmsError::Inaccessible { path: path(), reason: source.to_string() }
            }
            other => other,
        }
    }
}

/// One use of VMS's database: a connection that cannot write, and one that can. Both are closed when this is
/// dropped, at once if it is closed.
#[derive(Debug, Clone)]
pub struct Vms {
    gateway: Gateway,
    /// The file that was opened.
    file: Option<FileId>,
    read: DatabaseConnection,
    /// Not connected before the first write.
    write: DatabaseConnection,
}

impl Vms {
    /// Opens the database at `path`, which must exist.
    pub async fn open(path: &Path) -> Result<Self, VmsError> {
        Gateway::new(path).open().await
    }

    /// Reads the present tables and columns; an error where none is VMS's own.
    pub async fn schema(&self) -> Result<Schema, VmsError> {
        let schema = Schema::read(&self.read).await?;
        if schema.is_vms() { Ok(schema) } else { Err(VmsError::NoVmsTables { path: self.path().to_owned() }) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.gateway.path
    }

    /// The connection that cannot write.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Calls `observer` with every statement of the reading connection as it ends.
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
    ///
    /// Refuses a path that has another file by now: what was computed from the one that was read does not belong
    /// into a backup that somebody has just restored.
    pub async fn begin_write(&self) -> Result<DatabaseTransaction, VmsError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.write.begin_with_options(options).await;
        let begun =
            begun.map_err(|error| VmsError::of("waiting for the write lock")(error).beside(self.path()))?;
        // Now that it is locked: until then, somebody may be copying.
        if self.gateway.file() == self.file {
            return Ok(begun);
        }
        // Dropping it would roll it back, too, only later.
        let _ = begun.rollback().await;
        Err(VmsError::Replaced { path: self.path().to_owned() })
    }

    /// Counts the rows of a table.
    pub(crate) async fn count(&self, table: &str, doing: &'static str) -> Result<u64, VmsError> {
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        let row = self.read.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        let row = row.map_err(VmsError::of(doing))?;
        let rows = row.map(|row| row.try_get_by_index::<i64>(0)).transpose().map_err(VmsError::of(doing))?;
        Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
    }

    /// Reads the payload columns of a cache row as text, in the order of the table's description; `None` when the
    /// row is gone.
    pub(crate) async fn payload(
        &self,
        spec: &TableSpec,
        id: i64,
    ) -> Result<Option<Vec<Option<String>>>, VmsError> {
        const DOING: &str = "reading an entry";
        let columns: Vec<String> =
            spec.payload.iter().map(|column| format!("CAST(\"{}\" AS TEXT)", column.name)).collect();
        let sql = format!("SELECT {} FROM \"{}\" WHERE id = ?", columns.join(", "), spec.table);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [id.into()]);
        let row = self.read.query_one_raw(statement).await.map_err(VmsError::of(DOING))?;
        let Some(row) = row else { return Ok(None) };
        let cell = |position| {
            let bytes: Option<Vec<u8>> = row.try_get_by_index(position)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        (0..columns.len()).map(cell).collect::<Result<_, _>>().map(Some).map_err(VmsError::of(DOING))
    }

    /// Closes both connections and leaves nothing behind in the log.
    pub(crate) async fn close_and_fold(self) {
        let gateway = self.gateway.clone();
        self.close().await;
        gateway.fold_log().await;
    }

    /// Closes both connections.
    pub async fn close(self) {
        // Closing can only fail for connections that are gone already.
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }
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

fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use sea_orm::Database;

    use super::*;
    use crate::directory::directory;
    use crate::vms::file::beside;

    /// A database with a write-ahead log, and nobody connected.
    async fn database(directory: &Path) -> Gateway {
        let path = directory.join("vms.db");
        let vms = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        vms.execute_unprepared("PRAGMA journal_mode = WAL; CREATE TABLE event (x)").await.unwrap();
        vms.close().await.unwrap();
        Gateway::new(&path)
    }

    #[tokio::test]
    async fn no_connection_is_left_when_a_use_ends_whether_well_or_not() {
        let dir = directory();
        let gateway = database(dir.path()).await;
        // SQLite keeps the log for as long as anybody is connected.
        let log = beside(gateway.path(), "-wal");
        let read = async |vms: &Vms| {
            assert_eq!(vms.count("event", "counting").await?, 0);
            assert!(log.exists(), "connected");
            vms.count("nothing", "counting").await
        };
        assert!(gateway.using(read).await.is_err());
        assert!(!log.exists());
        let written = async |vms: &Vms| {
            let writing = vms.begin_write().await?;
            writing.execute_unprepared("INSERT INTO event VALUES (1)").await.map_err(VmsError::of("test"))?;
            writing.commit().await.map_err(VmsError::of("test"))
        };
        gateway.using(written).await.unwrap();
        assert!(!log.exists());
    }

    #[tokio::test]
    async fn a_file_that_took_the_place_of_the_one_that_was_read_is_not_written_to() {
        let dir = directory();
        let gateway = database(dir.path()).await;
        let restored = dir.path().join("restored.db");
        std::fs::copy(gateway.path(), &restored).unwrap();
        let written = async |vms: &Vms| {
            assert_eq!(vms.count("event", "counting").await?, 0);
            std::fs::rename(&restored, gateway.path()).unwrap();
            vms.begin_write().await?.commit().await.map_err(VmsError::of("test"))
        };
        let refused = gateway.using(written).await.unwrap_err();
        assert!(matches!(refused, VmsError::Replaced { .. }) && refused.is_retryable(), "{refused}");
        gateway
            .using(async |vms: &Vms| vms.begin_write().await?.commit().await.map_err(VmsError::of("test")))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_session_that_is_dropped_closes_itself() {
        let dir = directory();
        let gateway = database(dir.path()).await;
        let log = beside(gateway.path(), "-wal");
        let (vms, schema) = gateway.open_checked().await.unwrap();
        assert!(schema.has_table("event") && log.exists());
        drop(vms);
        while log.exists() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_database_is_readable_and_text_an_empty_file_a_directory_and_nothing_are_not() {
        let dir = directory();
        let gateway = database(dir.path()).await;
        let vms = gateway.open().await.unwrap();
        assert!(gateway.is_readable().await, "while it is in use");
        vms.close().await;
        assert!(gateway.is_readable().await);
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("text"), "no database, only a few notes\n".repeat(300)).unwrap();
        std::fs::write(path("empty"), "").unwrap();
        for name in ["text", "empty", "nothing", "."] {
            assert!(!Gateway::new(&path(name)).is_readable().await, "{name}");
        }
    }
}
