//! Interrupts a statement when the daemon stops or when a lock is held for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

const NEVER: u64 = u64::MAX;

/// Decides whether a statement continues; SQLite checks it every few thousand steps. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    stop: CancellationToken,
    clock: Arc<dyn Clock>,
    /// Monotonic instant, in microseconds, from which on statements are interrupted.
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
    fn a_limit_counts_from_where_it_is_set_and_a_stop_at_once() {
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
