//! `api/jobs…`: what `cachectl jobs`, `job`, `cancel` and `retry` print with `--json`.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use cached_proto::verb::cancel::{CancelReply, CancelRequest, Target};
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::{JobFilter, JobsPage, JobsPageRequest};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service;
use crate::web::Web;
use crate::web::extract::{Number, Parameters};
use crate::web::fault::WebFault;
use crate::web::gate::Admitted;
use crate::web::json::{Done, Json};
use crate::web::openapi::Problem;
use crate::web::paged::{LISTED, Paged};

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// `all`, `failed` or `running`.
    #[param(pattern = "^(all|failed|running)$")]
    filter: Option<String>,
    /// Most jobs of the page; 500 are the most that count. A page may have fewer.
    #[param(default = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<i64>,
}

#[utoipa::path(
    get, path = "/management/cache/api/jobs",
    params(Wanted),
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
    Parameters(Wanted { filter, limit, cursor }): Parameters<Wanted>,
) -> Result<Paged<JobsPage>, WebFault> {
    let filter = known_filter(filter.as_deref())?;
    let request = JobsPageRequest { filter, before: cursor, limit: limit.unwrap_or(LISTED) };
    let page = service::jobs::page(web.service(), &request).await?;
    let next = page.next;
    Ok(Paged::new(page, &uri, next))
}

/// Parses the name of a job filter.
pub(in crate::web) fn known_filter(filter: Option<&str>) -> Result<JobFilter, WebFault> {
    match filter {
        None | Some("all") => Ok(JobFilter::All),
        Some("failed") => Ok(JobFilter::Failed),
        Some("running") => Ok(JobFilter::Running),
        Some(other) => {
            let error = format!("unknown filter \"{other}\"");
            Err(WebFault::new(StatusCode::BAD_REQUEST, error).hint("use all, failed or running"))
        }
    }
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
    Ok(Json(service::jobs::job(web.service(), &JobRequest { job }).await?))
}

#[utoipa::path(
    post, path = "/management/cache/api/jobs/{id}/cancel",
    params(Number),
    responses(
        (status = 200, description = "It is cancelled, or stops soon.", body = Done<CancelReply>),
        (status = 409, description = "It has ended already.", body = Problem)
    )
)]
pub(in crate::web) async fn cancel(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Result<Json<Done<CancelReply>>, WebFault> {
    let request = CancelRequest { target: Target::Job(job) };
    let reply = service::jobs::cancel(web.service(), &admitted.caller(), &request).await?;
    web.views().forget().await;
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
        (status = 200, description = "It gets another try.", body = Done<RetryReply>),
        (status = 409, description = "It has not failed, so there is nothing to try again.", body = Problem)
    )
)]
pub(in crate::web) async fn retry(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Result<Json<Done<RetryReply>>, WebFault> {
    let request = RetryRequest::Target(Target::Job(job));
    let reply = service::jobs::retry(web.service(), &admitted.caller(), &request).await?;
    web.views().forget().await;
    Ok(Json(Done::new(format!("Job {job} gets another try"), reply)))
}
