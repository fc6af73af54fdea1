//! What the web interface shows, read once for all concurrent requests and kept for a moment: fifty concurrent
//! readers must not cause fifty reads of VMS's database.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::fault::Fault;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFilter};
use cached_proto::verb::refresh::Progress;
use cached_proto::verb::report::{ReportReply, ReportRequest};
use cached_proto::verb::status::{Computed, StatusReply, StatusRequest};
use cached_proto::words::Outcome;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::figures::{FullRefreshes, Recent, full_refreshes, longest_lock, recent};
use crate::health::{Audience, Health};
use crate::jobs::Unfinished;
use crate::reports;
use crate::service::{Service, health, report, status};
use crate::single_flight::SingleFlight;

/// Sizes cost nothing extra here: a survey reads every row anyway.
const WITH_SIZES: StatusRequest = StatusRequest { sizes: true };

/// The window of runs on the status page.
pub(super) const WINDOW: TimeDelta = TimeDelta::days(30);

/// The window of the rates in the API: a week.
const WEEK_SECONDS: u64 = 7 * 24 * 60 * 60;

/// Most runs that fit in a plot.
const RUNS: u64 = 500;

/// Failed jobs that the status page summarises.
const FAILURES: u32 = 60;

/// For how long something that was read is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// To people, who expect the current state: a second, unless a run has progressed.
    UntilProgress,
    /// To clients that poll: some seconds, whatever has happened since.
    AWhile,
}

impl Kept {
    const fn within(self) -> Duration {
        match self {
            Self::UntilProgress => Duration::from_secs(1),
            Self::AWhile => Duration::from_secs(5),
        }
    }
}

/// Something that was read, and the events since before it was.
#[derive(Debug)]
pub(super) struct Read<T> {
    events: broadcast::Receiver<Progress>,
    value: T,
}

impl<T> Deref for Read<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

type Flight<T> = SingleFlight<Result<Arc<Read<T>>, Fault>>;

/// What was read lately.
#[derive(Debug, Default)]
pub(super) struct Views {
    status: Flight<StatusReply>,
    week: Flight<Week>,
    overview: Flight<Overview>,
    scrape: Flight<Scrape>,
}

/// All data of the status page.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) status: StatusReply,
    /// By the last run.
    pub(super) computed: Vec<Computed>,
    pub(super) health: Health,
    pub(super) report: ReportReply,
    /// The newest first.
    pub(super) runs: Vec<Run>,
    /// For each table, the newest job that shows its state.
    pub(super) last_results: Vec<Job>,
    /// The newest first.
    pub(super) failures: Vec<Job>,
    /// The last months by day.
    pub(super) recent: Recent,
}

/// All data of the status in the API.
#[derive(Debug)]
pub(super) struct Week {
    pub(super) status: StatusReply,
    pub(super) report: ReportReply,
    pub(super) full: FullRefreshes,
    pub(super) queue: QueueState,
}

/// All data of the metrics.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) now: DateTime<Utc>,
    pub(super) started: DateTime<Utc>,
    pub(super) status: StatusReply,
    pub(super) health: Health,
    pub(super) full: FullRefreshes,
    pub(super) queue: QueueState,
    pub(super) counters: BTreeMap<String, u64>,
    /// Longest time that VMS's write lock was held, in seconds.
    pub(super) longest_lock: f64,
}

/// Jobs by where they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct QueueState {
    pub(super) pending: usize,
    pub(super) running: usize,
    /// Failed, and waiting for their next attempt.
    pub(super) retrying: usize,
    /// Tables whose newest job did not end well and is not tried again by itself.
    pub(super) dead: usize,
}

impl Views {
    /// The status, at most a few seconds old, whatever runs have done since.
    pub(super) async fn status(&self, service: &Service) -> Result<Arc<Read<StatusReply>>, Fault> {
        shared(&self.status, service, Kept::AWhile, status::status(service, &WITH_SIZES)).await
    }

    /// The current status and the figures of the last week.
    pub(super) async fn week(&self, service: &Service) -> Result<Arc<Read<Week>>, Fault> {
        let read = async {
            Ok(Week {
                status: status::status(service, &WITH_SIZES).await?,
                report: report::report(service, &ReportRequest { since_seconds: WEEK_SECONDS }).await?,
                full: full(service).await?,
                queue: queue_state(service).await?,
            })
        };
        shared(&self.week, service, Kept::UntilProgress, read).await
    }

    /// The current data of the status page.
    pub(super) async fn overview(&self, service: &Service) -> Result<Arc<Read<Overview>>, Fault> {
        let read = async {
            let since = service.clock.now() - WINDOW;
            let window = ReportRequest { since_seconds: WINDOW.num_seconds().unsigned_abs() };
            let zone = service.config.borrow().schedule.timezone;
            let surveyed = service.survey().await;
            let status = status::status_of(service, &surveyed, &WITH_SIZES).await?;
            Ok(Overview {
                computed: status::computed(service, &status).await?,
                status,
                health: health::health_of(service, &surveyed, Audience::Reader).await,
                report: report::report(service, &window).await?,
                runs: service.queue.history(since, RUNS).await?,
                last_results: service.queue.last_results().await?,
                failures: service.queue.jobs(JobFilter::Failed, FAILURES).await?,
                recent: recent(service.queue.state(), service.clock.now(), zone).await?,
            })
        };
        shared(&self.overview, service, Kept::UntilProgress, read).await
    }

    /// The data of the metrics, at most a few seconds old.
    pub(super) async fn scrape(&self, service: &Service) -> Result<Arc<Read<Scrape>>, Fault> {
        let read = async {
            let state = service.queue.state();
            let surveyed = service.survey().await;
            Ok(Scrape {
                now: service.clock.now(),
                started: service.started,
                status: status::status_of(service, &surveyed, &WITH_SIZES).await?,
                health: health::health_of(service, &surveyed, Audience::Operator).await,
                full: full(service).await?,
                queue: queue_state(service).await?,
                counters: state.counters().await?,
                longest_lock: longest_lock(state).await?,
            })
        };
        shared(&self.scrape, service, Kept::AWhile, read).await
    }

    /// Discards the views for people. Must be called after a change that no run reports.
    pub(super) async fn forget(&self) {
        self.status.forget().await;
        self.week.forget().await;
        self.overview.forget().await;
    }
}

async fn shared<T>(
    flight: &Flight<T>,
    service: &Service,
    kept: Kept,
    read: impl Future<Output = Result<T, Fault>>,
) -> Result<Arc<Read<T>>, Fault> {
    // Boxed, because it is large and would be part of the caller's future.
    let read = Box::pin(read);
    read_once(flight, service.clock.as_ref(), kept, || service.queue.events(), read).await
}

/// Returns what was read before, if it may still be shown, or reads it. A fault is not kept for later requests.
async fn read_once<T>(
    flight: &Flight<T>,
    clock: &dyn Clock,
    kept: Kept,
    events: impl FnOnce() -> broadcast::Receiver<Progress>,
    read: impl Future<Output = Result<T, Fault>>,
) -> Result<Arc<Read<T>>, Fault> {
    let good = |last: &Result<Arc<Read<T>>, Fault>| {
        last.as_ref().is_ok_and(|last| kept == Kept::AWhile || last.events.is_empty())
    };
    let read = async {
        // Subscribed before anything is read, so that no change falls in between.
        let events = events();
        Ok(Arc::new(Read { events, value: read.await? }))
    };
    flight.get(clock, kept.within(), good, read).await
}

async fn full(service: &Service) -> Result<FullRefreshes, Fault> {
    Ok(full_refreshes(service.queue.state(), reports::tables(&[], &[]).len()).await?)
}

/// Counts the unfinished jobs by state.
async fn queue_state(service: &Service) -> Result<QueueState, Fault> {
    let Unfinished { pending, running, retrying } = service.queue.unfinished().await?;
    let newest = service.queue.last_results().await?;
    let dead = newest.iter().filter(|job| !job.outcome.is_none_or(Outcome::is_good)).count();
    Ok(QueueState { pending, running, retrying, dead })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use cached_proto::verb::maintenance::MaintenanceStep;
    use futures_util::future::join_all;

    use super::*;
    use crate::clock::ManualClock;

    struct Desk {
        flight: Flight<usize>,
        clock: ManualClock,
        events: broadcast::Sender<Progress>,
        views: AtomicUsize,
    }

    impl Desk {
        fn new() -> Self {
            let clock = ManualClock::new(chrono::DateTime::UNIX_EPOCH);
            Self {
                flight: Flight::default(),
                clock,
                events: broadcast::Sender::new(2),
                views: AtomicUsize::new(0),
            }
        }

        /// Returns the number of the answer that is served.
        async fn sees(&self, kept: Kept) -> usize {
            let reading = async {
                tokio::task::yield_now().await;
                Ok(self.views.fetch_add(1, Ordering::Relaxed) + 1)
            };
            let events = || self.events.subscribe();
            **read_once(&self.flight, &self.clock, kept, events, reading).await.unwrap()
        }
    }

    #[tokio::test]
    async fn fifty_concurrent_readers_cause_one_read() {
        let desk = Desk::new();
        let answers = join_all((0..50).map(|_| desk.sees(Kept::UntilProgress))).await;
        assert_eq!(answers, [1; 50]);
        desk.clock.advance(Kept::UntilProgress.within());
        assert_eq!(desk.sees(Kept::UntilProgress).await, 2);
    }

    #[tokio::test]
    async fn an_event_or_a_change_discards_the_kept_answer() {
        let desk = Desk::new();
        assert_eq!(desk.sees(Kept::UntilProgress).await, 1);
        let step = MaintenanceStep { doing: String::new(), done: 0, total: 0 };
        desk.events.send(Progress::Step(step)).unwrap();
        assert_eq!(desk.sees(Kept::AWhile).await, 1);
        assert_eq!(desk.sees(Kept::UntilProgress).await, 2);
        desk.flight.forget().await;
        assert_eq!(desk.sees(Kept::AWhile).await, 3);
    }
}
