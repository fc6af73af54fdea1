//! Views that are cached for a moment and shared: fifty concurrent readers must not cause fifty reads of
//! VMS's database.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::fault::Fault;
use cached_proto::verb::health::HealthReply;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFilter};
use cached_proto::verb::report::{ReportReply, ReportRequest};
use cached_proto::verb::status::{StatusReply, StatusRequest};
use chrono::TimeDelta;

use super::api;
use super::held::{Held, Serves, Since};
use super::metrics;
use crate::service::{Service, health, report, status};

/// Sizes cost nothing extra here: a survey reads every row anyway.
pub(super) const WITH_SIZES: StatusRequest = StatusRequest { sizes: true };

/// For pages and figures, which show the current state: shared by all requests within a second, unless a run
/// has progressed.
const NOW: Serves = Serves { within: Duration::from_secs(1), since: Since::Matters };

/// For clients that poll: load balancers, Prometheus.
const LATELY: Serves = Serves { within: Duration::from_secs(5), since: Since::DoesNotMatter };

/// The window of runs on the status page.
pub(super) const WINDOW: TimeDelta = TimeDelta::days(30);

/// Most runs that fit in a plot.
const RUNS: u64 = 500;

/// Failed jobs that the status page summarises.
const FAILURES: u64 = 60;

/// The cached views of the web interface.
#[derive(Debug, Default)]
pub(super) struct Views {
    status: Held<StatusReply>,
    answer: Held<api::status::Answer>,
    overview: Held<Overview>,
    metrics: Held<String>,
}

/// All data of the status page.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) status: StatusReply,
    pub(super) health: HealthReply,
    pub(super) report: ReportReply,
    /// The newest first.
    pub(super) runs: Vec<Run>,
    /// For each table, the newest job that shows its state.
    pub(super) last_results: Vec<Job>,
    /// The newest first.
    pub(super) failures: Vec<Job>,
}

impl Views {
    /// The status, at most a few seconds old, whatever runs have done since.
    pub(super) async fn status(&self, service: &Service) -> Result<Arc<StatusReply>, Fault> {
        held(&self.status, service, LATELY, status::status(service, &WITH_SIZES)).await
    }

    /// The current answer of `api/status`.
    pub(super) async fn answer(&self, service: &Service) -> Result<Arc<api::status::Answer>, Fault> {
        held(&self.answer, service, NOW, api::status::answer(service)).await
    }

    /// The text of the metrics, at most a few seconds old.
    pub(super) async fn metrics(&self, service: &Service) -> Result<Arc<String>, Fault> {
        held(&self.metrics, service, LATELY, metrics::text(service)).await
    }

    /// The current data of the status page.
    pub(super) async fn overview(&self, service: &Service) -> Result<Arc<Overview>, Fault> {
        let all = async {
            let since = service.clock.now() - WINDOW;
            let window = ReportRequest { since_seconds: WINDOW.num_seconds().unsigned_abs() };
            let surveyed = service.survey().await;
            Ok(Overview {
                status: status::status_of(service, &surveyed, &WITH_SIZES).await?,
                health: health::health_of(service, &surveyed).await,
                report: report::report(service, &window).await?,
                runs: service.queue.history(since, RUNS).await?,
                last_results: service.queue.last_results().await?,
                failures: service.queue.jobs(JobFilter::Failed, FAILURES).await?,
            })
        };
        held(&self.overview, service, NOW, all).await
    }

    /// Discards the cached views. Must be called after a change that no run reports.
    pub(super) async fn forget(&self) {
        self.status.forget().await;
        self.answer.forget().await;
        self.overview.forget().await;
    }
}

async fn held<T>(
    held: &Held<T>,
    service: &Service,
    serves: Serves,
    look: impl Future<Output = Result<T, Fault>>,
) -> Result<Arc<T>, Fault> {
    // Boxed, because it is large and would be part of the caller's future.
    held.get(service.clock.as_ref(), || service.queue.events(), serves, Box::pin(look)).await
}
