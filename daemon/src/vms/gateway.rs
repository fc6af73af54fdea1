//! The one way to VMS's SQLite file. Every connection that this process makes is made here, and none stays open
//! while nothing is read or written: an idle connection would keep VMS's own last one from removing the write-ahead
//! log, and whoever copies the file after VMS has stopped would miss what is in it.
//!
//! With a rollback journal, readers open the file read-only, so that they can roll nothing back into it (see
//! [`anchor`](super::anchor)). With a write-ahead log they open it read-write with `query_only` on: a connection
//! that was opened read-only leaves the log behind when it is the last. The journal mode is never touched, because
//! both must keep working for VMS. `foreign_keys` is off as in VMS itself; with it on, a cache row of a district
//! that VMS deleted meanwhile could not even be updated.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteLockingMode};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions as _, Connection as _};
use sea_orm::{DbErr, RuntimeErr};

use super::anchor::{Anchor, LOCK, Pauses};
use super::error::{BUSY_TIMEOUT_SECONDS, VmsError};
use super::file::{Footprint, ensure_accessible, log_size};
use super::rights::Judge;
use super::schema::Schema;
use super::session::Vms;
use crate::plain_file::FileId;
use crate::sqlite::application_id;

/// How long to wait for a lock that another process holds.
pub const PATIENCE: Duration = Duration::from_secs(BUSY_TIMEOUT_SECONDS);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading what other processes write, and copying it.
    Read,
    /// One short write transaction, which has begun.
    Write,
    /// What has no transaction: copying the log into the file, or building the file anew. With a rollback journal it
    /// locks the file until it is closed.
    Whole,
}

/// VMS's file: where it is, how long to wait for it, and all that opens it.
#[derive(Debug, Clone)]
pub struct Gateway {
    path: PathBuf,
    pub(super) patience: Duration,
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

    /// Opens one connection, for work that a pool does not allow.
    pub(crate) async fn connect(&self, access: Access) -> Result<SqliteConnection, VmsError> {
        let mut pauses = Pauses::new(self.patience);
        loop {
            let anchor = self.anchor().await?;
            let connected = Box::pin(self.connected(access, &anchor)).await;
            anchor.release().await;
            if !matches!(connected, Err(VmsError::Locked { .. })) || !pauses.again().await {
                return connected;
            }
        }
    }

    async fn connected(&self, access: Access, anchor: &Anchor) -> Result<SqliteConnection, VmsError> {
        // Nothing waits while there is an anchor.
        let options = self.options(access, anchor.write_ahead).busy_timeout(Duration::ZERO);
        let mut connection = options.connect().await.map_err(|error| self.opening(connecting(error)))?;
        let ready = async {
            let first = if access == Access::Write { "BEGIN IMMEDIATE" } else { LOCK };
            for sql in [first, &self.busy_timeout()] {
                let done = sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await;
                done.map_err(|error| self.opening(connecting(error)))?;
            }
            self.ensure_is(anchor.file)
        };
        match ready.await {
            Ok(()) => Ok(connection),
            Err(error) => {
                // If closing fails, the connection is gone as well.
                let _ = connection.close().await;
                Err(error)
            }
        }
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
        let Ok(mut connection) = self.patient(Duration::ZERO).connect(Access::Whole).await else { return };
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
    pub(super) fn ensure_shared(&self) -> Result<(), VmsError> {
        self.ensure_accessible()?;
        match self.judge.lock_out(&self.path) {
            None => Ok(()),
            Some(reason) => Err(VmsError::WouldLockOut { path: self.path.clone(), reason }),
        }
    }

    /// The file that has the name at present.
    pub(super) fn file(&self) -> Result<FileId, VmsError> {
        ensure_accessible(&self.path).map(|metadata| FileId::of(&metadata))
    }

    pub(super) fn options(&self, access: Access, write_ahead: bool) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .foreign_keys(false)
            .busy_timeout(self.patience)
            .disable_statement_logging();
        match access {
            Access::Read if write_ahead => options.pragma("query_only", "ON"),
            Access::Read => options.read_only(true),
            Access::Whole if !write_ahead => options.locking_mode(SqliteLockingMode::Exclusive),
            Access::Write | Access::Whole => options,
        }
    }

    /// Makes a connection wait for locks: to commit, it waits until all readers are gone.
    pub(super) fn busy_timeout(&self) -> String {
        format!("PRAGMA busy_timeout = {}", self.patience.as_millis())
    }

    pub(super) fn opening(&self, source: DbErr) -> VmsError {
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

/// Returns whether it was hindered, the frames of the log, and how many of them are in the database.
async fn checkpoint(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<(i32, i32, i32)> {
    sqlx::query_as(sql).fetch_one(connection).await
}

pub(super) fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;
    use crate::directory::directory;
    use crate::sqlite::beside;

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
