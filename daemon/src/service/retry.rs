//! `retry`

use cached_proto::verb::retry::{RetryReply, RetryRequest};
use tracing::info;

use super::Service;
use super::caller::Caller;
use crate::jobs::QueueError;

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
