//! Looks that are held for a moment and shared: fifty readers at once must not make fifty looks at VMS's database.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::fault::Fault;
use cached_proto::verb::health::HealthReply;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFilter};
use cached_proto::verb::refresh::Progress;
use cached_proto::verb::report::{ReportReply, ReportRequest};
use cached_proto::verb::status::{StatusReply, StatusRequest};
use chrono::TimeDelta;
use tokio::sync::{Mutex, broadcast};

use crate::clock::Clock;
use crate::rpc::{Service, health, report, status};

/// Sizes cost nothing here: a look reads every row anyway.
const WITH_SIZES: StatusRequest = StatusRequest { sizes: true };

/// How long a page may show the same look.
const PAGE: Duration = Duration::from_secs(1);

/// How far back the status page shows runs.
pub(super) const WINDOW: TimeDelta = TimeDelta::days(30);

/// More runs than this do not fit a plot.
const RUNS: u64 = 500;

/// Failed jobs that the status page sums up.
const FAILURES: u64 = 60;

/// A look that is held.
#[derive(Debug)]
struct Held<T>(Mutex<Option<Kept<T>>>);

#[derive(Debug)]
struct Kept<T> {
    /// Monotonic instant at its end.
    at: Duration,
    /// What has happened since its begin.
    events: broadcast::Receiver<Progress>,
    value: Arc<T>,
}

/// Whether what a run has done since makes a look useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Matters,
    DoesNotMatter,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Held<T> {
    /// The look that is held, or a new one. Whoever asks meanwhile waits for the same one.
    async fn get(
        &self,
        clock: &dyn Clock,
        events: impl FnOnce() -> broadcast::Receiver<Progress>,
        (age, since): (Duration, Since),
        look: impl Future<Output = Result<T, Fault>>,
    ) -> Result<Arc<T>, Fault> {
        let mut last = self.0.lock().await;
        if let Some(kept) = &*last
            && clock.monotonic().saturating_sub(kept.at) < age
            && (since == Since::DoesNotMatter || kept.events.is_empty())
        {
            return Ok(Arc::clone(&kept.value));
        }
        // Before the look, so that no change falls in between.
        let events = events();
        let value = Arc::new(look.await?);
        *last = Some(Kept { at: clock.monotonic(), events, value: Arc::clone(&value) });
        Ok(value)
    }

    async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

/// The looks of the web side.
#[derive(Debug, Default)]
pub(super) struct Looks {
    status: Held<StatusReply>,
    overview: Held<Overview>,
}

/// All that the status page shows.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) status: Arc<StatusReply>,
    pub(super) health: HealthReply,
    pub(super) report: ReportReply,
    /// The newest first.
    pub(super) runs: Vec<Run>,
    /// The newest of each table.
    pub(super) last_jobs: Vec<Job>,
    /// The newest first.
    pub(super) failures: Vec<Job>,
}

impl Looks {
    /// The status as it was no longer ago than `age`, whatever runs have done since.
    pub(super) async fn status_within(
        &self,
        service: &Service,
        age: Duration,
    ) -> Result<Arc<StatusReply>, Fault> {
        self.status(service, (age, Since::DoesNotMatter)).await
    }

    /// Everything as it is now.
    pub(super) async fn overview(&self, service: &Service) -> Result<Arc<Overview>, Fault> {
        let now = (PAGE, Since::Matters);
        let all = Box::pin(async {
            let since = service.clock.now() - WINDOW;
            let window = ReportRequest { since_seconds: WINDOW.num_seconds().unsigned_abs() };
            Ok(Overview {
                status: self.status(service, now).await?,
                health: health::health(service).await,
                report: report::report(service, &window).await?,
                runs: service.queue.history(since, RUNS).await?,
                last_jobs: service.queue.last_jobs().await?,
                failures: service.queue.jobs(JobFilter::Failed, FAILURES).await?,
            })
        });
        self.overview.get(service.clock.as_ref(), || service.queue.events(), now, all).await
    }

    /// To be called after a change that no run tells of.
    pub(super) async fn forget(&self) {
        self.status.forget().await;
        self.overview.forget().await;
    }

    async fn status(&self, service: &Service, age: (Duration, Since)) -> Result<Arc<StatusReply>, Fault> {
        // Large, and held by whoever asks.
        let look = Box::pin(status::status(service, &WITH_SIZES));
        self.status.get(service.clock.as_ref(), || service.queue.events(), age, look).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use cached_proto::verb::maintenance::MaintenanceStep;
    use futures_util::future::join_all;

    use super::*;
    use crate::clock::ManualClock;

    struct Desk {
        held: Held<usize>,
        clock: ManualClock,
        events: broadcast::Sender<Progress>,
        looks: AtomicUsize,
    }

    impl Desk {
        fn new() -> Self {
            let clock = ManualClock::new(chrono::DateTime::UNIX_EPOCH);
            Self {
                held: Held::default(),
                clock,
                events: broadcast::Sender::new(2),
                looks: AtomicUsize::new(0),
            }
        }

        /// The number of the look that is seen.
        async fn sees(&self, since: Since) -> usize {
            let look = async {
                tokio::task::yield_now().await;
                Ok(self.looks.fetch_add(1, Ordering::Relaxed) + 1)
            };
            let events = || self.events.subscribe();
            *self.held.get(&self.clock, events, (PAGE, since), look).await.unwrap()
        }
    }

    #[tokio::test]
    async fn fifty_readers_share_a_look() {
        let desk = Desk::new();
        let seen = join_all((0..50).map(|_| desk.sees(Since::Matters))).await;
        assert_eq!(seen, [1; 50]);
        desk.clock.advance(PAGE);
        assert_eq!(desk.sees(Since::Matters).await, 2);
    }

    #[tokio::test]
    async fn an_event_and_a_change_make_a_look_useless() {
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
