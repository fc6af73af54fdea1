//! `stop-scheduler`

use cached_proto::fault::Fault;
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::words::SchedulerState;
use tracing::info;

use super::Service;
use super::peer::Peer;
use crate::schedule::switch;

pub(super) async fn stop_scheduler(service: &Service, peer: Peer) -> Result<SchedulerReply, Fault> {
    let scheduler = SchedulerState::Stopped;
    let changed = switch::stop(&service.queue).await?;
    if changed {
        info!("Scheduler stopped by user {}", peer.uid());
    }
    Ok(SchedulerReply { scheduler, changed })
}
