//! `jobs`

use cached_proto::fault::Fault;
use cached_proto::verb::jobs::{JobsPage, JobsPageRequest, JobsReply, JobsRequest};

use super::Service;

/// The first page, for clients that do not know pages.
pub(crate) async fn jobs(service: &Service, request: &JobsRequest) -> Result<JobsReply, Fault> {
    let first = JobsPageRequest { filter: request.filter, before: None, limit: request.limit };
    Ok(JobsReply { jobs: page(service, &first).await?.jobs })
}

pub(crate) async fn page(service: &Service, request: &JobsPageRequest) -> Result<JobsPage, Fault> {
    Ok(service.queue.listed_jobs(request.filter, request.before, request.limit).await?)
}
