//! `start-scheduler` and `stop-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::SchedulerState;
use tracing::info;

use super::{Caller, Service};
use crate::schedule::{pause, resume};

pub(crate) async fn start(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let changed = resume(&service.queue).await?;
    if changed {
        info!("Scheduler started by {caller}");
    }
    Ok(SchedulerReply { scheduler: SchedulerState::Running, changed })
}

pub(crate) async fn stop(service: &Service, caller: &Caller) -> Result<SchedulerReply, Fault> {
    let changed = pause(&service.queue).await?;
    if changed {
        info!("Scheduler stopped by {caller}");
    }
    Ok(SchedulerReply { scheduler: SchedulerState::Stopped, changed })
}
