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
pub(super) fn seen() -> Seen {
    let audit = Audit { expected: 1, fresh: 1, bytes: 1 << 20, ..Audit::default() };
    let fresh = |table| TableSurvey {
        table,
        state: TableState::Fresh,
        note: None,
        audit: audit.clone(),
        renewal_times: RenewalTimes::default(),
    };
    Seen {
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
        failed_chores: Vec::new(),
        backup_lacks: None,
        estimate: 0,
        around: Surroundings { disks: disks(1 << 30), ..Surroundings::default() },
        database: PathBuf::from("/srv/vms.db"),
        state: StateSeen { path: PathBuf::from("/var/lib/state.db"), ..StateSeen::default() },
        zone_doubt: None,
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

pub(super) fn one_table(seen: &mut Seen, state: TableState, audit: Audit) {
    if let Ok(tables) = &mut seen.tables {
        tables[0] = survey(Table::DiaEventsReportCache, state, audit);
    }
}

/// The reasons, as the operator is told them.
pub(super) fn found(seen: &Seen) -> Vec<Reason> {
    judge(seen, Audience::Operator).reasons
}

/// A case: a reason, its level, and what brings it about.
type Case = (ReasonCode, HealthLevel, fn(&mut Seen));

/// Asserts that what is spoilt gives this reason and no other, of this level, in one line and with a command to type.
pub(super) fn each(cases: &[Case]) {
    for &(code, level, spoil) in cases {
        let mut seen = seen();
        spoil(&mut seen);
        for audience in [Audience::Operator, Audience::Reader] {
            let Health { level: found, reasons, .. } = judge(&seen, audience);
            let codes: Vec<ReasonCode> = reasons.iter().map(|reason| reason.code).collect();
            assert_eq!((codes, found), (vec![code], level));
            let Finding { message, hint, .. } = &reasons[0].finding;
            assert!(hint.contains('`') || code == ReasonCode::DatabaseUnwritable, "{code:?}: {hint}");
            assert_eq!(message.lines().count(), 1, "{code:?}");
        }
    }
}

#[test]
fn nothing_wrong_is_nothing_to_say() {
    let healthy = Health { level: HealthLevel::Healthy, reasons: Vec::new(), vms_page: seen().vms_page };
    assert_eq!(judge(&seen(), Audience::Operator), healthy);
}

#[test]
fn the_worst_reason_decides() {
    let mut seen = seen();
    seen.scheduler = SchedulerState::Stopped;
    seen.tables = Err(gone());
    assert_eq!(judge(&seen, Audience::Operator).level, HealthLevel::Unhealthy);
}

#[test]
fn readers_are_told_titles_and_no_paths() {
    let mut seen = seen();
    let failed = Job { error: Some("locked".to_owned()), ..job(Outcome::Failed) };
    seen.results = vec![failed];
    seen.current = Some(Run { started: Some(at(-301)), ended: None, ..run(&[]) });
    for survey in seen.tables.iter_mut().flatten() {
        survey.audit.missing = 1;
    }
    let told: Vec<String> =
        judge(&seen, Audience::Reader).reasons.into_iter().map(|reason| reason.finding.message).collect();
    let expected = [
        "2 entries are missing: DIA events, Organization details",
        "the last refresh of some tables did not end well: DIA events failed: locked",
        "refresh 7 works for 301 seconds; the target is 300",
    ];
    assert_eq!(told, expected);
    seen.tables = Err(gone());
    let first = judge(&seen, Audience::Reader).reasons.remove(0);
    assert_eq!(first.finding.message, "VMS's database cannot be looked at: gone");
}

#[test]
fn a_code_is_a_word_of_its_own() {
    let mut codes: Vec<&str> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), ReasonCode::ALL.len());
}
