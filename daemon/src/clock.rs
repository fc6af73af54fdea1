//! Time, passed in: the only module that asks the operating system for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// How long a test waits, in real time, for sleeps on a manual clock.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A sleep in progress; dropping it cancels it.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Source of time for all components.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall-clock time. It may be set, forwards and backwards.
    fn now(&self) -> DateTime<Utc>;

    /// Time since a fixed start. It never goes back; durations are measured with it.
    fn monotonic(&self) -> Duration;

    /// Sleeps for `duration` of [`monotonic`](Self::monotonic) time. Setting the wall clock does not change
    /// that, so to wait for a wall-clock instant, sleep in slices and check the time after each.
    fn sleep(&self, duration: Duration) -> Sleep<'_>;
}

/// The operating system's time.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Creates a clock whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that only moves when a test or a rehearsal advances it.
#[derive(Debug)]
pub struct ManualClock {
    times: watch::Sender<Times>,
    /// When each sleep in progress ends.
    sleepers: watch::Sender<Vec<Duration>>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    wall: DateTime<Utc>,
    monotonic: Duration,
}

impl ManualClock {
    /// Creates a clock that shows `wall`.
    pub fn new(wall: DateTime<Utc>) -> Self {
        Self {
            times: watch::Sender::new(Times { wall, monotonic: Duration::ZERO }),
            sleepers: watch::Sender::new(Vec::new()),
        }
    }

    /// Advances both the wall clock and monotonic time, and wakes the sleeps that have ended.
    pub fn advance(&self, by: Duration) {
        self.times.send_modify(|t| {
            t.wall += by;
            t.monotonic += by;
        });
    }

    /// Sets the wall clock, as an operator or NTP would; this ends no sleep.
    pub fn set(&self, wall: DateTime<Utc>) {
        self.times.send_modify(|t| t.wall = wall);
    }

    /// Waits until at least `count` sleeps end in the future, so that [`advance`](Self::advance) reaches all
    /// of them.
    ///
    /// # Panics
    /// If that takes so long that the program must be hanging.
    #[expect(
        clippy::panic,
        reason = "only tests wait for sleeps, and a hanging test must name what it waits for"
    )]
    pub async fn sleeping(&self, count: usize) {
        let asleep = |ends: &Vec<Duration>| ends.iter().filter(|&&end| end > self.monotonic()).count();
        let mut sleepers = self.sleepers.subscribe();
        let enough = sleepers.wait_for(|ends| asleep(ends) >= count);
        if tokio::time::timeout(LONGEST_WAIT, enough).await.is_err() {
            let asleep = asleep(&self.sleepers.borrow());
            panic!("expected {count} sleeps on the manual clock, found {asleep}");
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.times.borrow().wall
    }

    fn monotonic(&self) -> Duration {
        self.times.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        let mut times = self.times.subscribe();
        let until = self.monotonic() + duration;
        Box::pin(async move {
            let _asleep = Asleep::new(&self.sleepers, until);
            let _ = times.wait_for(|t| t.monotonic >= until).await;
        })
    }
}

/// Registers a sleep for as long as the value exists, also if the sleep is dropped early.
struct Asleep<'a> {
    sleepers: &'a watch::Sender<Vec<Duration>>,
    until: Duration,
}

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a watch::Sender<Vec<Duration>>, until: Duration) -> Self {
        sleepers.send_modify(|ends| ends.push(until));
        Self { sleepers, until }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.sleepers.send_modify(|ends| {
            if let Some(mine) = ends.iter().position(|&end| end == self.until) {
                ends.swap_remove(mine);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn advance_ends_exactly_the_sleeps_whose_time_is_over() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let nap = |d| {
            let clock: Arc<dyn Clock> = clock.clone();
            tokio::spawn(async move { clock.sleep(d).await })
        };
        let (short, long) = (nap(MINUTE), nap(2 * MINUTE));
        clock.sleeping(2).await;
        clock.advance(MINUTE);
        short.await.unwrap();
        assert!(!long.is_finished());
        clock.advance(MINUTE);
        long.await.unwrap();
    }

    #[tokio::test]
    async fn setting_the_wall_clock_moves_no_sleep_and_no_duration() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let mut sleep = clock.sleep(MINUTE);
        clock.set(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        tokio::select! {
            biased;
            () = &mut sleep => panic!("a step of the wall clock ended the sleep"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(clock.monotonic(), Duration::ZERO);
        clock.advance(MINUTE);
        sleep.await;
    }
}
