//! `GET api/status`: VMS's own figures under VMS's own keys, along with figures that VMS never had. `GET api/tables`: what
//! `cachectl status --sizes --json` prints. `POST scheduler/start` and `scheduler/stop`, with VMS's messages: both
//! succeed even without a change; the buttons of the status page use them as well, and return to that page.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cached_proto::time::Timestamp;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::verb::status::{StatusReply, StatusRequest, TableStatus};
use cached_proto::words::SchedulerState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::service;
use crate::web::answer::{Done, Json, WebFault};
use crate::web::app::Web;
use crate::web::frame::{Notice, back_to};
use crate::web::gate::Admitted;
use crate::web::views::{QueueState, Week};
use crate::web::wants::Wants;

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
    /// Why VMS's database cannot be read, if it cannot.
    database_error: Option<String>,
    caches: Vec<TableStatus>,
}

/// As VMS counts: refreshes of everything, as far as the history goes back; those that skipped every entry do not
/// count.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusStats)]
struct Stats {
    total_refreshes: u64,
    successful_refreshes: u64,
    failed_refreshes: u64,
    last_error: Option<String>,
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
pub(in crate::web) async fn status(State(web): State<Web>) -> Result<Json<Answer>, WebFault> {
    let week = web.views.week(&web.service).await?;
    let interval = web.service.config.borrow().schedule.refresh_interval_hours;
    Ok(Json(answer(&week, interval)))
}

fn answer(week: &Week, refresh_interval_hours: u32) -> Answer {
    let Week { status, report, full, queue } = week;
    let data = Data {
        is_running: status.scheduler == SchedulerState::Running,
        refresh_interval_hours,
        last_refresh: full.last_good.map(|at| at.to_rfc3339()),
        stats: Stats {
            total_refreshes: full.total,
            successful_refreshes: full.good,
            failed_refreshes: full.total - full.good,
            last_error: full.last_error.clone(),
        },
        next_run: status.next_run,
        timezone: status.timezone.clone(),
        queue: *queue,
        rates: Rates {
            success: report.success_rate,
            error: report.error_rate,
            avg_seconds: report.refresh.map(|times| times.average),
            readiness: report.readiness.share,
        },
        database_error: status.database_error.clone(),
        caches: status.tables.clone(),
    };
    Answer { success: true, data }
}

#[utoipa::path(
    get, path = "/management/cache/api/tables",
    responses((status = 200, description = "The tables, and what comes next.", body = StatusReply))
)]
pub(in crate::web) async fn tables(State(web): State<Web>) -> Result<Json<StatusReply>, WebFault> {
    Ok(Json(service::status::status(&web.service, &StatusRequest { sizes: true }).await?))
}

#[utoipa::path(
    post, path = "/management/cache/scheduler/start",
    responses(
        (status = 200, description = "Automatic triggers fire.", body = Done<SchedulerReply>),
        (
            status = 303, description = "For browsers: a redirect to the status page.",
            headers(("Location" = String, description = "The page."))
        )
    )
)]
pub(in crate::web) async fn start(
    State(web): State<Web>,
    admitted: Admitted,
    wants: Wants,
) -> Result<Response, WebFault> {
    let reply = service::scheduler::start(&web.service, &admitted.caller()).await?;
    Ok(switched(wants, Notice::Started, "Cache refresh scheduler started successfully", reply))
}

#[utoipa::path(
    post, path = "/management/cache/scheduler/stop",
    responses(
        (status = 200, description = "Automatic triggers do not fire.", body = Done<SchedulerReply>),
        (
            status = 303, description = "For browsers: a redirect to the status page.",
            headers(("Location" = String, description = "The page."))
        )
    )
)]
pub(in crate::web) async fn stop(
    State(web): State<Web>,
    admitted: Admitted,
    wants: Wants,
) -> Result<Response, WebFault> {
    let reply = service::scheduler::stop(&web.service, &admitted.caller()).await?;
    Ok(switched(wants, Notice::Stopped, "Cache refresh scheduler stopped successfully", reply))
}

fn switched(wants: Wants, notice: Notice, message: &str, reply: SchedulerReply) -> Response {
    match wants {
        Wants::Html => back_to("/management/cache/status", notice),
        Wants::Json => Json(Done::new(message, reply)).into_response(),
    }
}
