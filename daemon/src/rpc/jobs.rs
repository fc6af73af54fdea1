//! `jobs`

use cached_proto::fault::Fault;
use cached_proto::verb::jobs::{JobsPage, JobsPageRequest, JobsReply, JobsRequest};

use super::Service;

const MOST: u32 = 10_000;

/// Most jobs of a page.
const PAGE: u32 = 1000;

pub(crate) async fn jobs(service: &Service, request: &JobsRequest) -> Result<JobsReply, Fault> {
    let jobs = service.queue.jobs(request.filter, request.limit.min(MOST).into()).await?;
    Ok(JobsReply { jobs })
}

pub(crate) async fn page(service: &Service, request: &JobsPageRequest) -> Result<JobsPage, Fault> {
    let limit = request.limit.clamp(1, PAGE).into();
    Ok(service.queue.jobs_page(request.filter, request.before, limit).await?)
}
