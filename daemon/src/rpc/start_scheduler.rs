//! `start-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::SchedulerState;
use tracing::info;

use super::Service;
use super::peer::Peer;
use crate::schedule::switch;

pub(super) async fn start_scheduler(service: &Service, peer: Peer) -> Result<SchedulerReply, Fault> {
    let scheduler = SchedulerState::Running;
    let changed = switch::start(&service.queue).await?;
    if changed {
        info!("Scheduler started by user {}", peer.uid());
    }
    Ok(SchedulerReply { scheduler, changed })
}
