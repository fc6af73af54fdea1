//! `start-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::{SchedulerState, Trigger};
use tracing::info;

use super::Service;
use super::caller::Caller;
use crate::queue::NewRun;
use crate::refresh::plan;

pub(crate) async fn start_scheduler(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let scheduler = SchedulerState::Running;
    let changed = service.queue.state().set_scheduler_state(scheduler).await?;
    if changed {
        info!("Scheduler started by {caller}");
        // What became stale or went missing during the pause is not left until the next night.
        service.queue.enqueue(NewRun::new(Trigger::Startup, plan::tables(&[], &[]))).await?;
    }
    Ok(SchedulerReply { scheduler, changed })
}
