//! The one way to VMS's SQLite file. This process makes all its connections here, and none stays open
//! while idle: an idle connection would keep VMS's own last one from removing the write-ahead
//! log, and a copy of the file made after VMS has stopped would lack the transactions in that log.
//!
//! With a rollback journal, readers open the file read-only, so that they cannot roll a journal back into it (see
//! [`anchor`](super::anchor)). With a write-ahead log they open it read-write with `query_only` on: a connection
//! that was opened read-only leaves the log behind when it is the last. The journal mode is never touched, because
//! both must keep working for VMS. `foreign_keys` is off as in VMS itself; with it on, a cache row of a district
//! that VMS deleted meanwhile could not even be updated.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sea_orm::sqlx::{self, ConnectOptions as _};
use sea_orm::{DbErr, RuntimeErr};

use super::error::{BUSY_TIMEOUT_SECONDS, VmsError};
use super::file::{Footprint, ensure_accessible};
use super::rights::Judge;
use crate::plain_file::FileId;
use crate::sqlite::application_id;

/// How long to wait for a lock that another process holds.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(BUSY_TIMEOUT_SECONDS);

/// The purpose of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading and copying, while other processes write.
    Read,
    /// One short write transaction, already begun.
    Write,
    /// Operations without a transaction: copying the log into the file, or rebuilding the file. With a rollback
    /// journal it locks the file until it is closed.
    Whole,
}

/// VMS's file: its path, how long to wait for its locks, and everything that opens it.
#[derive(Debug, Clone)]
pub struct Gateway {
    path: PathBuf,
    pub(super) lock_timeout: Duration,
    judge: Arc<Judge>,
}

impl Gateway {
    /// The gateway to the file at `path`, which does not have to exist yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), lock_timeout: LOCK_TIMEOUT, judge: Arc::default() }
    }

    /// The same gateway with another `lock_timeout`.
    #[must_use]
    pub fn with_lock_timeout(&self, lock_timeout: Duration) -> Self {
        Self { lock_timeout, ..self.clone() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the footprint of the database, which the daemon must be able to read and write.
    pub(crate) fn footprint(&self) -> Result<Footprint, VmsError> {
        Footprint::of(&self.path)
    }

    /// Checks that the daemon may read and write the file.
    pub(crate) fn ensure_accessible(&self) -> Result<(), VmsError> {
        ensure_accessible(&self.path).map(drop)
    }

    /// Whether the database exists and can be read: cheap, and without taking a lock.
    pub(crate) async fn is_readable(&self) -> bool {
        let entry = tokio::fs::metadata(&self.path).await;
        if !entry.is_ok_and(|entry| entry.is_file() && entry.len() > 0) {
            return false;
        }
        application_id(&self.path).await.is_ok()
    }

    /// Checks that the file exists, and that opening it cannot lock VMS out of it.
    pub(super) fn ensure_shared(&self) -> Result<(), VmsError> {
        self.ensure_accessible()?;
        match self.judge.lock_out(&self.path) {
            None => Ok(()),
            Some(reason) => Err(VmsError::WouldLockOut { path: self.path.clone(), reason }),
        }
    }

    /// The file that has the name now.
    pub(super) fn file(&self) -> Result<FileId, VmsError> {
        ensure_accessible(&self.path).map(|metadata| FileId::of(&metadata))
    }

    pub(super) fn options(&self, access: Access, write_ahead: bool) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .foreign_keys(false)
            .busy_timeout(self.lock_timeout)
            .disable_statement_logging();
        match access {
            Access::Read if write_ahead => options.pragma("query_only", "ON"),
            Access::Read => options.read_only(true),
            Access::Whole if !write_ahead => options.locking_mode(SqliteLockingMode::Exclusive),
            Access::Write | Access::Whole => options,
        }
    }

    /// Makes a connection wait for locks: a commit waits until all readers have finished.
    pub(super) fn busy_timeout(&self) -> String {
        format!("PRAGMA busy_timeout = {}", self.lock_timeout.as_millis())
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

pub(super) fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use sqlx::Connection as _;

    use super::*;
    use crate::directory::directory;

    #[tokio::test]
    async fn only_a_database_is_readable_not_text_an_empty_file_or_a_directory() {
        let dir = directory();
        let gateway = Gateway::new(&dir.path().join("vms.db"));
        let options = SqliteConnectOptions::new().filename(gateway.path()).create_if_missing(true);
        let mut vms = options.connect().await.unwrap();
        sqlx::raw_sql("PRAGMA journal_mode = WAL; CREATE TABLE event (x)").execute(&mut vms).await.unwrap();
        assert!(gateway.is_readable().await, "a database in use");
        vms.close().await.unwrap();
        assert!(gateway.is_readable().await);
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("text"), "no database, only a few notes\n".repeat(300)).unwrap();
        std::fs::write(path("empty"), "").unwrap();
        for name in ["text", "empty", "nothing", "."] {
            assert!(!Gateway::new(&path(name)).is_readable().await, "{name}");
        }
    }
}
