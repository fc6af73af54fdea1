use std::collections::BTreeSet;
use std::path::PathBuf;

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::words::{Outcome, Phase, SchedulerState, Table, TableState, Trigger};
use chrono::TimeDelta;

use super::*;
use crate::refresh::RenewalTimes;
use crate::refresh::survey::TableSurvey;
use crate::store::audit::Audit;

const NOW: i64 = 1_772_956_800;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((NOW + seconds) * 1_000_000)
}

pub(super) fn survey(table: Table, state: TableState, audit: Audit) -> TableSurvey {
    TableSurvey {
        table,
        state,
        note: Some("because".to_owned()),
        audit,
        renewal_times: RenewalTimes::default(),
    }
}

pub(super) fn job(outcome: Outcome) -> Job {
    Job {
        id: 1,
        run: 7,
        trigger: Trigger::Schedule,
        cache_type: Table::DiaEventsReportCache.cache_type(),
        table: Table::DiaEventsReportCache,
        phase: Phase::Done,
        outcome: Some(outcome),
        queued: at(-60),
        attempts: Vec::new(),
        figures: JobFigures { entries: 1, rebuilt: 1, bytes: 10, seconds: 0.1, ..JobFigures::default() },
        error: None,
        write_lock: WriteLock::default(),
    }
}

pub(super) fn run(outcomes: &[Outcome]) -> Run {
    Run {
        id: 7,
        trigger: Trigger::Schedule,
        slot: None,
        phase: Phase::Done,
        queued: at(-60),
        started: Some(at(-59)),
        ended: Some(at(-50)),
        seconds: 9.0,
        outcome: None,
        jobs: outcomes.iter().map(|&outcome| job(outcome)).collect(),
        write_lock: WriteLock::default(),
    }
}

/// A daemon without any problem.
pub(super) fn healthy() -> Observation {
    let audit = Audit { expected: 1, fresh: 1, bytes: 1 << 20, ..Audit::default() };
    let fresh = |table| TableSurvey {
        table,
        state: TableState::Fresh,
        note: None,
        audit: audit.clone(),
        renewal_times: RenewalTimes::default(),
    };
    Observation {
        now: at(0).to_utc(),
        scheduler: SchedulerState::Running,
        tables: Ok(vec![fresh(Table::DiaEventsReportCache), fresh(Table::OrganizationDetailCache)]),
        last: Some(run(&[Outcome::Rebuilt])),
        current: None,
        claimable_since: None,
        maintains: false,
        waiting: Vec::new(),
        results: vec![job(Outcome::Rebuilt)],
        target: TimeDelta::seconds(300),
        refreshers: Vec::new(),
        failed_tasks: Vec::new(),
        missing_backup: None,
        estimate: 0,
        resources: Resources { disks: disks(1 << 30), ..Resources::default() },
        database: PathBuf::from("/srv/vms.db"),
        state: StateCondition { path: PathBuf::from("/var/lib/state.db"), ..StateCondition::default() },
        zone_warning: None,
        faults: Vec::new(),
        vms_page: Some(page(Some(200), 12)),
    }
}

pub(super) fn gone() -> Unreadable {
    Unreadable { message: "gone".to_owned(), is_damaged: false }
}

pub(super) fn page(status: Option<u16>, milliseconds: u64) -> VmsPage {
    let error = status.is_none().then(|| "Connection refused".to_owned());
    VmsPage { url: "http://vms/health".to_owned(), status, milliseconds, error }
}

pub(super) fn disks(free: u64) -> Vec<Disk> {
    let disk = |path: &str, holds_vms| Disk { path: path.into(), free, inodes: Some(1000), holds_vms };
    vec![disk("/srv", true), disk("/var/lib", false)]
}

pub(super) fn one_table(observed: &mut Observation, state: TableState, audit: Audit) {
    if let Ok(tables) = &mut observed.tables {
        tables[0] = survey(Table::DiaEventsReportCache, state, audit);
    }
}

/// The reasons, in the operator's names.
pub(super) fn found(observed: &Observation) -> Vec<Reason> {
    judge(observed, Audience::Operator).reasons
}

/// A reason, its level, and the change of a healthy observation that causes it.
pub(super) type Problem = (ReasonCode, HealthLevel, fn(&mut Observation));

#[test]
fn each_problem_is_exactly_one_reason_of_its_level_on_one_line_with_a_command_to_run() {
    let mut codes = BTreeSet::from([ReasonCode::StateUnusable]);
    let problems = [
        databases::tests::PROBLEMS,
        environment::tests::PROBLEMS,
        tables::tests::PROBLEMS,
        work::tests::PROBLEMS,
    ];
    for &(code, level, change) in &problems.concat() {
        codes.insert(code);
        let mut observed = healthy();
        change(&mut observed);
        for audience in [Audience::Operator, Audience::Reader] {
            let Health { level: found, reasons, .. } = judge(&observed, audience);
            let codes: Vec<ReasonCode> = reasons.iter().map(|reason| reason.code).collect();
            assert_eq!((codes, found), (vec![code], level));
            let Finding { message, hint, .. } = &reasons[0].finding;
            assert!(hint.contains('`') || code == ReasonCode::DatabaseUnwritable, "{code:?}: {hint}");
            assert_eq!(message.lines().count(), 1, "{code:?}");
        }
    }
    assert!(codes.iter().eq(ReasonCode::ALL), "a reason has no problem that causes it: {codes:?}");
}

#[test]
fn a_healthy_daemon_has_no_reasons() {
    let expected = Health { level: HealthLevel::Healthy, reasons: Vec::new(), vms_page: healthy().vms_page };
    assert_eq!(judge(&healthy(), Audience::Operator), expected);
}

#[test]
fn the_level_is_that_of_the_worst_reason() {
    let mut observed = healthy();
    observed.scheduler = SchedulerState::Stopped;
    observed.tables = Err(gone());
    assert_eq!(judge(&observed, Audience::Operator).level, HealthLevel::Unhealthy);
}

#[test]
fn messages_for_readers_have_titles_and_no_paths() {
    let mut observed = healthy();
    let failed = Job { error: Some("locked".to_owned()), ..job(Outcome::Failed) };
    observed.results = vec![failed];
    observed.current = Some(Run { started: Some(at(-301)), ended: None, ..run(&[]) });
    for survey in observed.tables.iter_mut().flatten() {
        survey.audit.missing = 1;
    }
    let messages: Vec<String> =
        judge(&observed, Audience::Reader).reasons.into_iter().map(|reason| reason.finding.message).collect();
    let expected = [
        "2 entries are missing: DIA events, Organization details",
        "the last refresh of some tables failed: DIA events failed: locked",
        "run 7 has been running for 301 seconds; the target is 300",
    ];
    assert_eq!(messages, expected);
    observed.tables = Err(gone());
    let first = judge(&observed, Audience::Reader).reasons.remove(0);
    assert_eq!(first.finding.message, "VMS's database cannot be read: gone");
}

#[test]
fn each_code_is_a_unique_lower_case_word() {
    let mut codes: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), ReasonCode::ALL.len());
}
