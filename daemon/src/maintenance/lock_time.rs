//! Estimates how long an operation would block VMS's writers.

use std::time::Duration;

use super::MaintenanceError;
use super::connection::Connection;
use super::task::Task;

/// Bytes that are read, copied or sorted per second. A developer's machine with a warm cache does three to
/// five times as much: the estimate must also hold for a small server with a cold cache.
const BYTES_PER_SECOND: u64 = 50_000_000;

/// Returns the time that so many bytes take.
pub(super) fn estimate(bytes: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_PER_SECOND)
}

impl Task<'_> {
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

    /// Executes a statement in a write transaction of its own that lasts no longer than twice the limit; the
    /// wait for the lock does not count.
    pub(super) async fn briefly(
        &self,
        vms: &mut Connection,
        doing: &'static str,
        sql: &str,
    ) -> Result<(), MaintenanceError> {
        vms.run("waiting for the write lock", "BEGIN IMMEDIATE").await?;
        self.interrupt.limit(Some(self.limits.lock * 2));
        let done = match vms.run(doing, sql).await {
            Ok(()) => vms.run(doing, "COMMIT").await,
            error => error,
        };
        self.interrupt.limit(None);
        if done.is_err() {
            // An interrupted statement may have ended the transaction already.
            let _ = vms.run(doing, "ROLLBACK").await;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_grows_with_the_bytes_and_never_wraps() {
        assert_eq!(estimate(0), Duration::ZERO);
        assert_eq!(estimate(250_000_000), Duration::from_secs(5));
        assert!(estimate(u64::MAX) > Duration::from_hours(1));
    }
}
