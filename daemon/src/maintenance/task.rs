//! The common parts of all tasks: their context, their report, and how long they may block VMS's writers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::text::one_line;
use cached_proto::verb::maintenance::{MaintenanceItem, MaintenanceReport, MaintenanceSize, MaintenanceStep};
use cached_proto::words::MaintenanceTask;
use tokio::sync::watch;

use super::connection::{Connection, Interrupt};
use super::error::MaintenanceError;
use crate::clock::Clock;
use crate::refresh::RefreshConfig;
use crate::state::State;
use crate::vms::{Access, LOCK_TIMEOUT};

/// Bytes that are read, copied or sorted per second. A developer's machine with a warm cache does three to
/// five times as much: the estimate must also hold for a small server with a cold cache.
const BYTES_PER_SECOND: u64 = 50_000_000;

/// Estimates the time for this many bytes.
pub(super) fn estimate(bytes: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_PER_SECOND)
}

/// How long VMS's workers may be kept waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockLimits {
    /// Longest estimated lock; an operation that would hold one longer is refused. One that takes twice as
    /// long as that is interrupted.
    pub lock: Duration,
}

impl Default for LockLimits {
    /// A quarter of the time that VMS waits for a lock.
    fn default() -> Self {
        Self { lock: Duration::from_secs(5) }
    }
}

/// The progress of a task.
#[derive(Debug, Clone)]
pub(crate) enum TaskProgress {
    Step(MaintenanceStep),
    Ended(Result<Box<MaintenanceReport>, Arc<MaintenanceError>>),
}

/// Publishes the steps of a task.
#[derive(Debug)]
pub(super) struct Steps(watch::Sender<TaskProgress>);

impl Steps {
    pub(super) fn new() -> (Self, watch::Receiver<TaskProgress>) {
        let first = MaintenanceStep { doing: "beginning".to_owned(), done: 0, total: 0 };
        let (sender, receiver) = watch::channel(TaskProgress::Step(first));
        (Self(sender), receiver)
    }

    /// Creates steps without a follower.
    pub(super) fn unobserved() -> Self {
        Self::new().0
    }

    pub(super) fn publish(&self, doing: &str, done: usize, total: usize) {
        let step =
            MaintenanceStep { doing: one_line(doing).into_owned(), done: done as u64, total: total as u64 };
        self.0.send_replace(TaskProgress::Step(step));
    }

    pub(super) fn end(&self, ended: Result<MaintenanceReport, MaintenanceError>) {
        self.0.send_replace(TaskProgress::Ended(ended.map(Box::new).map_err(Arc::new)));
    }
}

/// A task in progress.
pub(super) struct Task<'a> {
    pub(super) config: &'a RefreshConfig,
    pub(super) state: &'a State,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) limits: LockLimits,
    pub(super) interrupt: Interrupt,
    pub(super) steps: &'a Steps,
}

/// The result of a task.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) items: Vec<MaintenanceItem>,
    pub(super) file: Option<String>,
    pub(super) notes: Vec<String>,
    /// Whether damage was found.
    pub(super) bad: bool,
}

impl Task<'_> {
    /// VMS's file.
    pub(super) fn path(&self) -> &Path {
        self.config.vms.path()
    }

    /// Opens VMS's file for `work`, and closes it again however the work ends.
    pub(super) async fn using<T>(
        &self,
        access: Access,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, MaintenanceError>,
    ) -> Result<T, MaintenanceError> {
        let sqlite = self.config.vms.with_lock_timeout(LOCK_TIMEOUT).connect(access).await?;
        Connection::over(self.path(), sqlite, &self.interrupt).await?.using(work).await
    }

    /// Runs `work` and returns an item with the time that it took.
    pub(super) async fn timed(
        &self,
        name: &str,
        bytes: u64,
        work: impl Future<Output = Result<(), MaintenanceError>>,
    ) -> Result<MaintenanceItem, MaintenanceError> {
        let began = self.clock.monotonic();
        work.await?;
        let seconds = self.clock.monotonic().saturating_sub(began).as_secs_f64();
        Ok(MaintenanceItem { name: name.to_owned(), bytes, seconds, ..MaintenanceItem::default() })
    }

    /// Runs `work` and returns its report.
    pub(super) async fn report(
        &self,
        name: MaintenanceTask,
        work: impl Future<Output = Result<Done, MaintenanceError>>,
    ) -> Result<MaintenanceReport, MaintenanceError> {
        self.config.vms.ensure_accessible()?;
        let began = self.clock.monotonic();
        // A damaged file may not even report its size, and that must not prevent the search for damage.
        let before = self.size().await.unwrap_or_default();
        let done = work.await?;
        Ok(MaintenanceReport {
            task: name,
            good: !done.bad,
            dry_run: false,
            seconds: self.clock.monotonic().saturating_sub(began).as_secs_f64(),
            before,
            after: self.size().await.unwrap_or_default(),
            items: done.items,
            file: done.file,
            notes: done.notes,
        })
    }

    async fn size(&self) -> Result<MaintenanceSize, MaintenanceError> {
        self.using(Access::Read, async |vms| vms.size().await).await
    }

    /// Refuses an operation that would hold a lock for too long.
    pub(super) fn ensure_short(&self, what: &str, bytes: u64) -> Result<(), MaintenanceError> {
        self.ensure_within(what, bytes, false)
    }

    fn ensure_within(&self, what: &str, bytes: u64, reading: bool) -> Result<(), MaintenanceError> {
        let (estimate, limit) = (estimate(bytes), self.limits.lock);
        if estimate > limit {
            return Err(MaintenanceError::WouldLock { what: what.to_owned(), reading, estimate, limit });
        }
        Ok(())
    }

    /// Refuses or limits a read that would block VMS's writers for too long, which happens only without a
    /// write-ahead log.
    pub(super) async fn ensure_short_read(
        &self,
        vms: &mut Connection,
        what: &str,
        bytes: u64,
    ) -> Result<(), MaintenanceError> {
        if vms.is_write_ahead().await? {
            return Ok(());
        }
        self.ensure_within(what, bytes, true)?;
        self.interrupt.limit(Some(self.limits.lock * 2));
        Ok(())
    }

    /// Executes statements in a write transaction of its own that lasts no longer than twice the limit; the
    /// wait for the lock does not count.
    pub(super) async fn briefly(&self, action: &'static str, sql: &str) -> Result<(), MaintenanceError> {
        self.using(Access::Write, async |vms| {
            self.interrupt.limit(Some(self.limits.lock * 2));
            let done = match vms.run(action, sql).await {
                Ok(()) => vms.run(action, "COMMIT").await,
                // Closing the connection rolls it back, unless the interrupted statement has ended it already.
                error => error,
            };
            self.interrupt.limit(None);
            done
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_grows_with_the_bytes_and_never_wraps() {
        assert_eq!(estimate(0), Duration::ZERO);
        assert_eq!(estimate(250_000_000), Duration::from_secs(5));
        assert!(estimate(u64::MAX) > Duration::from_hours(1));
    }
}
