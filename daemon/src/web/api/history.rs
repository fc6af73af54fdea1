//! `api/runs…` and `api/jobs…`: what `cachectl history`, `jobs`, `job`, `cancel` and `retry` print with `--json`, and one
//! run.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use cached_proto::fault::Fault;
use cached_proto::verb::cancel::{CancelReply, CancelRequest, Target};
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, Run};
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::{JobsPage, JobsPageRequest};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service;
use crate::web::answer::{Done, Json, LISTED, Paged, Problem, WebFault};
use crate::web::app::Web;
use crate::web::extract::{Number, Parameters, known_filter};
use crate::web::gate::Admitted;

/// Default window, equal to that of `cachectl history`.
const WINDOW: Duration = Duration::from_hours(7 * 24);

/// How far back, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct WantedRuns {
    /// As `cachectl` takes it: `36h`, `7d`.
    #[param(pattern = "^[0-9]{1,4}[smhdw]$")]
    since: Option<String>,
    /// Maximum number of runs of the page, at most 500. A page may have fewer.
    #[param(default = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<i64>,
}

#[utoipa::path(
    get, path = "/management/cache/api/runs",
    params(WantedRuns),
    responses((
        status = 200,
        description = "A page of runs, newest first, their jobs without attempts.",
        body = HistoryPage,
        headers(("Link" = String, description = "The next page, with `rel=\"next\"`; absent on the last one."))
    ))
)]
pub(in crate::web) async fn runs(
    State(web): State<Web>,
    uri: Uri,
    Parameters(WantedRuns { since, limit, cursor }): Parameters<WantedRuns>,
) -> Result<Paged<HistoryPage>, WebFault> {
    let window = since.map_or(Ok(WINDOW), |since| duration(&since))?;
    let limit = limit.unwrap_or(LISTED);
    let request = HistoryPageRequest { since_seconds: window.as_secs(), before: cursor, limit };
    let page = service::jobs::history_page(&web.service, &request).await?;
    let next = page.next;
    Ok(Paged::new(page, &uri, next))
}

#[utoipa::path(
    get, path = "/management/cache/api/runs/{id}",
    params(Number),
    responses((status = 200, description = "The run.", body = Run))
)]
pub(in crate::web) async fn run(State(web): State<Web>, Number(id): Number) -> Result<Json<Run>, WebFault> {
    Ok(Json(web.service.queue.run(id).await.map_err(Fault::from)?))
}

fn duration(text: &str) -> Result<Duration, WebFault> {
    humantime::parse_duration(text).map_err(|_| {
        WebFault::new(StatusCode::BAD_REQUEST, format!("\"{text}\" is not a duration"))
            .hint("write it as 36h or 7d")
    })
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct WantedJobs {
    /// `all`, `failed` or `running`.
    #[param(pattern = "^(all|failed|running)$")]
    filter: Option<String>,
    /// Maximum number of jobs of the page, at most 500. A page may have fewer.
    #[param(default = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<i64>,
}

#[utoipa::path(
    get, path = "/management/cache/api/jobs",
    params(WantedJobs),
    responses((
        status = 200,
        description = "A page of jobs, newest first, without their attempts.",
        body = JobsPage,
        headers(("Link" = String, description = "The next page, with `rel=\"next\"`; absent on the last one."))
    ))
)]
pub(in crate::web) async fn jobs(
    State(web): State<Web>,
    uri: Uri,
    Parameters(WantedJobs { filter, limit, cursor }): Parameters<WantedJobs>,
) -> Result<Paged<JobsPage>, WebFault> {
    let filter = known_filter(filter.as_deref())?;
    let request = JobsPageRequest { filter, before: cursor, limit: limit.unwrap_or(LISTED) };
    let page = service::jobs::page(&web.service, &request).await?;
    let next = page.next;
    Ok(Paged::new(page, &uri, next))
}

#[utoipa::path(
    get, path = "/management/cache/api/jobs/{id}",
    params(Number),
    responses((status = 200, description = "The job.", body = JobReply))
)]
pub(in crate::web) async fn job(
    State(web): State<Web>,
    Number(job): Number,
) -> Result<Json<JobReply>, WebFault> {
    Ok(Json(service::jobs::job(&web.service, &JobRequest { job }).await?))
}

#[utoipa::path(
    post, path = "/management/cache/api/jobs/{id}/cancel",
    params(Number),
    responses(
        (status = 200, description = "The job is cancelled, or stops soon.", body = Done<CancelReply>),
        (status = 409, description = "The job has ended already.", body = Problem)
    )
)]
pub(in crate::web) async fn cancel(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Result<Json<Done<CancelReply>>, WebFault> {
    let request = CancelRequest { target: Target::Job(job) };
    let reply = service::jobs::cancel(&web.service, &admitted.caller(), &request).await?;
    let message = if reply.stopping.is_empty() {
        format!("Job {job} cancelled")
    } else {
        format!("Job {job} stops soon")
    };
    Ok(Json(Done::new(message, reply)))
}

#[utoipa::path(
    post, path = "/management/cache/api/jobs/{id}/retry",
    params(Number),
    responses(
        (status = 200, description = "The job gets another attempt.", body = Done<RetryReply>),
        (status = 409, description = "The job has not failed, so it cannot be retried.", body = Problem)
    )
)]
pub(in crate::web) async fn retry(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Result<Json<Done<RetryReply>>, WebFault> {
    let request = RetryRequest::Target(Target::Job(job));
    let reply = service::jobs::retry(&web.service, &admitted.caller(), &request).await?;
    Ok(Json(Done::new(format!("Job {job} gets another attempt"), reply)))
}
