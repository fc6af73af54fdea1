//! Checks of runs, schedule and maintenance, and of other processes that refresh.

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Phase, SchedulerState};
use chrono::{DateTime, TimeDelta};

use super::observation::{Audience, Finding, MissingBackup, Observation};
use crate::describe::failures;

/// How long a run may be claimable before its worker is considered dead.
const STUCK: TimeDelta = TimeDelta::minutes(5);

/// Tables whose last refresh failed: a later success of other tables does not fix that.
pub(super) fn last_run_failed(observed: &Observation, audience: Audience) -> Option<Finding> {
    // A table held by the guard has its own reason.
    let bad = |job: &&Job| job.outcome.is_some_and(|o| !o.is_good() && o != Outcome::Guarded);
    let good = |job: &Job| job.outcome.is_some_and(|o| o.is_good() && o.is_tried());
    let failures = failures(observed.results.iter().filter(bad), |table| audience.table(table));
    if failures.is_empty() {
        return None;
    }
    let database = audience.on_database(&observed.database);
    let message = format!("the last refresh of some tables{database} failed: {failures}");
    let hint = "`cachectl jobs --failed` shows the errors; remove the cause, then `cachectl retry --failed`";
    // If some tables are kept fresh, refreshing works.
    let level = if observed.results.iter().any(good) { Finding::degraded } else { Finding::unhealthy };
    Some(level(message, hint))
}

/// Tables whose last attempt failed for a temporary reason.
pub(super) fn retrying(observed: &Observation, audience: Audience) -> Option<Finding> {
    let mut waiting = observed
        .waiting
        .iter()
        .filter(|job| job.phase == Phase::Queued)
        .filter_map(|job| Some((job, job.attempts.last()?.number, one_line(job.error.as_deref()?))));
    let (first, attempts, error) = waiting.next()?;
    let more = match waiting.count() {
        0 => String::new(),
        more => format!("; {more} more tables are waiting for a retry"),
    };
    let (table, database) = (audience.table(first.table), audience.on_database(&observed.database));
    let message = format!("{table} failed {attempts} times{database} and is retried soon: {error}{more}");
    let hint = "remove the cause, and the retry succeeds by itself; `cachectl jobs --running` shows the jobs";
    Some(Finding::degraded(message, hint))
}

pub(super) fn scheduler_stopped(observed: &Observation, _: Audience) -> Option<Finding> {
    (observed.scheduler == SchedulerState::Stopped).then(|| {
        let message = "the scheduler is stopped: nothing is refreshed automatically".to_owned();
        Finding::degraded(message, "`cachectl start-scheduler` starts it again")
    })
}

pub(super) fn queue_stuck(observed: &Observation, _: Audience) -> Option<Finding> {
    // Runs and maintenance tasks exclude each other, so waiting is normal.
    if observed.current.is_some() || observed.maintains {
        return None;
    }
    // A run that waited for another one to end could not have been claimed earlier.
    let freed = observed.last.as_ref().and_then(|run| run.ended).map(Timestamp::to_utc);
    let since = freed.into_iter().fold(observed.claimable_since?, DateTime::max);
    (observed.now - since > STUCK).then(|| {
        let since = since.format("%F %T UTC");
        let message = format!("runs have been waiting since {since}, but no worker has started them");
        let hint = "check the log of cached, then `systemctl restart cached`; queued runs stay queued";
        Finding::unhealthy(message, hint)
    })
}

pub(super) fn run_slow(observed: &Observation, _: Audience) -> Option<Finding> {
    let run = observed.current.as_ref()?;
    let took = observed.now - run.started?.to_utc();
    (took > observed.target).then(|| {
        let (took, target) = (took.num_seconds(), observed.target.num_seconds());
        let message = format!("run {} has been running for {took} seconds; the target is {target}", run.id);
        Finding::degraded(message, "`cachectl jobs --running` shows its progress")
    })
}

/// Whether another process empties or rewrites the tables that the daemon fills.
pub(super) fn second_refresher(observed: &Observation, audience: Audience) -> Option<Finding> {
    let first = observed.refreshers.first()?;
    let messages: Vec<String> =
        observed.refreshers.iter().map(|found| found.message(|table| audience.table(table))).collect();
    Some(Finding::degraded(messages.join("; "), first.hint()))
}

pub(super) fn maintenance_failed(observed: &Observation, _: Audience) -> Option<Finding> {
    let failed = observed.failed_tasks.first()?;
    let message =
        format!("maintenance {} of slot {} failed: {}", failed.task, failed.slot, one_line(&failed.error));
    let hint = "remove the cause; `cachectl maintenance` runs the task by hand, and the next successful slot clears this";
    Some(Finding::degraded(message, hint))
}

pub(super) fn backup_old(observed: &Observation, _: Audience) -> Option<Finding> {
    let MissingBackup { since, directory } = observed.missing_backup.as_ref()?;
    let directory = one_line(&directory.to_string_lossy()).into_owned();
    let message = format!("there is no backup of {since} or later in {directory}");
    let hint = "check that the directory exists (`ls -l`), that the scheduler is running (`cachectl next`), and what \
                `cachectl logs` says about maintenance; the next successful backup clears this";
    Some(Finding::degraded(message, hint))
}

#[cfg(test)]
pub(super) mod tests {
    use cached_proto::verb::history::Run;
    use cached_proto::verb::jobs::Attempt;
    use cached_proto::words::{HealthLevel, MaintenanceTask, Table};

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{Problem, at, found, healthy, job, run};
    use crate::state::FailedTask;
    use crate::watch::wipes::SecondRefresher as Refresher;
    use HealthLevel::{Degraded, Unhealthy};
    use ReasonCode::{
        BackupOld, LastRunFailed, MaintenanceFailed, QueueStuck, Retrying, RunSlow, SchedulerStopped,
        SecondRefresher,
    };

    pub(in crate::health) const PROBLEMS: &[Problem] = &[
        (MaintenanceFailed, Degraded, |observed| {
            observed.failed_tasks = vec![FailedTask {
                task: MaintenanceTask::Analyze,
                slot: "S".to_owned(),
                error: "E".to_owned(),
            }];
        }),
        (BackupOld, Degraded, |observed| {
            observed.missing_backup =
                Some(MissingBackup { since: "S".to_owned(), directory: "/backups".into() });
        }),
        (Retrying, Degraded, |observed| {
            let attempts = vec![attempt()];
            let (phase, outcome, error) = (Phase::Queued, None, Some("full".to_owned()));
            observed.waiting = vec![Job { phase, outcome, error, attempts, ..job(Outcome::Failed) }];
        }),
        (LastRunFailed, Degraded, |observed| {
            observed.results = vec![job(Outcome::Failed), job(Outcome::Rebuilt)];
        }),
        (LastRunFailed, Unhealthy, |observed| {
            observed.results = vec![job(Outcome::Failed), job(Outcome::Off)];
        }),
        (SchedulerStopped, Degraded, |observed| observed.scheduler = SchedulerState::Stopped),
        (QueueStuck, Unhealthy, |observed| {
            (observed.last, observed.claimable_since) = (None, Some(at(-301).to_utc()));
        }),
        (RunSlow, Degraded, |observed| {
            observed.current = Some(Run { started: Some(at(-301)), ended: None, ..run(&[]) });
        }),
        (SecondRefresher, Degraded, |observed| {
            let tables = vec![Table::RecruitmentCandidatesCache];
            observed.refreshers = vec![Refresher::Wipes { hour: 2, days: 2, tables }];
        }),
    ];

    fn attempt() -> Attempt {
        let error = Some("full".to_owned());
        let (started, ended, outcome) = (at(-59), Some(at(-58)), Some(Outcome::Failed));
        Attempt { number: 1, started, ended, snapshot: None, outcome, seconds: 1.0, error }
    }

    #[test]
    fn a_failed_table_is_reported_even_if_another_was_refreshed_since() {
        let mut observed = healthy();
        let failed = Job { error: Some("disk\nfull".to_owned()), ..job(Outcome::Failed) };
        let other = Job { table: Table::OrganizationDetailCache, ..failed.clone() };
        observed.results = vec![failed, job(Outcome::Rebuilt), other];
        observed.last = Some(run(&[Outcome::Rebuilt]));
        let reasons = found(&observed);
        let expected = "the last refresh of some tables on /srv/vms.db failed: \
                dia_events_report_cache, organization_detail_cache failed: disk\\nfull";
        assert_eq!((reasons.len(), reasons[0].finding.message.as_str()), (1, expected));
    }

    #[test]
    fn only_the_first_causes_are_spelled_out_and_further_tables_are_counted() {
        let mut observed = healthy();
        let failed =
            |&table: &Table| Job { table, error: Some(format!("no {table}")), ..job(Outcome::Failed) };
        observed.results = Table::ALL[..8].iter().map(failed).collect();
        let message = found(&observed)[0].finding.message.clone();
        assert_eq!(message.matches(" failed: no ").count(), 5, "{message}");
        assert!(message.ends_with("; 3 more tables"), "{message}");
    }

    #[test]
    fn a_queue_is_not_stuck_while_work_is_in_progress_or_young() {
        let since = |seconds| Some(at(seconds).to_utc());
        let waits = || Observation { claimable_since: since(-900), last: None, ..healthy() };
        for (what, observed) in [
            ("queued just now", Observation { claimable_since: since(-299), ..waits() }),
            ("behind a run in progress", Observation { current: Some(run(&[])), ..waits() }),
            ("behind a run that has just ended", Observation { last: healthy().last, ..waits() }),
            ("behind a maintenance task", Observation { maintains: true, ..waits() }),
            ("nothing has run yet", Observation { last: None, results: Vec::new(), ..healthy() }),
        ] {
            assert_eq!(found(&observed), Vec::new(), "{what}");
        }
    }
}
