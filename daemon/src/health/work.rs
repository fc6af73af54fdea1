//! Checks of the work that is done: runs, schedule and maintenance, and who else does it.

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Phase, SchedulerState};
use chrono::{DateTime, TimeDelta};

use super::seen::{Audience, BackupLack, Finding, Seen};
use crate::describe::failures;

/// How long a run may be claimable before its worker is considered dead.
const STUCK: TimeDelta = TimeDelta::minutes(5);

/// How the last refresh of each table ended: a later success of other tables does not fix it.
pub(super) fn last_run_failed(seen: &Seen, audience: Audience) -> Option<Finding> {
    // A table held by the guard has a reason of its own.
    let bad = |job: &&Job| job.outcome.is_some_and(|o| !o.is_good() && o != Outcome::Guarded);
    let good = |job: &Job| job.outcome.is_some_and(|o| o.is_good() && o.is_tried());
    let failures = failures(seen.results.iter().filter(bad), |table| audience.table(table));
    if failures.is_empty() {
        return None;
    }
    let database = audience.on_database(&seen.database);
    let message = format!("the last refresh of some tables{database} did not end well: {failures}");
    let hint = "`cachectl jobs --failed` shows the errors; remove the cause, then `cachectl retry --failed`";
    // If some tables are kept fresh, refreshing works.
    let level = if seen.results.iter().any(good) { Finding::degraded } else { Finding::unhealthy };
    Some(level(message, hint))
}

/// Tables whose last attempt failed for a temporary reason.
pub(super) fn retrying(seen: &Seen, audience: Audience) -> Option<Finding> {
    let mut waiting = seen
        .waiting
        .iter()
        .filter(|job| job.phase == Phase::Queued)
        .filter_map(|job| Some((job, job.attempts.last()?.number, one_line(job.error.as_deref()?))));
    let (first, attempts, error) = waiting.next()?;
    let more = match waiting.count() {
        0 => String::new(),
        more => format!("; {more} more tables wait, too"),
    };
    let (table, database) = (audience.table(first.table), audience.on_database(&seen.database));
    let message = format!("{table} failed {attempts} times{database} and is tried again soon: {error}{more}");
    let hint = "remove the cause, and it goes on by itself; `cachectl jobs --running` shows the jobs";
    Some(Finding::degraded(message, hint))
}

pub(super) fn scheduler_stopped(seen: &Seen, _: Audience) -> Option<Finding> {
    (seen.scheduler == SchedulerState::Stopped).then(|| {
        let message = "the scheduler is stopped: nothing is refreshed by itself".to_owned();
        Finding::degraded(message, "`cachectl start-scheduler` starts it again")
    })
}

pub(super) fn queue_stuck(seen: &Seen, _: Audience) -> Option<Finding> {
    // Runs and maintenance tasks exclude each other, so waiting is normal.
    if seen.current.is_some() || seen.maintains {
        return None;
    }
    // A run that waited for another one to end could not have been claimed earlier.
    let freed = seen.last.as_ref().and_then(|run| run.ended).map(Timestamp::to_utc);
    let since = freed.into_iter().fold(seen.claimable_since?, DateTime::max);
    (seen.now - since > STUCK).then(|| {
        let message = format!("runs wait since {} and nobody works on them", since.format("%F %T UTC"));
        let hint = "look at the log of cached, then `systemctl restart cached`; what is queued stays queued";
        Finding::unhealthy(message, hint)
    })
}

pub(super) fn run_slow(seen: &Seen, audience: Audience) -> Option<Finding> {
    let run = seen.current.as_ref()?;
    let took = seen.now - run.started?.to_utc();
    (took > seen.target).then(|| {
        let (took, target) = (took.num_seconds(), seen.target.num_seconds());
        let message = format!("{} works for {took} seconds; the target is {target}", audience.run(run.id));
        Finding::degraded(message, "`cachectl jobs --running` shows where it is")
    })
}

/// Whether another process empties or rewrites the tables that the daemon fills.
pub(super) fn second_refresher(seen: &Seen, audience: Audience) -> Option<Finding> {
    let first = seen.refreshers.first()?;
    let messages: Vec<String> =
        seen.refreshers.iter().map(|found| found.message(|table| audience.table(table))).collect();
    Some(Finding::degraded(messages.join("; "), first.hint()))
}

pub(super) fn maintenance_failed(seen: &Seen, _: Audience) -> Option<Finding> {
    let failed = seen.failed_chores.first()?;
    let message =
        format!("maintenance {} of slot {} failed: {}", failed.chore, failed.slot, one_line(&failed.error));
    let hint = "remove the cause; `cachectl maintenance` does it by hand, and the next slot that ends well clears this";
    Some(Finding::degraded(message, hint))
}

pub(super) fn backup_old(seen: &Seen, _: Audience) -> Option<Finding> {
    let BackupLack { since, directory } = seen.backup_lacks.as_ref()?;
    let directory = one_line(&directory.to_string_lossy()).into_owned();
    let message = format!("no backup of {since} or later is in {directory}");
    let hint = "look whether the directory is there (`ls -l`), whether the scheduler runs (`cachectl next`), and what \
                `cachectl logs` says of maintenance; the next backup that ends well clears this";
    Some(Finding::degraded(message, hint))
}

#[cfg(test)]
mod tests {
    use cached_proto::verb::history::Run;
    use cached_proto::verb::jobs::Attempt;
    use cached_proto::words::{Chore, HealthLevel, Table};

    use super::*;
    use crate::health::ReasonCode;
    use crate::health::tests::{at, each, found, job, run, seen};
    use crate::state::FailedChore;
    use crate::watch::wipes::SecondRefresher as Refresher;
    use HealthLevel::{Degraded, Unhealthy};
    use ReasonCode::{
        BackupOld, LastRunFailed, MaintenanceFailed, QueueStuck, Retrying, RunSlow, SchedulerStopped,
        SecondRefresher,
    };

    #[test]
    fn each_problem_has_its_code_its_level_and_a_command_to_type() {
        each(&[
            (MaintenanceFailed, Degraded, |seen| {
                seen.failed_chores =
                    vec![FailedChore { chore: Chore::Analyze, slot: "S".to_owned(), error: "E".to_owned() }];
            }),
            (BackupOld, Degraded, |seen| {
                seen.backup_lacks = Some(BackupLack { since: "S".to_owned(), directory: "/backups".into() });
            }),
            (Retrying, Degraded, |seen| {
                let attempts = vec![attempt()];
                let (phase, outcome, error) = (Phase::Queued, None, Some("full".to_owned()));
                seen.waiting = vec![Job { phase, outcome, error, attempts, ..job(Outcome::Failed) }];
            }),
            (LastRunFailed, Degraded, |seen| {
                seen.results = vec![job(Outcome::Failed), job(Outcome::Rebuilt)];
            }),
            (LastRunFailed, Unhealthy, |seen| seen.results = vec![job(Outcome::Failed), job(Outcome::Off)]),
            (SchedulerStopped, Degraded, |seen| seen.scheduler = SchedulerState::Stopped),
            (QueueStuck, Unhealthy, |seen| {
                (seen.last, seen.claimable_since) = (None, Some(at(-301).to_utc()));
            }),
            (RunSlow, Degraded, |seen| {
                seen.current = Some(Run { started: Some(at(-301)), ended: None, ..run(&[]) });
            }),
            (SecondRefresher, Degraded, |seen| {
                let tables = vec![Table::RecruitmentCandidatesCache];
                seen.refreshers = vec![Refresher::Wipes { hour: 2, days: 2, tables }];
            }),
        ]);
    }

    fn attempt() -> Attempt {
        let error = Some("full".to_owned());
        let (started, ended, outcome) = (at(-59), Some(at(-58)), Some(Outcome::Failed));
        Attempt { number: 1, started, ended, snapshot: None, outcome, seconds: 1.0, error }
    }

    #[test]
    fn a_table_that_failed_is_told_though_another_was_refreshed_since() {
        let mut seen = seen();
        let failed = Job { error: Some("disk\nfull".to_owned()), ..job(Outcome::Failed) };
        let other = Job { table: Table::OrganizationDetailCache, ..failed.clone() };
        seen.results = vec![failed, job(Outcome::Rebuilt), other];
        seen.last = Some(run(&[Outcome::Rebuilt]));
        let reasons = found(&seen);
        let told = "the last refresh of some tables on /srv/vms.db did not end well: \
                dia_events_report_cache, organization_detail_cache failed: disk\\nfull";
        assert_eq!((reasons.len(), reasons[0].finding.message.as_str()), (1, told));
    }

    #[test]
    fn causes_are_told_up_to_a_number_and_tables_of_the_others_counted() {
        let mut seen = seen();
        let failed =
            |&table: &Table| Job { table, error: Some(format!("no {table}")), ..job(Outcome::Failed) };
        seen.results = Table::ALL.iter().map(failed).collect();
        let message = found(&seen)[0].finding.message.clone();
        assert_eq!(message.matches(" failed: no ").count(), 5, "{message}");
        assert!(message.ends_with("; 6 more tables"), "{message}");
    }

    #[test]
    fn a_queue_that_moves_is_not_stuck() {
        let since = |seconds| Some(at(seconds).to_utc());
        let waits = || Seen { claimable_since: since(-900), last: None, ..seen() };
        for (what, seen) in [
            ("queued just now", Seen { claimable_since: since(-299), ..waits() }),
            ("behind a run in progress", Seen { current: Some(run(&[])), ..waits() }),
            ("behind a run that has just ended", Seen { last: seen().last, ..waits() }),
            ("behind a maintenance task", Seen { maintains: true, ..waits() }),
            ("nothing has run yet", Seen { last: None, results: Vec::new(), ..seen() }),
        ] {
            assert_eq!(found(&seen), Vec::new(), "{what}");
        }
    }
}
