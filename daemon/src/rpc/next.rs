//! `next`

use cached_proto::fault::Fault;
use cached_proto::verb::next::{Fire, NextReply, NextRequest};

use super::Service;

/// Almost three years of nights.
const MOST: u32 = 1000;

pub(super) async fn next(service: &Service, request: &NextRequest) -> Result<NextReply, Fault> {
    let schedule = service.schedule();
    let count = usize::try_from(request.count.min(MOST)).unwrap_or_default();
    let fires = schedule.fires_after(service.clock.now(), count);
    Ok(NextReply {
        scheduler: service.queue.state().scheduler_state().await?,
        timezone: schedule.zone().name().to_owned(),
        schedule: schedule.to_string(),
        fires: fires.iter().map(Fire::from).collect(),
    })
}
