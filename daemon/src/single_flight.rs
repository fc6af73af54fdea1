//! Executes work once for all callers that request its result at the same time.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Shares one result among all callers that asked before the work began, so that any number of concurrent
/// callers costs two executions at most. A caller that arrives during an execution shares the next one,
/// because the running one may have missed a change to data that it has already read.
#[derive(Debug)]
pub(crate) struct SingleFlight<T> {
    /// Number of executions begun.
    begun: AtomicU64,
    last: Mutex<Option<Landed<T>>>,
}

#[derive(Debug)]
struct Landed<T> {
    number: u64,
    value: T,
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::default(), last: Mutex::default() }
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Returns a result of `work` that was begun after this call, by this or another caller, or an earlier
    /// result that is still `good`. If the executing caller is dropped, the next one begins the work anew.
    pub(crate) async fn get(&self, good: impl FnOnce(&T) -> bool, work: impl Future<Output = T>) -> T {
        let before = self.begun.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some(landed) = &*last
            && (landed.number > before || good(&landed.value))
        {
            return landed.value.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let value = work.await;
        *last = Some(Landed { number, value: value.clone() });
        value
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

    #[derive(Default)]
    struct Desk {
        flights: SingleFlight<usize>,
        begun: AtomicUsize,
        /// Lets one execution end.
        end: Notify,
    }

    impl Desk {
        /// Returns the number of the execution whose result is received.
        async fn asks(&self, good: bool) -> usize {
            let work = async {
                let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
                self.end.notified().await;
                number
            };
            self.flights.get(|_| good, work).await
        }
    }

    #[tokio::test]
    async fn a_crowd_that_comes_while_work_goes_on_shares_the_next() {
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
    async fn an_earlier_result_serves_as_long_as_it_is_good() {
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
    }

    #[tokio::test]
    async fn work_whose_caller_goes_away_is_begun_anew() {
        let desk = Desk::default();
        {
            let gone = std::pin::pin!(desk.asks(false));
            assert!(futures_util::poll!(gone).is_pending());
        }
        desk.end.notify_one();
        assert_eq!(desk.asks(false).await, 2);
    }
}
