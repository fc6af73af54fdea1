//! `status`

use std::collections::HashMap;

use cached_proto::fault::Fault;
use cached_proto::verb::jobs::Job;
use cached_proto::verb::status::{
    Computed, FullStatus, FullStatusRequest, StatusReply, StatusRequest, TableStatus,
};
use cached_proto::words::{SchedulerState, Table};

use super::{Service, Surveyed};
use crate::describe::describe;
use crate::refresh::survey::TableSurvey;

pub(crate) async fn status(service: &Service, request: &StatusRequest) -> Result<StatusReply, Fault> {
    status_of(service, &service.survey().await, request).await
}

/// The status and what the last run computed.
pub(crate) async fn full(service: &Service, request: &FullStatusRequest) -> Result<FullStatus, Fault> {
    let status = status(service, &StatusRequest { sizes: request.sizes }).await?;
    let computed = computed(service, &status).await?;
    Ok(FullStatus { status, computed })
}

/// What the last run of a status computed.
pub(crate) async fn computed(service: &Service, status: &StatusReply) -> Result<Vec<Computed>, Fault> {
    match &status.last_run {
        Some(run) => Ok(service.queue.computed(run.id).await?),
        None => Ok(Vec::new()),
    }
}

/// The status, based on the tables as `surveyed`.
pub(crate) async fn status_of(
    service: &Service,
    surveyed: &Surveyed,
    request: &StatusRequest,
) -> Result<StatusReply, Fault> {
    let schedule = service.schedule();
    let scheduler = service.queue.state().scheduler_state().await?;
    let next = schedule.fires_after(service.clock.now(), 1).into_iter().next();
    // A database that cannot be read is part of the answer, not a reason to give none.
    let (surveys, database_error) = match surveyed {
        Ok(surveys) => (&**surveys, None),
        Err(error) => (&[][..], Some(describe(error.as_ref()))),
    };
    let last: HashMap<Table, Job> =
        service.queue.last_results().await?.into_iter().map(|job| (job.table, job)).collect();
    Ok(StatusReply {
        scheduler,
        next_run: next.filter(|_| scheduler == SchedulerState::Running).map(|fire| fire.at.into()),
        timezone: schedule.zone().name().to_owned(),
        // Before the run in progress: one that is claimed in between shows as that, instead of as nothing to do.
        queued_runs: service.queue.queued_count().await?,
        current_run: service.queue.current_run().await?,
        last_run: service.queue.last_run().await?,
        database_error,
        tables: surveys
            .iter()
            .map(|survey| {
                let last_error = last.get(&survey.table).and_then(|job| job.error.clone());
                table(survey, last_error, request.sizes)
            })
            .collect(),
    })
}

fn table(survey: &TableSurvey, last_error: Option<String>, sizes: bool) -> TableStatus {
    let TableSurvey { table, state, note, audit, .. } = survey.clone();
    TableStatus {
        cache_type: table.cache_type(),
        table,
        state,
        expected: audit.expected,
        fresh: audit.fresh,
        stale: audit.stale,
        missing: audit.missing,
        incomplete: audit.incomplete,
        invalid: audit.invalid,
        unmanaged: audit.unmanaged,
        oldest: audit.oldest.map(Into::into),
        newest: audit.newest.map(Into::into),
        bytes: sizes.then_some(audit.bytes),
        last_error,
        note,
    }
}
