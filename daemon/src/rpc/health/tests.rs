//! Judgements of situations that are hard to bring about through the socket.

use cached_proto::time::Timestamp;
use cached_proto::words::Trigger;

use super::*;

/// A situation, and the one reason that it gives.
type Case = (&'static str, Seen, Option<(&'static str, HealthLevel)>);

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

/// All is well at minute 100.
fn well() -> Seen {
    Seen {
        now: at(100),
        scheduler: SchedulerState::Running,
        tables: Ok(vec![
            survey(Table::OrganizationSummaryCache, TableState::Fresh),
            survey(Table::OrganizationDetailCache, TableState::Fresh),
        ]),
        last: Some(run(vec![job(Table::OrganizationSummaryCache, Phase::Done, Some(Outcome::Rebuilt))])),
        current: None,
        waiting: Vec::new(),
        target: TimeDelta::minutes(5),
    }
}

fn survey(table: Table, state: TableState) -> TableSurvey {
    let note = (state == TableState::Disabled).then(|| "event.title is not there".to_owned());
    TableSurvey { table, state, note, audit: Audit::default() }
}

fn job(table: Table, phase: Phase, outcome: Option<Outcome>) -> Job {
    let failed = outcome.is_some_and(|outcome| !outcome.is_good());
    Job {
        id: 1,
        run: 1,
        trigger: Trigger::Manual,
        cache_type: table.cache_type(),
        table,
        phase,
        outcome,
        queued: Timestamp::from(at(90)),
        attempts: Vec::new(),
        entries: 0,
        rebuilt: 0,
        verified: 0,
        skipped: 0,
        pruned: 0,
        failed: 0,
        warnings: 0,
        bytes: 0,
        seconds: 0.0,
        error: failed.then(|| "locked\nby somebody".to_owned()),
    }
}

fn run(jobs: Vec<Job>) -> Run {
    Run {
        id: 1,
        trigger: Trigger::Manual,
        slot: None,
        phase: Phase::Running,
        queued: Timestamp::from(at(90)),
        started: Some(Timestamp::from(at(91))),
        ended: None,
        seconds: 0.0,
        outcome: None,
        jobs,
    }
}

#[test]
fn each_situation_has_its_code_and_level() {
    use HealthLevel::{Degraded, Unhealthy};
    let summary = Table::OrganizationSummaryCache;
    let detail = Table::OrganizationDetailCache;
    let failed = job(summary, Phase::Done, Some(Outcome::Failed));
    let rebuilt = job(detail, Phase::Done, Some(Outcome::Rebuilt));
    let queued = job(summary, Phase::Queued, None);
    let table = |state| vec![survey(summary, state), survey(detail, TableState::Fresh)];
    let disabled = TableState::Disabled;
    let cases: [Case; 12] = [
        ("all is well", well(), None),
        (
            "no database",
            Seen { tables: Err("gone".to_owned()), ..well() },
            Some(("database_unreachable", Unhealthy)),
        ),
        (
            "one table disabled",
            Seen { tables: Ok(table(disabled)), ..well() },
            Some(("tables_disabled", Degraded)),
        ),
        (
            "all tables disabled",
            Seen { tables: Ok(vec![survey(summary, disabled)]), ..well() },
            Some(("tables_disabled", Unhealthy)),
        ),
        (
            "one table failed",
            Seen { last: Some(run(vec![failed.clone(), rebuilt])), ..well() },
            Some(("last_run_failed", Degraded)),
        ),
        (
            "every table failed",
            Seen { last: Some(run(vec![failed])), ..well() },
            Some(("last_run_failed", Unhealthy)),
        ),
        (
            "scheduler stopped",
            Seen { scheduler: SchedulerState::Stopped, ..well() },
            Some(("scheduler_stopped", Degraded)),
        ),
        (
            "queued and nobody works",
            Seen { waiting: vec![queued.clone()], ..well() },
            Some(("queue_stuck", Unhealthy)),
        ),
        ("queued just now", Seen { waiting: vec![queued.clone()], now: at(92), ..well() }, None),
        (
            "queued behind a run in progress",
            Seen { waiting: vec![queued], current: Some(run(Vec::new())), now: at(96), ..well() },
            None,
        ),
        (
            "a run beyond its target",
            Seen { current: Some(run(Vec::new())), now: at(97), ..well() },
            Some(("run_slow", Degraded)),
        ),
        ("nothing has run yet", Seen { last: None, ..well() }, None),
    ];
    for (situation, seen, expected) in cases {
        let reasons: Vec<Reason> = CHECKS.iter().filter_map(|check| check(&seen)).collect();
        let found: Vec<_> = reasons.iter().map(|reason| (reason.code.as_str(), reason.level)).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{situation}");
        for reason in reasons {
            assert!(!reason.message.contains('\n') && !reason.hint.is_empty(), "{situation}: {reason:?}");
        }
    }
}

#[test]
fn entries_are_counted_over_all_tables() {
    let mut seen = well();
    for survey in seen.tables.iter_mut().flatten() {
        survey.audit.stale = 2;
    }
    let reason = entries_stale(&seen).unwrap();
    let message = "4 entries are over their age limit: organization_summary_cache, organization_detail_cache";
    assert_eq!((reason.level, reason.message.as_str()), (HealthLevel::Degraded, message));
}
