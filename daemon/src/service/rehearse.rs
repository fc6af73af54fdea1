//! `rehearse`

use std::sync::Arc;

use cached_present::count;
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::rehearse::{Decision, RehearseReply, RehearseRequest};
use cached_proto::words::{SchedulerState, SlotFate, Table, Trigger};
use chrono::{NaiveDate, Offset, TimeZone};

use super::Service;
use super::fault::fault;
use crate::describe::describe;
use crate::refresh::RehearsalInputs;
use crate::reports;
use crate::schedule::{Rehearsal, Rehearsed, Schedule, Stage, expected_run, slot_text};

/// Most days that can be rehearsed: a year and a month.
const MOST: u32 = 400;

pub(crate) async fn rehearse(service: &Service, request: &RehearseRequest) -> Result<RehearseReply, Fault> {
    let from = date(&request.from)?;
    let days = request.days;
    if !(1..=MOST).contains(&days) {
        let message = format!("{} cannot be rehearsed", count(days, "day"));
        return Err(fault(FaultCode::BadRequest, &message, &format!("request 1 to {MOST} days")));
    }
    let schedule = service.schedule();
    let scheduler = service.queue.state().scheduler_state().await?;
    let now = service.clock.now();
    let expected = expected_run(&service.queue, now).await?;
    let config = Arc::clone(&service.refresh.borrow());
    let mut notes = Vec::new();
    // The schedule is known even without VMS's database.
    let rehearsal_inputs = match service.rehearsal_inputs().await {
        Ok(rehearsal_inputs) => rehearsal_inputs,
        Err(error) => {
            notes.push(format!("only scheduled runs are rehearsed: {}", describe(&error)));
            RehearsalInputs::default()
        }
    };
    let rehearsal = tokio::task::spawn_blocking({
        let schedule = Arc::clone(&schedule);
        move || {
            let RehearsalInputs { reports, snapshot } = &rehearsal_inputs;
            let settings = &config.settings;
            let tolerance = config.limits.tolerance;
            Stage { schedule: &schedule, scheduler, expected, tolerance, reports, snapshot, settings }
                .rehearse(from, days)
        }
    });
    let Rehearsal { decisions, cut } = rehearsal.await.map_err(|_| {
        fault(FaultCode::Internal, "the rehearsal panicked", "this is a bug; please report it with the log")
    })?;
    if cut {
        notes.push(format!("only the first {} decisions are shown; request fewer days", decisions.len()));
    }
    Ok(RehearseReply {
        scheduler,
        timezone: schedule.zone().name().to_owned(),
        schedule: schedule.to_string(),
        from: from.to_string(),
        days,
        decisions: decisions.iter().map(|decision| shown(decision, &schedule, scheduler)).collect(),
        notes,
    })
}

fn date(given: &str) -> Result<NaiveDate, Fault> {
    let hint = "write it as YYYY-MM-DD, for example 2026-03-08";
    let date = given.parse::<NaiveDate>().ok();
    // Time zone rules are known for these years; there is no need to plan further ahead.
    let known = date.filter(|date| (1970..=2100).contains(&chrono::Datelike::year(date)));
    known.ok_or_else(|| {
        fault(FaultCode::BadRequest, &format!("{given:?} is not a date between 1970 and 2100"), hint)
    })
}

fn shown(decision: &Rehearsed, schedule: &Schedule, scheduler: SchedulerState) -> Decision {
    let offset = schedule.zone().offset_from_utc_datetime(&decision.at.naive_utc()).fix();
    let fate = match scheduler {
        SchedulerState::Running => SlotFate::Run,
        SchedulerState::Stopped => SlotFate::Paused,
    };
    let tables = match (decision.trigger, fate) {
        (_, SlotFate::Paused) => Vec::new(),
        (Trigger::Schedule, _) => reports::tables(&[], &[]),
        _ => decision.tables.iter().map(|&(table, _)| table).collect(),
    };
    let fire_note = decision.fire.and_then(|fire| fire.note_text());
    Decision {
        at: decision.at.into(),
        offset: offset.to_string(),
        trigger: decision.trigger,
        slot: decision.fire.map(|fire| slot_text(fire.slot)),
        fate,
        tables,
        note: fire_note.or_else(|| causes(&decision.tables)),
    }
}

/// The distinct reasons of a top-up.
fn causes(tables: &[(Table, crate::schedule::Cause)]) -> Option<String> {
    let mut texts: Vec<String> = tables.iter().map(|(_, cause)| cause.to_string()).collect();
    texts.sort_unstable();
    texts.dedup();
    (!texts.is_empty()).then(|| texts.join("; "))
}
