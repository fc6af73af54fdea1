//! A task's own connection: it can be interrupted in the middle of a statement, which pooled connections
//! cannot, when the daemon stops or when a lock is held for too long.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, Row as _};
use tokio_util::sync::CancellationToken;

use cached_proto::verb::maintenance::MaintenanceSize;

use super::error::MaintenanceError;
use crate::clock::Clock;
use crate::vms::log_size;

/// Steps of SQLite's virtual machine between two checks of the interrupt: well below a millisecond.
const STEPS: i32 = 2000;

/// An open database.
#[derive(Debug)]
pub(super) struct Connection {
    path: PathBuf,
    sqlite: SqliteConnection,
    interrupt: Interrupt,
}

impl Connection {
    /// Takes over a connection to the database at `path`.
    pub(super) async fn over(
        path: &Path,
        mut sqlite: SqliteConnection,
        interrupt: &Interrupt,
    ) -> Result<Self, MaintenanceError> {
        let failed = |source| MaintenanceError::of(path, "opening it", source);
        let shared = interrupt.clone();
        sqlite
            .lock_handle()
            .await
            .map_err(failed)?
            .set_progress_handler(STEPS, move || shared.may_continue());
        Ok(Self { path: path.to_owned(), sqlite, interrupt: interrupt.clone() })
    }

    /// Executes a statement.
    pub(super) async fn run(&mut self, action: &'static str, sql: &str) -> Result<(), MaintenanceError> {
        self.rows(action, sql).await.map(drop)
    }

    /// Executes a statement whose one argument is text.
    pub(super) async fn run_with(
        &mut self,
        action: &'static str,
        sql: &'static str,
        argument: &str,
    ) -> Result<(), MaintenanceError> {
        let done = sqlx::query(sql).bind(argument).execute(&mut self.sqlite).await;
        done.map(drop).map_err(|source| self.classify(action, source))
    }

    /// Returns all rows of a query that returns few.
    pub(super) async fn rows(
        &mut self,
        action: &'static str,
        sql: &str,
    ) -> Result<Vec<SqliteRow>, MaintenanceError> {
        let query = sqlx::query::<Sqlite>(AssertSqlSafe(sql.to_owned()));
        let rows = query.fetch_all(&mut self.sqlite).await;
        rows.map_err(|source| self.classify(action, source))
    }

    /// Returns the first column of all rows, as text.
    pub(super) async fn texts(
        &mut self,
        action: &'static str,
        sql: &str,
    ) -> Result<Vec<String>, MaintenanceError> {
        let rows = self.rows(action, sql).await?;
        let texts: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        texts.map_err(|source| self.classify(action, source))
    }

    /// Returns one number; 0 for NULL and for no row.
    pub(super) async fn number(&mut self, action: &'static str, sql: &str) -> Result<u64, MaintenanceError> {
        let rows = self.rows(action, sql).await?;
        let number = rows.first().map(|row| row.try_get::<Option<i64>, _>(0)).transpose();
        let number = number.map_err(|source| self.classify(action, source))?;
        Ok(number.flatten().and_then(|number| u64::try_from(number).ok()).unwrap_or_default())
    }

    /// Whether the database has a write-ahead log, so that readers and writers do not block each other.
    pub(super) async fn is_write_ahead(&mut self) -> Result<bool, MaintenanceError> {
        Ok(self.texts("reading its journal mode", "PRAGMA journal_mode").await? == ["wal"])
    }

    /// Returns the size of the database on disk.
    pub(super) async fn size(&mut self) -> Result<MaintenanceSize, MaintenanceError> {
        const ACTION: &str = "reading its size";
        let page = self.number(ACTION, "PRAGMA page_size").await?;
        Ok(MaintenanceSize {
            file: page * self.number(ACTION, "PRAGMA page_count").await?,
            free: page * self.number(ACTION, "PRAGMA freelist_count").await?,
            log: log_size(&self.path),
        })
    }

    /// Runs `work` and closes the connection, however the work ends; uncommitted changes are rolled back.
    pub(super) async fn using<T>(
        mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, MaintenanceError>,
    ) -> Result<T, MaintenanceError> {
        let done = work(&mut self).await;
        // If closing fails, the connection is closed as well.
        let _ = self.sqlite.close().await;
        done
    }

    fn classify(&self, action: &'static str, source: sqlx::Error) -> MaintenanceError {
        match MaintenanceError::of(&self.path, action, source) {
            error if !error.is_interrupt() => error,
            _ if self.interrupt.is_stopped() => MaintenanceError::Stopped,
            _ => MaintenanceError::LockedTooLong { action },
        }
    }
}

const NEVER: u64 = u64::MAX;

/// Decides whether a statement continues; SQLite checks it every few thousand steps. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    stop: CancellationToken,
    clock: Arc<dyn Clock>,
    /// Monotonic instant, in microseconds, from which statements are interrupted.
    deadline: Arc<AtomicU64>,
}

impl Interrupt {
    pub(super) fn new(stop: CancellationToken, clock: Arc<dyn Clock>) -> Self {
        Self { stop, clock, deadline: Arc::new(AtomicU64::new(NEVER)) }
    }

    /// Interrupts statements that run for longer than `limit` from now; `None` removes the limit.
    pub(super) fn limit(&self, limit: Option<Duration>) {
        let deadline = limit.map_or(NEVER, |limit| micros(self.clock.monotonic().saturating_add(limit)));
        self.deadline.store(deadline, Ordering::Relaxed);
    }

    /// Whether the statement may continue.
    pub(super) fn may_continue(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        !self.is_stopped() && (deadline == NEVER || micros(self.clock.monotonic()) < deadline)
    }

    /// Whether the daemon is stopping.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

fn micros(at: Duration) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_limit_counts_from_the_moment_it_is_set_and_a_stop_takes_effect_at_once() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let stop = CancellationToken::new();
        let interrupt = Interrupt::new(stop.clone(), clock.clone());
        clock.advance(Duration::from_hours(1));
        assert!(interrupt.may_continue());
        interrupt.limit(Some(Duration::from_secs(10)));
        clock.advance(Duration::from_secs(9));
        assert!(interrupt.may_continue());
        clock.advance(Duration::from_secs(1));
        assert!(!interrupt.may_continue());
        interrupt.limit(None);
        assert!(interrupt.may_continue());
        stop.cancel();
        assert!(!interrupt.may_continue());
    }
}
