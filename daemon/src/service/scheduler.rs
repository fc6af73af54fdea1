//! `start-scheduler` and `stop-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::SchedulerState;
use tracing::info;

use super::{Caller, Service};
use crate::schedule::switch;

pub(crate) async fn start(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let changed = switch::start(&service.queue).await?;
    if changed {
        info!("Scheduler started by {caller}");
    }
    Ok(SchedulerReply { scheduler: SchedulerState::Running, changed })
}

pub(crate) async fn stop(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let changed = switch::stop(&service.queue).await?;
    if changed {
        info!("Scheduler stopped by {caller}");
    }
    Ok(SchedulerReply { scheduler: SchedulerState::Stopped, changed })
}
