//! `GET api/status`: VMS's own figures under VMS's own keys, along with figures that VMS never had.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cached_proto::fault::Fault;
use cached_proto::time::Timestamp;
use cached_proto::verb::report::{ReportReply, ReportRequest};
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{Outcome, SchedulerState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::figures::{FullRefreshes, full_refreshes};
use crate::jobs::Unfinished;
use crate::refresh::plan;
use crate::service::{Service, report, status};
use crate::web::Web;
use crate::web::fault::WebFault;
use crate::web::json::Json;
use crate::web::views::WITH_SIZES;

/// Window of the rates: a week.
const WINDOW_SECONDS: u64 = 7 * 24 * 60 * 60;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(in crate::web) struct Answer {
    success: bool,
    data: Data,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusData)]
struct Data {
    is_running: bool,
    refresh_interval_hours: u32,
    /// When the last good refresh of everything began, as Python writes it.
    last_refresh: Option<String>,
    stats: Stats,
    next_run: Option<Timestamp>,
    timezone: String,
    queue: QueueState,
    /// Over the last week.
    rates: Rates,
    /// Why VMS's database cannot be looked at, if it cannot.
    database_error: Option<String>,
    caches: Vec<TableStatus>,
}

/// As VMS counts: refreshes of everything, as far as the history goes back; those that skipped every entry are none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusStats)]
struct Stats {
    total_refreshes: u64,
    successful_refreshes: u64,
    failed_refreshes: u64,
    last_error: Option<String>,
}

/// Jobs by where they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::web) struct QueueState {
    pub(in crate::web) pending: usize,
    pub(in crate::web) running: usize,
    /// Failed, and waiting for their next attempt.
    pub(in crate::web) retrying: usize,
    /// Tables whose newest job did not end well and is not tried again by itself.
    pub(in crate::web) dead: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Rates {
    success: Option<f64>,
    error: Option<f64>,
    avg_seconds: Option<f64>,
    readiness: Option<f64>,
}

#[utoipa::path(
    get, path = "/management/cache/api/status",
    responses((status = 200, description = "VMS's figures and ours.", body = Answer))
)]
pub(in crate::web) async fn status(State(web): State<Web>) -> Result<Response, WebFault> {
    let answer = web.views().answer(web.service()).await?;
    Ok(Json(answer.as_ref()).into_response())
}

/// Collects the current answer.
pub(in crate::web) async fn answer(service: &Service) -> Result<Answer, Fault> {
    let now = status::status(service, &WITH_SIZES).await?;
    let past = report::report(service, &ReportRequest { since_seconds: WINDOW_SECONDS }).await?;
    let full = full_refreshes(service.queue.state(), plan::tables(&[], &[]).len()).await?;
    let queue = queue_state(service).await?;
    let data = Data {
        is_running: now.scheduler == SchedulerState::Running,
        refresh_interval_hours: service.config.borrow().schedule.refresh_interval_hours,
        last_refresh: full.last_good.map(|at| at.to_rfc3339()),
        stats: Stats::from(full),
        next_run: now.next_run,
        timezone: now.timezone,
        queue,
        rates: Rates::from(&past),
        database_error: now.database_error,
        caches: now.tables,
    };
    Ok(Answer { success: true, data })
}

impl From<FullRefreshes> for Stats {
    fn from(full: FullRefreshes) -> Self {
        Self {
            total_refreshes: full.total,
            successful_refreshes: full.good,
            failed_refreshes: full.total - full.good,
            last_error: full.last_error,
        }
    }
}

impl From<&ReportReply> for Rates {
    fn from(past: &ReportReply) -> Self {
        Self {
            success: past.success_rate,
            error: past.error_rate,
            avg_seconds: past.refresh.map(|times| times.average),
            readiness: past.readiness.share,
        }
    }
}

/// Counts the unfinished jobs by state.
pub(in crate::web) async fn queue_state(service: &Service) -> Result<QueueState, Fault> {
    let Unfinished { pending, running, retrying } = service.queue.unfinished().await?;
    let newest = service.queue.last_results().await?;
    let dead = newest.iter().filter(|job| !job.outcome.is_none_or(Outcome::is_good)).count();
    Ok(QueueState { pending, running, retrying, dead })
}
