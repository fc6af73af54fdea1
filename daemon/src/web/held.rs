//! Caches an answer for a moment and shares it between concurrent requests.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::fault::Fault;
use cached_proto::verb::refresh::Progress;
use tokio::sync::broadcast;

use crate::clock::Clock;
use crate::single_flight::SingleFlight;

/// Conditions under which a cached answer is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Serves {
    /// Maximum age.
    pub(super) within: Duration,
    /// Whether changes since then make it outdated.
    pub(super) since: Since,
}

/// Whether progress of a run since then makes an answer outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    Matters,
    DoesNotMatter,
}

/// A cached answer.
#[derive(Debug)]
pub(super) struct Held<T>(SingleFlight<Result<Arc<Kept<T>>, Fault>>);

#[derive(Debug)]
struct Kept<T> {
    /// Monotonic instant at which the answer was complete.
    at: Duration,
    /// Events since before the answer was computed.
    events: broadcast::Receiver<Progress>,
    value: Arc<T>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self(SingleFlight::default())
    }
}

impl<T> Held<T> {
    /// Returns the cached answer, if it may still be served, or a new one.
    pub(super) async fn get(
        &self,
        clock: &dyn Clock,
        events: impl FnOnce() -> broadcast::Receiver<Progress>,
        serves: Serves,
        look: impl Future<Output = Result<T, Fault>>,
    ) -> Result<Arc<T>, Fault> {
        let serves = |last: &Result<Arc<Kept<T>>, Fault>| {
            last.as_ref().is_ok_and(|kept| {
                clock.monotonic().saturating_sub(kept.at) < serves.within
                    && (serves.since == Since::DoesNotMatter || kept.events.is_empty())
            })
        };
        let look = async {
            // Subscribed before the answer is computed, so that no change falls in between.
            let events = events();
            let value = Arc::new(look.await?);
            Ok(Arc::new(Kept { at: clock.monotonic(), events, value }))
        };
        let kept = self.0.get(serves, look).await?;
        Ok(Arc::clone(&kept.value))
    }

    /// Discards the cached answer.
    pub(super) async fn forget(&self) {
        self.0.forget().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use cached_proto::verb::maintenance::MaintenanceStep;
    use futures_util::future::join_all;

    use super::*;
    use crate::clock::ManualClock;

    const WITHIN: Duration = Duration::from_secs(1);

    struct Desk {
        held: Held<usize>,
        clock: ManualClock,
        events: broadcast::Sender<Progress>,
        views: AtomicUsize,
    }

    impl Desk {
        fn new() -> Self {
            let clock = ManualClock::new(chrono::DateTime::UNIX_EPOCH);
            Self {
                held: Held::default(),
                clock,
                events: broadcast::Sender::new(2),
                views: AtomicUsize::new(0),
            }
        }

        /// Returns the number of the answer that is served.
        async fn sees(&self, since: Since) -> usize {
            let look = async {
                tokio::task::yield_now().await;
                Ok(self.views.fetch_add(1, Ordering::Relaxed) + 1)
            };
            let events = || self.events.subscribe();
            *self.held.get(&self.clock, events, Serves { within: WITHIN, since }, look).await.unwrap()
        }
    }

    #[tokio::test]
    async fn fifty_readers_share_an_answer() {
        let desk = Desk::new();
        let seen = join_all((0..50).map(|_| desk.sees(Since::Matters))).await;
        assert_eq!(seen, [1; 50]);
        desk.clock.advance(WITHIN);
        assert_eq!(desk.sees(Since::Matters).await, 2);
    }

    #[tokio::test]
    async fn an_event_and_a_change_make_an_answer_useless() {
        let desk = Desk::new();
        assert_eq!(desk.sees(Since::Matters).await, 1);
        let step = MaintenanceStep { doing: String::new(), done: 0, total: 0 };
        desk.events.send(Progress::Step(step)).unwrap();
        assert_eq!(desk.sees(Since::DoesNotMatter).await, 1);
        assert_eq!(desk.sees(Since::Matters).await, 2);
        desk.held.forget().await;
        assert_eq!(desk.sees(Since::DoesNotMatter).await, 3);
    }
}
