//! `cancel`

use cached_proto::fault::Fault;
use cached_proto::verb::cancel::{CancelReply, CancelRequest};
use tracing::info;

use super::Service;
use super::peer::Peer;

pub(super) async fn cancel(
    service: &Service,
    peer: Peer,
    request: &CancelRequest,
) -> Result<CancelReply, Fault> {
    let reply = service.queue.cancel(request.target).await?;
    info!("{} cancelled by user {}", request.target, peer.uid());
    Ok(reply)
}
