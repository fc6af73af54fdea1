//! `health`: a list of checks, each of which may give one reason.

use cached_proto::text::one_line;
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFilter};
use cached_proto::words::{HealthLevel, Outcome, Phase, SchedulerState, Table, TableState};
use chrono::{DateTime, TimeDelta, Utc};

use super::Service;
use crate::describe::describe;
use crate::queue::QueueError;
use crate::refresh::survey::TableSurvey;
use crate::store::audit::Audit;

/// A run that nobody has begun for so long waits for a worker that is not there.
const STUCK: TimeDelta = TimeDelta::minutes(5);
/// More jobs than this do not make a queue any more stuck.
const WAITING: u64 = 100;

/// Everything that is judged.
struct Seen {
    now: DateTime<Utc>,
    scheduler: SchedulerState,
    tables: Result<Vec<TableSurvey>, String>,
    last: Option<Run>,
    current: Option<Run>,
    waiting: Vec<Job>,
    /// Longest run that is still fine.
    target: TimeDelta,
}

type Check = fn(&Seen) -> Option<Reason>;

const CHECKS: &[Check] = &[
    database_unreachable,
    tables_disabled,
    entries_invalid,
    entries_incomplete,
    entries_missing,
    entries_stale,
    last_run_failed,
    scheduler_stopped,
    queue_stuck,
    run_slow,
];

/// Judges; a state database that fails is a judgement, too.
pub(super) async fn health(service: &Service) -> HealthReply {
    let reasons = match look(service).await {
        Ok(seen) => CHECKS.iter().filter_map(|check| check(&seen)).collect(),
        Err(error) => vec![unhealthy(
            "state_unusable",
            describe(&error),
            "check free space and the rights of the state database, then look at the log of cached",
        )],
    };
    let health = if reasons.iter().any(|reason| reason.level == HealthLevel::Unhealthy) {
        HealthLevel::Unhealthy
    } else if reasons.is_empty() {
        HealthLevel::Healthy
    } else {
        HealthLevel::Degraded
    };
    HealthReply { health, reasons }
}

async fn look(service: &Service) -> Result<Seen, QueueError> {
    let queue = &service.queue;
    let target = service.config.borrow().targets.refresh_seconds;
    Ok(Seen {
        scheduler: queue.state().scheduler_state().await?,
        tables: service.survey().await.map_err(|error| describe(&error)),
        last: queue.last_run().await?,
        current: queue.current_run().await?,
        waiting: queue.jobs(JobFilter::Running, WAITING).await?,
        target: TimeDelta::seconds(target.into()),
        // After the look at the database, which may have taken its time.
        now: service.clock.now(),
    })
}

fn database_unreachable(seen: &Seen) -> Option<Reason> {
    let error = seen.tables.as_ref().err()?;
    let hint = "`cached check` tries again and says more; refreshing goes on by itself once it works";
    Some(unhealthy("database_unreachable", error.clone(), hint))
}

fn tables_disabled(seen: &Seen) -> Option<Reason> {
    let tables = seen.tables.as_ref().ok()?;
    let disabled: Vec<&TableSurvey> =
        tables.iter().filter(|survey| survey.state == TableState::Disabled).collect();
    let notes: Vec<String> = disabled
        .iter()
        .map(|survey| format!("{} ({})", survey.table, survey.note.as_deref().unwrap_or_default()))
        .collect();
    let hint = "install a version of cached that knows this version of VMS";
    let message = format!("not refreshed: {}", notes.join("; "));
    match disabled.len() {
        0 => None,
        all if all == tables.len() => Some(unhealthy("tables_disabled", message, hint)),
        _ => Some(degraded("tables_disabled", message, hint)),
    }
}

fn entries_invalid(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_invalid", "cannot be parsed", |audit| audit.invalid)
}

fn entries_incomplete(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_incomplete", "would be rejected by their reader", |audit| audit.incomplete)
}

fn entries_missing(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_missing", "are missing", |audit| audit.missing)
}

fn entries_stale(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_stale", "are over their age limit", |audit| audit.stale)
}

fn entries(seen: &Seen, code: &str, are: &str, count: fn(&Audit) -> u64) -> Option<Reason> {
    let tables = seen.tables.as_ref().ok()?;
    let wanting = tables.iter().filter(|survey| count(&survey.audit) > 0);
    let (counts, names): (Vec<u64>, Vec<Table>) =
        wanting.map(|survey| (count(&survey.audit), survey.table)).unzip();
    if counts.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.into_iter().map(Table::as_str).collect();
    let total: u64 = counts.iter().sum();
    let message = format!("{total} entries {are}: {}", names.join(", "));
    Some(degraded(code, message, "`cachectl refresh` makes them now; `cachectl status` shows each table"))
}

fn last_run_failed(seen: &Seen) -> Option<Reason> {
    let run = seen.last.as_ref()?;
    let good = |job: &Job| job.outcome.is_some_and(Outcome::is_good);
    let bad: Vec<String> = run
        .jobs
        .iter()
        .filter(|job| job.outcome.is_some() && !good(job))
        .map(|job| format!("{}: {}", job.table, one_line(job.error.as_deref().unwrap_or("no reason given"))))
        .collect();
    if bad.is_empty() {
        return None;
    }
    let message = format!("run {} did not end well: {}", run.id, bad.join("; "));
    let hint = "`cachectl jobs --failed` shows the attempts; remove the cause, then `cachectl refresh`";
    // As long as some tables are kept, refreshing works.
    let level = if run.jobs.iter().any(good) { degraded } else { unhealthy };
    Some(level("last_run_failed", message, hint))
}

fn scheduler_stopped(seen: &Seen) -> Option<Reason> {
    (seen.scheduler == SchedulerState::Stopped).then(|| {
        let message = "the scheduler is stopped: nothing is refreshed by itself".to_owned();
        degraded("scheduler_stopped", message, "`cachectl start-scheduler` starts it again")
    })
}

fn queue_stuck(seen: &Seen) -> Option<Reason> {
    if seen.current.is_some() {
        return None;
    }
    // A table that waits for its next attempt is not stuck.
    let queued = seen.waiting.iter().filter(|job| job.phase == Phase::Queued && job.attempts.is_empty());
    let since = queued.map(|job| job.queued.to_utc()).min()?;
    (seen.now - since > STUCK).then(|| {
        let message = format!("runs wait since {} and nobody works on them", since.format("%F %T UTC"));
        unhealthy("queue_stuck", message, "look at the log of cached, then restart it")
    })
}

fn run_slow(seen: &Seen) -> Option<Reason> {
    let run = seen.current.as_ref()?;
    let took = seen.now - run.started?.to_utc();
    (took > seen.target).then(|| {
        let (took, target) = (took.num_seconds(), seen.target.num_seconds());
        let message = format!("run {} works for {took} seconds; the target is {target}", run.id);
        degraded("run_slow", message, "`cachectl jobs --running` shows where it is")
    })
}

fn degraded(code: &str, message: String, hint: &str) -> Reason {
    Reason { code: code.to_owned(), level: HealthLevel::Degraded, message, hint: hint.to_owned() }
}

fn unhealthy(code: &str, message: String, hint: &str) -> Reason {
    Reason { level: HealthLevel::Unhealthy, ..degraded(code, message, hint) }
}

#[cfg(test)]
mod tests;
