//! `refresh`

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::refresh::{RefreshReply, RefreshRequest};
use cached_proto::words::Trigger;
use tracing::info;

use super::fault::fault;
use super::{Caller, Service};
use crate::jobs::NewRun;
use crate::reports;

/// Queues the run; once this returns, the run will be executed whatever happens to client and daemon.
pub(crate) async fn refresh(
    service: &Service,
    caller: &Caller,
    request: &RefreshRequest,
) -> Result<RefreshReply, Fault> {
    let tables = reports::tables(&request.types, &request.tables);
    if tables.is_empty() {
        return Err(fault(
            FaultCode::BadRequest,
            "nothing generates the tables that were asked for",
            "`cachectl status` lists the tables",
        ));
    }
    let new = NewRun { force: request.force, accept: request.accept, ..NewRun::new(Trigger::Manual, tables) };
    let enqueued = service.queue.enqueue(new).await?;
    info!(run_id = enqueued.run, "Refresh {} asked for by {caller}", enqueued.run);
    Ok(RefreshReply { run: enqueued.run, joined: enqueued.joined })
}
