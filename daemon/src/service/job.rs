//! `job`

use cached_proto::fault::Fault;
use cached_proto::verb::job::{JobReply, JobRequest};

use super::Service;

pub(crate) async fn job(service: &Service, request: &JobRequest) -> Result<JobReply, Fault> {
    let (job, not_before) = service.queue.job(request.job).await?;
    Ok(JobReply { job, not_before: not_before.map(Into::into) })
}
