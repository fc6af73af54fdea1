//! Executes work once for all callers that request its result at the same time, and keeps the result for a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;

/// Shares one result among all callers that asked before the work began, so that any number of concurrent
/// callers costs two executions at most. A caller that arrives during an execution shares the next one,
/// because the running one may have missed a change to data that it has already read; unless it takes results of
/// some age.
#[derive(Debug)]
pub(crate) struct SingleFlight<T> {
    /// Number of executions begun.
    begun: AtomicU64,
    last: Mutex<Option<Landed<T>>>,
}

#[derive(Debug)]
struct Landed<T> {
    number: u64,
    /// Monotonic instant at which the result was complete.
    at: Duration,
    value: T,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::default(), last: Mutex::default() }
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Returns a result of `work` that was begun after this call, by this or another caller, or an earlier
    /// result that is younger than `within` and still `good`. If the executing caller is dropped, the next one
    /// starts the work again.
    pub(crate) async fn get(
        &self,
        clock: &dyn Clock,
        within: Duration,
        good: impl FnOnce(&T) -> bool,
        work: impl Future<Output = T>,
    ) -> T {
        let before = self.begun.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some(Landed { number, at, value }) = &*last
            && (*number > before || (clock.monotonic().saturating_sub(*at) < within && good(value)))
        {
            return value.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let value = work.await;
        *last = Some(Landed { number, at: clock.monotonic(), value: value.clone() });
        value
    }

    /// Waits until no work is in progress; none begins before what this returns is dropped.
    pub(crate) async fn alone(&self) -> impl Sized + use<'_, T> {
        self.last.lock().await
    }

    /// Discards the last result, so that it is not reused.
    pub(crate) async fn forget(&self) {
        *self.last.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;
    use crate::clock::ManualClock;

    const WITHIN: Duration = Duration::from_secs(1);

    struct Desk {
        clock: ManualClock,
        flights: SingleFlight<usize>,
        begun: AtomicUsize,
        /// Lets one execution end.
        end: Notify,
    }

    impl Default for Desk {
        fn default() -> Self {
            let clock = ManualClock::new(chrono::DateTime::UNIX_EPOCH);
            Self { clock, flights: SingleFlight::default(), begun: AtomicUsize::new(0), end: Notify::new() }
        }
    }

    impl Desk {
        /// Returns the number of the execution whose result is received.
        async fn asks(&self, good: bool) -> usize {
            let work = async {
                let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
                self.end.notified().await;
                number
            };
            self.flights.get(&self.clock, WITHIN, |_| good, work).await
        }
    }

    #[tokio::test]
    async fn callers_that_arrive_during_an_execution_share_the_next_one() {
        let desk = Desk::default();
        let crowd = async {
            // The first execution has begun by now.
            let crowd = join_all((0..50).map(|_| desk.asks(false)));
            let ends = async {
                desk.end.notify_one();
                tokio::task::yield_now().await;
                desk.end.notify_one();
            };
            tokio::join!(crowd, ends).0
        };
        let (first, crowd) = tokio::join!(desk.asks(false), crowd);
        assert_eq!(first, 1);
        assert_eq!(crowd, [2; 50]);
    }

    #[tokio::test]
    async fn an_earlier_result_is_reused_while_it_is_young_and_good() {
        let desk = Desk::default();
        let ask = async |good| {
            desk.end.notify_one();
            desk.asks(good).await
        };
        assert_eq!(ask(true).await, 1);
        assert_eq!(ask(true).await, 1);
        assert_eq!(ask(false).await, 2);
        desk.flights.forget().await;
        assert_eq!(ask(true).await, 3);
        desk.clock.advance(WITHIN);
        assert_eq!(ask(true).await, 4);
    }

    #[tokio::test]
    async fn work_whose_caller_is_dropped_is_started_again_by_the_next() {
        let desk = Desk::default();
        {
            let gone = std::pin::pin!(desk.asks(false));
            assert!(futures_util::poll!(gone).is_pending());
        }
        desk.end.notify_one();
        assert_eq!(desk.asks(false).await, 2);
    }

    #[tokio::test]
    async fn no_work_begins_while_the_idle_guard_is_held() {
        let desk = Desk::default();
        let alone = desk.flights.alone().await;
        let mut waits = std::pin::pin!(desk.asks(false));
        assert!(futures_util::poll!(&mut waits).is_pending());
        assert_eq!(desk.begun.load(Ordering::Relaxed), 0);
        drop(alone);
        desk.end.notify_one();
        assert_eq!(waits.await, 1);
    }
}
