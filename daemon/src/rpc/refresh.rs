//! `refresh`

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::refresh::{RefreshReply, RefreshRequest};
use cached_proto::words::Trigger;
use tracing::info;

use super::Service;
use super::fault::fault;
use super::peer::Peer;
use crate::queue::NewRun;
use crate::refresh::plan;

/// Queues the run; when this returns, it will be worked on whatever happens to client and daemon.
pub(super) async fn refresh(
    service: &Service,
    peer: Peer,
    request: &RefreshRequest,
) -> Result<RefreshReply, Fault> {
    let tables = plan::tables(&request.types, &request.tables);
    if tables.is_empty() {
        return Err(fault(
            FaultCode::BadRequest,
            "nothing generates the tables that were asked for",
            "`cachectl status` lists the tables",
        ));
    }
    let new = NewRun { force: request.force, accept: request.accept, ..NewRun::new(Trigger::Manual, tables) };
    let enqueued = service.queue.enqueue(new).await?;
    info!(run_id = enqueued.run, "Refresh {} asked for by user {}", enqueued.run, peer.uid());
    Ok(RefreshReply { run: enqueued.run, joined: enqueued.joined })
}
