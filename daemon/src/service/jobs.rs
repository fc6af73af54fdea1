//! `jobs`, `job`, `cancel` and `retry`

use cached_proto::fault::Fault;
use cached_proto::verb::cancel::{CancelReply, CancelRequest};
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::{JobsPage, JobsPageRequest, JobsReply, JobsRequest};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use tracing::info;

use super::{Caller, Service};
use crate::jobs::{Attempts, QueueError};

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
        info!(run_id = run, "Another try, refresh {run}, asked for by {caller}");
    }
    Ok(reply)
}
