//! `cancel`

use cached_proto::verb::cancel::{CancelReply, CancelRequest};
use tracing::info;

use super::Service;
use super::caller::Caller;
use crate::jobs::QueueError;

pub(crate) async fn cancel(
    service: &Service,
    caller: &Caller,
    request: &CancelRequest,
) -> Result<CancelReply, QueueError> {
    let reply = service.queue.cancel(request.target, &caller.to_string()).await?;
    info!("{} cancelled by {caller}", request.target);
    Ok(reply)
}
