//! `jobs`

use cached_proto::fault::Fault;
use cached_proto::verb::jobs::{JobsReply, JobsRequest};

use super::Service;

const MOST: u32 = 10_000;

pub(crate) async fn jobs(service: &Service, request: &JobsRequest) -> Result<JobsReply, Fault> {
    let jobs = service.queue.jobs(request.filter, request.limit.min(MOST).into()).await?;
    Ok(JobsReply { jobs })
}
