//! `history`, `jobs`, `job`, `cancel` and `retry`

use cached_proto::fault::Fault;
use cached_proto::verb::cancel::{CancelReply, CancelRequest};
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, HistoryReply, HistoryRequest};
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::{JobsPage, JobsPageRequest, JobsReply, JobsRequest};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use tracing::info;

use super::{Caller, Service};
use crate::jobs::{Attempts, MOST_LISTED, QueueError};

/// The first page, for clients that do not know pages.
pub(crate) async fn history(service: &Service, request: &HistoryRequest) -> Result<HistoryReply, Fault> {
    let since_seconds = request.since_seconds;
    let first = HistoryPageRequest { since_seconds, before: None, limit: MOST_LISTED };
    Ok(HistoryReply { runs: history_page(service, &first).await?.runs })
}

pub(crate) async fn history_page(
    service: &Service,
    request: &HistoryPageRequest,
) -> Result<HistoryPage, Fault> {
    Ok(service.queue.history_page(service.ago(request.since_seconds), request.before, request.limit).await?)
}

/// The first page, for clients that do not know pages.
pub(crate) async fn jobs(service: &Service, request: &JobsRequest) -> Result<JobsReply, Fault> {
    let first = JobsPageRequest { filter: request.filter, before: None, limit: request.limit };
    Ok(JobsReply { jobs: page(service, &first).await?.jobs })
}

pub(crate) async fn page(service: &Service, request: &JobsPageRequest) -> Result<JobsPage, Fault> {
    let JobsPageRequest { filter, before, limit } = *request;
    Ok(service.queue.jobs_page(filter, before, limit, Attempts::None).await?)
}

pub(crate) async fn job(service: &Service, request: &JobRequest) -> Result<JobReply, Fault> {
    let (job, not_before) = service.queue.job(request.job).await?;
    Ok(JobReply { job, not_before: not_before.map(Into::into) })
}

pub(crate) async fn cancel(
    service: &Service,
    caller: &Caller,
    request: &CancelRequest,
) -> Result<CancelReply, QueueError> {
    let reply = service.queue.cancel(request.target, &caller.to_string()).await?;
    info!("{} cancelled by {caller}", request.target);
    Ok(reply)
}

pub(crate) async fn retry(
    service: &Service,
    caller: &Caller,
    request: &RetryRequest,
) -> Result<RetryReply, QueueError> {
    let reply = match request {
        RetryRequest::Target(target) => service.queue.retry(*target).await?,
        RetryRequest::Failed => service.queue.retry_failed().await?,
    };
    for run in &reply.runs {
        info!(run_id = run, "Retry as run {run} requested by {caller}");
    }
    Ok(reply)
}
