//! `start-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::{SchedulerState, Table, TableState, Trigger};
use tracing::{info, warn};

use super::Service;
use super::peer::Peer;
use crate::describe::describe;
use crate::queue::NewRun;

pub(super) async fn start_scheduler(service: &Service, peer: Peer) -> Result<SchedulerReply, Fault> {
    let scheduler = SchedulerState::Running;
    let changed = service.queue.state().set_scheduler_state(scheduler).await?;
    if changed {
        info!("Scheduler started by user {}", peer.uid());
        fill(service).await?;
    }
    Ok(SchedulerReply { scheduler, changed })
}

/// What became stale or went missing during the pause is not left until the next night.
async fn fill(service: &Service) -> Result<(), Fault> {
    let surveys = match service.survey().await {
        Ok(surveys) => surveys,
        Err(error) => {
            warn!("What became stale while the scheduler was stopped is not known: {}", describe(&error));
            return Ok(());
        }
    };
    let wanting = [TableState::Stale, TableState::Missing, TableState::Incomplete, TableState::Invalid];
    let tables: Vec<Table> = surveys
        .into_iter()
        .filter(|survey| wanting.contains(&survey.state))
        .map(|survey| survey.table)
        .collect();
    if !tables.is_empty() {
        service.queue.enqueue(NewRun::new(Trigger::TopUp, tables)).await?;
    }
    Ok(())
}
