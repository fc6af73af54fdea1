//! `refresh` and `invalidate`

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::invalidate::{InvalidateReply, InvalidateRequest};
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
            "no report generates the requested tables",
            "`cachectl status` lists the tables",
        ));
    }
    let new = NewRun { force: request.force, accept: request.accept, ..NewRun::new(Trigger::Manual, tables) };
    let enqueued = service.queue.enqueue(new).await?;
    info!(run_id = enqueued.run, "Run {} requested by {caller}", enqueued.run);
    Ok(RefreshReply { run: enqueued.run, joined: enqueued.joined })
}

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
            "no type was given, or none that is refreshed",
            "give at least one type; `cachectl status` lists the tables",
        ));
    }
    let state = service.queue.state();
    let mut entries = 0;
    for &table in &tables {
        entries += state.stamps().outdate(table).await?;
    }
    // Forced, because rows that VMS wrote itself carry no settings that could be outdated.
    let new = NewRun { force: true, ..NewRun::new(Trigger::Manual, tables.clone()) };
    let enqueued = service.queue.enqueue(new).await?;
    let types: Vec<&str> = request.types.iter().map(|t| t.as_str()).collect();
    info!(run_id = enqueued.run, "{} invalidated by {caller}", types.join(", "));
    Ok(InvalidateReply { tables, entries, run: enqueued.run, joined: enqueued.joined })
}
