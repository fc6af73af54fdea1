//! `next`

use cached_proto::fault::Fault;
use cached_proto::verb::history::Run;
use cached_proto::verb::next::{Fire, NextReply, NextRequest};
use cached_proto::words::{Phase, SchedulerState};

use super::Service;
use crate::jobs::QueueError;
use crate::schedule::{self, Schedule, slot_text};

/// Most fires in one reply: almost three years of nights.
const MOST: u32 = 1000;

pub(crate) async fn next(service: &Service, request: &NextRequest) -> Result<NextReply, Fault> {
    let schedule = service.schedule();
    let scheduler = service.queue.state().scheduler_state().await?;
    let count = usize::try_from(request.count.min(MOST)).unwrap_or_default();
    let mut fires = Vec::with_capacity(count);
    for fire in schedule.fires_after(service.clock.now(), count) {
        let mut shown = Fire::from(&fire);
        let unusual = unusual(service, &schedule, &fire, scheduler).await?;
        shown.note = match (shown.note, unusual) {
            (Some(clock), Some(unusual)) => Some(format!("{clock}; {unusual}")),
            (clock, unusual) => clock.or(unusual),
        };
        fires.push(shown);
    }
    Ok(NextReply {
        scheduler,
        timezone: schedule.zone().name().to_owned(),
        schedule: schedule.to_string(),
        fires,
        notes: notes(service).await?,
    })
}

/// Why a fire will not start a run.
async fn unusual(
    service: &Service,
    schedule: &Schedule,
    fire: &schedule::Fire,
    scheduler: SchedulerState,
) -> Result<Option<String>, QueueError> {
    if scheduler == SchedulerState::Stopped {
        return Ok(Some("the scheduler is stopped: recorded as paused and not caught up".to_owned()));
    }
    // Only today's date can already have had its run.
    let zone = schedule.zone();
    let is_today = fire.slot.date() == service.clock.now().with_timezone(&zone).date_naive();
    if !(is_today && schedule.is_daily()) {
        return Ok(None);
    }
    let ran = service.queue.ran_on_date_of(schedule::NIGHTLY, &slot_text(fire.slot)).await?;
    Ok(ran.then(|| "this date has had its run at another time of day, so it does not run again".to_owned()))
}

/// Missed slots whose catch-up runs are still pending.
async fn notes(service: &Service) -> Result<Vec<String>, QueueError> {
    let note = |run: Run| {
        let state = if run.phase == Phase::Running {
            "is catching up with it"
        } else {
            "is queued to catch up with it"
        };
        format!("slot {} was missed; run {} {state}", run.slot.unwrap_or_default(), run.id)
    };
    Ok(service.queue.pending_catch_ups().await?.into_iter().map(note).collect())
}
