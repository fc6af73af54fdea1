//! Signs of life of the loops that everything depends on. A timer of its own would go on ticking while the loop it
//! speaks for hangs, so each loop says itself by when it will be heard of again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Sleep};

/// How late a loop may be: a busy machine or a locked state database holds it up that long without it being lost.
const GRACE: Duration = Duration::from_mins(2);

/// The heartbeat of one loop; clones belong to the same one.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    name: &'static str,
    clock: Arc<dyn Clock>,
    /// Milliseconds of monotonic time until which silence is no bad sign.
    due: Arc<AtomicU64>,
}

impl Heartbeat {
    /// That of a loop which is about to begin.
    pub fn new(name: &'static str, clock: &Arc<dyn Clock>) -> Self {
        let heartbeat = Self { name, clock: Arc::clone(clock), due: Arc::default() };
        heartbeat.beat(Duration::ZERO);
        heartbeat
    }

    /// The loop is alive, and what it does now may take this long.
    pub fn beat(&self, pause: Duration) {
        let due = self.clock.monotonic().saturating_add(pause).saturating_add(GRACE);
        self.due.store(u64::try_from(due.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The loop is alive and sleeps.
    pub fn nap(&self, pause: Duration) -> Sleep<'_> {
        self.beat(pause);
        self.clock.sleep(pause)
    }

    /// Whose it is.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How long the loop has kept silent beyond what it announced; none while all is well.
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
    fn silence_is_a_bad_sign_only_beyond_what_was_announced() {
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
        assert_eq!(heartbeat.overdue(), None, "a wall clock that is set says nothing about the loop");
        manual.advance(MINUTE);
        assert_eq!(heartbeat.overdue(), Some(MINUTE));
    }
}
