//! `invalidate`

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::invalidate::{InvalidateReply, InvalidateRequest};
use cached_proto::words::Trigger;
use tracing::info;

use super::fault::fault;
use super::{Caller, Service};
use crate::jobs::NewRun;
use crate::reports;

/// Clears the record of what entries were made from and queues the run that remakes them. Rows stay until
/// that run replaces them.
pub(crate) async fn invalidate(
    service: &Service,
    caller: &Caller,
    request: &InvalidateRequest,
) -> Result<InvalidateReply, Fault> {
    let tables = if request.types.is_empty() { Vec::new() } else { reports::tables(&request.types, &[]) };
    if tables.is_empty() {
        return Err(fault(
            FaultCode::BadRequest,
            "no type was named, or none that is generated",
            "name at least one type; `cachectl status` lists what is kept",
        ));
    }
    let state = service.queue.state();
    let mut entries = 0;
    for &table in &tables {
        state.forget_generation(table).await?;
        entries += state.stamps().outdate(table).await?;
    }
    // Forced, because rows that VMS wrote itself carry no settings that could be outdated.
    let new = NewRun { force: true, ..NewRun::new(Trigger::Manual, tables.clone()) };
    let enqueued = service.queue.enqueue(new).await?;
    let types: Vec<&str> = request.types.iter().map(|t| t.as_str()).collect();
    info!(run_id = enqueued.run, "{} invalidated by {caller}", types.join(", "));
    Ok(InvalidateReply { tables, entries, run: enqueued.run, joined: enqueued.joined })
}
