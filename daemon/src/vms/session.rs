//! A session on VMS's database: long reads and short write transactions.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqlitePoolOptions, SqliteSynchronous};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};

use super::anchor::{Anchor, Pauses, lock};
use super::error::VmsError;
use super::gateway::{Access, Gateway, LOCK_TIMEOUT, connecting};
use super::schema::Schema;
use super::tables::TableSpec;
use crate::plain_file::FileId;
use crate::sqlite::replace_stuck;

const LOCKING: &str = "waiting for the write lock";

impl Gateway {
    /// Opens the file for one session, and closes it again however the session ends.
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
        let anchor = self.anchor().await?;
        let opened = Box::pin(Vms::anchored(self, &anchor)).await;
        anchor.release().await;
        opened
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
}

/// A session on VMS's database: a connection that cannot write, and one that can. Both are closed when this is
/// dropped; [`close`](Self::close) waits for it.
#[derive(Debug, Clone)]
pub struct Vms {
    gateway: Gateway,
    /// The file that was opened.
    file: FileId,
    write_ahead: bool,
    read: DatabaseConnection,
    /// Connects with the first write.
    write: DatabaseConnection,
    observer: Observer,
}

type Observe = dyn Fn(&Statement) + Send + Sync;

/// What is called with each statement that reads.
#[derive(Clone, Default)]
struct Observer(Option<Arc<Observe>>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}

impl Vms {
    /// Opens the database at `path`, which must exist.
    pub async fn open(path: &Path) -> Result<Self, VmsError> {
        Gateway::new(path).open().await
    }

    /// Opens the file that is anchored.
    pub(super) async fn anchored(gateway: &Gateway, anchor: &Anchor) -> Result<Self, VmsError> {
        // A reader may be waiting for a lock for the whole busy timeout; the pool must wait longer. A session is
        // over before its connections become old or idle.
        let pool = || {
            let options = SqlitePoolOptions::new().test_before_acquire(false).max_connections(1);
            let options = options.idle_timeout(None).max_lifetime(None);
            replace_stuck(options).acquire_timeout(2 * LOCK_TIMEOUT.max(gateway.lock_timeout))
        };
        let write_ahead = anchor.write_ahead;
        let reading = gateway.options(Access::Read, write_ahead).row_buffer_size(4);
        let read = pool().connect_with(reading).await.map_err(|error| gateway.opening(connecting(error)))?;
        let read = SqlxSqliteConnector::from_sqlx_sqlite_pool(read);
        let writing = gateway.options(Access::Write, write_ahead);
        let writing = if write_ahead {
            // A commit that is lost in a power cut leaves the previous rows, so waiting for the disk at each commit
            // gains nothing; VMS has the same setting.
            writing.synchronous(SqliteSynchronous::Normal)
        } else {
            // It connects while the reader has a read lock, and must not wait then.
            writing.synchronous(SqliteSynchronous::Full).busy_timeout(Duration::ZERO)
        };
        let write = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool().connect_lazy_with(writing));
        let observer = Observer::default();
        let vms = Self { gateway: gateway.clone(), file: anchor.file, write_ahead, read, write, observer };
        match vms.bind().await {
            Ok(()) => Ok(vms),
            Err(error) => {
                vms.close().await;
                Err(error)
            }
        }
    }

    /// Another session on the same file, for reading at the same time.
    pub(crate) async fn another(&self) -> Result<Self, VmsError> {
        let another = self.gateway.open().await?;
        if another.file != self.file {
            another.close().await;
            return Err(VmsError::Replaced { path: self.path().to_owned() });
        }
        Ok(match &self.observer {
            Observer(Some(observer)) => another.observed_by(Arc::clone(observer)),
            Observer(None) => another,
        })
    }

    /// Makes the first read: with a write-ahead log, that binds the connection to the log that has the name now.
    async fn bind(&self) -> Result<(), VmsError> {
        if self.write_ahead {
            lock(&self.read).await.map_err(|error| self.gateway.opening(error))?;
        }
        self.gateway.ensure_is(self.file)
    }

    /// Reads the existing tables and columns; fails if none of them is VMS's.
    pub async fn schema(&self) -> Result<Schema, VmsError> {
        let schema = Schema::read(&self.begin_read().await?).await?;
        if schema.is_vms() { Ok(schema) } else { Err(VmsError::NoVmsTables { path: self.path().to_owned() }) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.gateway.path()
    }

    /// Calls `observer` with every statement that reads as it ends.
    pub fn observed(self, observer: impl Fn(&Statement) + Send + Sync + 'static) -> Self {
        self.observed_by(Arc::new(observer))
    }

    fn observed_by(mut self, observer: Arc<Observe>) -> Self {
        self.observer = Observer(Some(Arc::clone(&observer)));
        self.read.set_metric_callback(move |query| observer(query.statement));
        self
    }

    /// Begins a read transaction, which ends when it is dropped. This includes the first read: with a rollback
    /// journal, that read may find a journal beside the file, and the journal of a crashed process is rolled back
    /// then.
    pub async fn begin_read(&self) -> Result<DatabaseTransaction, VmsError> {
        const ACTION: &str = "beginning to read";
        let mut pauses = Pauses::new(self.gateway.lock_timeout);
        loop {
            let begun = self.read.begin().await.map_err(VmsError::of(ACTION))?;
            let Err(error) = lock(&begun).await else { return Ok(begun) };
            // Dropping it would also end it, but later.
            let _ = begun.rollback().await;
            let error = VmsError::of(ACTION)(error);
            // What looks like its journal may be that of the file which has the name now.
            self.gateway.ensure_is(self.file)?;
            if !matches!(error, VmsError::LeftJournal { .. }) || !pauses.again().await {
                return Err(error);
            }
            self.gateway.recover().await?;
        }
    }

    /// Begins a short write transaction. No read transaction of this session may be in progress.
    ///
    /// It is `IMMEDIATE`: a transaction that first reads and then writes would fail at once, whatever the
    /// busy timeout, if VMS has written in between.
    ///
    /// Refuses a path that has another file by now: entries computed from the old file must not be written
    /// into a backup that an operator has just restored.
    pub async fn begin_write(&self) -> Result<DatabaseTransaction, VmsError> {
        // With a log, the reader has a read lock for as long as it is connected.
        let begun =
            if self.write_ahead { self.begin_immediate().await } else { self.begin_anchored().await }?;
        // Checked once it is locked: until then, another process may be copying a file over it.
        if let Err(replaced) = self.gateway.ensure_is(self.file) {
            // Dropping it would also roll it back, but later.
            let _ = begun.rollback().await;
            return Err(replaced);
        }
        Ok(begun)
    }

    /// Begins to write while the reader has a read lock, but waits for the write lock without one.
    async fn begin_anchored(&self) -> Result<DatabaseTransaction, VmsError> {
        let mut pauses = Pauses::new(self.gateway.lock_timeout);
        loop {
            // Nothing is held yet, so this waits by itself.
            let anchor = self.begin_read().await?;
            let begun = self.begin_at_once().await;
            // Dropping it would also end it, but later.
            let _ = anchor.rollback().await;
            if !matches!(begun, Err(VmsError::Locked { .. })) || !pauses.again().await {
                return begun;
            }
        }
    }

    pub(super) async fn begin_at_once(&self) -> Result<DatabaseTransaction, VmsError> {
        self.write.execute_unprepared("PRAGMA busy_timeout = 0").await.map_err(VmsError::of(LOCKING))?;
        let begun = self.begin_immediate().await?;
        begun.execute_unprepared(&self.gateway.busy_timeout()).await.map_err(VmsError::of(LOCKING))?;
        Ok(begun)
    }

    async fn begin_immediate(&self) -> Result<DatabaseTransaction, VmsError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.write.begin_with_options(options).await;
        begun.map_err(|error| VmsError::of(LOCKING)(error).beside(self.path()))
    }

    /// Counts the rows of a table.
    pub(crate) async fn count(&self, table: &str, action: &'static str) -> Result<u64, VmsError> {
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        let view = self.begin_read().await?;
        let row = view.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        let row = row.map_err(VmsError::of(action))?;
        let rows = row.map(|row| row.try_get_by_index::<i64>(0)).transpose().map_err(VmsError::of(action))?;
        Ok(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default())
    }

    /// Reads the payload columns of a cache row as text, in the order of the table's description; `None` if the
    /// row is gone.
    pub(crate) async fn payload(
        &self,
        spec: &TableSpec,
        id: i64,
    ) -> Result<Option<Vec<Option<String>>>, VmsError> {
        let stored = self.payload_bytes(spec, id, "reading an entry").await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(stored.map(|cells| cells.into_iter().map(|cell| cell.map(text)).collect()))
    }

    /// The same, as it is stored.
    pub(crate) async fn payload_bytes(
        &self,
        spec: &TableSpec,
        id: i64,
        action: &'static str,
    ) -> Result<Option<Vec<Option<Vec<u8>>>>, VmsError> {
        let sql = format!("SELECT {} FROM \"{}\" WHERE id = ?", spec.payload_sql(), spec.table);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [id.into()]);
        let row = self.begin_read().await?.query_one_raw(statement).await.map_err(VmsError::of(action))?;
        let Some(row) = row else { return Ok(None) };
        let cells = (0..spec.payload.len()).map(|position| row.try_get_by_index(position));
        cells.collect::<Result<_, _>>().map(Some).map_err(VmsError::of(action))
    }

    /// Closes both connections and empties the log.
    pub(crate) async fn close_and_fold(self) {
        let gateway = self.gateway.clone();
        self.close().await;
        gateway.fold_log().await;
    }

    /// Closes both connections.
    pub async fn close(self) {
        // Closing can only fail for connections that are closed already. The reader's read lock keeps the other from
        // copying a log into the file on its close: if the file was moved, it may be another file's.
        let _ = self.write.close().await;
        let _ = self.read.close().await;
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;
    use crate::directory::directory;
    use crate::sqlite::beside;

    /// A database with a write-ahead log and no connections.
    async fn database(directory: &Path) -> Gateway {
        let path = directory.join("vms.db");
        let vms = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        vms.execute_unprepared("PRAGMA journal_mode = WAL; CREATE TABLE event (x)").await.unwrap();
        vms.close().await.unwrap();
        Gateway::new(&path)
    }

    #[tokio::test]
    async fn a_session_leaves_no_connection_open_whether_it_succeeds_or_fails() {
        let dir = directory();
        let gateway = database(dir.path()).await;
        // SQLite keeps the log as long as a process is connected.
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
    async fn a_file_that_replaced_the_one_that_was_read_is_not_written() {
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
}
