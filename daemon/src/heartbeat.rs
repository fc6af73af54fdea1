//! Heartbeats of the daemon's loops. A separate timer would keep ticking while its loop hangs, so each loop
//! announces itself by when its next beat is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Sleep};

/// How late a beat may be: a busy machine or a locked state database can delay a working loop for that long.
const GRACE: Duration = Duration::from_mins(2);

/// The heartbeat of one loop; clones share its state.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    name: &'static str,
    clock: Arc<dyn Clock>,
    /// Monotonic time in milliseconds by which the next beat is due.
    due: Arc<AtomicU64>,
}

impl Heartbeat {
    /// Creates the heartbeat of a loop that is about to start.
    pub fn new(name: &'static str, clock: &Arc<dyn Clock>) -> Self {
        let heartbeat = Self { name, clock: Arc::clone(clock), due: Arc::default() };
        heartbeat.beat(Duration::ZERO);
        heartbeat
    }

    /// Records that the loop is alive, and that its next beat is due within this time.
    pub fn beat(&self, pause: Duration) {
        let due = self.clock.monotonic().saturating_add(pause).saturating_add(GRACE);
        self.due.store(u64::try_from(due.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Records that the loop is alive, and sleeps.
    pub fn nap(&self, pause: Duration) -> Sleep<'_> {
        self.beat(pause);
        self.clock.sleep(pause)
    }

    /// The name of the loop.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// For how long the next beat has been overdue; none if it is not.
    pub fn overdue(&self) -> Option<Duration> {
        let due = Duration::from_millis(self.due.load(Ordering::Relaxed));
        self.clock.monotonic().checked_sub(due).filter(|late| !late.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_beat_is_overdue_only_after_the_announced_time_and_the_grace() {
        let manual = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let clock: Arc<dyn Clock> = manual.clone();
        let heartbeat = Heartbeat::new("loop", &clock);
        manual.advance(GRACE);
        assert_eq!(heartbeat.overdue(), None);
        manual.advance(MINUTE);
        assert_eq!(heartbeat.overdue(), Some(MINUTE));
        heartbeat.beat(10 * MINUTE);
        manual.advance(10 * MINUTE + GRACE);
        assert_eq!(heartbeat.overdue(), None);
        manual.set(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(2));
        assert_eq!(heartbeat.overdue(), None, "setting the wall clock does not affect the heartbeat");
        manual.advance(MINUTE);
        assert_eq!(heartbeat.overdue(), Some(MINUTE));
    }
}
