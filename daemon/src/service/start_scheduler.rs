//! `start-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::SchedulerState;
use tracing::info;

use super::Service;
use super::caller::Caller;
use crate::schedule::switch;

pub(crate) async fn start_scheduler(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let scheduler = SchedulerState::Running;
    let changed = switch::start(&service.queue).await?;
    if changed {
        info!("Scheduler started by {caller}");
    }
    Ok(SchedulerReply { scheduler, changed })
}
