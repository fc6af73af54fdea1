//! `stop-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::SchedulerState;
use tracing::info;

use super::Service;
use super::caller::Caller;

pub(crate) async fn stop_scheduler(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let scheduler = SchedulerState::Stopped;
    let changed = service.queue.state().set_scheduler_state(scheduler).await?;
    if changed {
        info!("Scheduler stopped by {caller}");
    }
    Ok(SchedulerReply { scheduler, changed })
}
