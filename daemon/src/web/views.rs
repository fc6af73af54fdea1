//! Views that are held for a moment and shared: fifty readers at once must not make fifty looks at VMS's database.

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
use crate::rpc::{Service, health, report, status};

/// Sizes cost nothing here: a look reads every row anyway.
pub(super) const WITH_SIZES: StatusRequest = StatusRequest { sizes: true };

/// Pages and figures show what is; the same to all who ask within a second, unless a run has gone on.
const NOW: Serves = Serves { within: Duration::from_secs(1), since: Since::Matters };

/// For those who ask again and again by themselves: load balancers, Prometheus.
const LATELY: Serves = Serves { within: Duration::from_secs(5), since: Since::DoesNotMatter };

/// How far back the status page shows runs.
pub(super) const WINDOW: TimeDelta = TimeDelta::days(30);

/// More runs than this do not fit a plot.
const RUNS: u64 = 500;

/// Failed jobs that the status page sums up.
const FAILURES: u64 = 60;

/// The looks of the web side.
#[derive(Debug, Default)]
pub(super) struct Views {
    status: Held<StatusReply>,
    answer: Held<api::status::Answer>,
    overview: Held<Overview>,
    metrics: Held<String>,
}

/// All that the status page shows.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) status: StatusReply,
    pub(super) health: HealthReply,
    pub(super) report: ReportReply,
    /// The newest first.
    pub(super) runs: Vec<Run>,
    /// The newest of each table that tells how the table is.
    pub(super) last_results: Vec<Job>,
    /// The newest first.
    pub(super) failures: Vec<Job>,
}

impl Views {
    /// The status as it was a few seconds ago at the most, whatever runs have done since.
    pub(super) async fn status(&self, service: &Service) -> Result<Arc<StatusReply>, Fault> {
        held(&self.status, service, LATELY, status::status(service, &WITH_SIZES)).await
    }

    /// What `api/status` answers now.
    pub(super) async fn answer(&self, service: &Service) -> Result<Arc<api::status::Answer>, Fault> {
        held(&self.answer, service, NOW, api::status::answer(service)).await
    }

    /// The text of the metrics, of a few seconds ago at the most.
    pub(super) async fn metrics(&self, service: &Service) -> Result<Arc<String>, Fault> {
        held(&self.metrics, service, LATELY, metrics::text(service)).await
    }

    /// Everything as it is now.
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

    /// To be called after a change that no run tells of.
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
    // Large, and part of the future of whoever asks.
    held.get(service.clock.as_ref(), || service.queue.events(), serves, Box::pin(look)).await
}
