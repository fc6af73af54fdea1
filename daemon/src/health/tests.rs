use std::path::PathBuf;

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::jobs::Attempt;
use cached_proto::words::{Chore, Outcome, Phase, Table, TableState, Trigger};

use super::*;
use crate::refresh::{RefreshError, RenewalTimes};
use crate::state::{FailedChore, Lost};
use crate::store::audit::Audit;
use crate::telemetry::{Complaint, ComplaintCause};
use crate::vms::VmsError;

const NOW: i64 = 1_772_956_800;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((NOW + seconds) * 1_000_000)
}

fn survey(table: Table, state: TableState, audit: Audit) -> TableSurvey {
    TableSurvey {
        table,
        state,
        note: Some("because".to_owned()),
        audit,
        renewal_times: RenewalTimes::default(),
    }
}

fn job(outcome: Outcome) -> Job {
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
        entries: 1,
        rebuilt: 1,
        verified: 0,
        skipped: 0,
        pruned: 0,
        failed: 0,
        warnings: 0,
        bytes: 10,
        seconds: 0.1,
        error: None,
        write_lock: WriteLock::default(),
    }
}

fn attempt() -> Attempt {
    let error = Some("full".to_owned());
    let (started, ended, outcome) = (at(-59), Some(at(-58)), Some(Outcome::Failed));
    Attempt { number: 1, started, ended, snapshot: None, outcome, seconds: 1.0, error }
}

fn run(outcomes: &[Outcome]) -> Run {
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
fn seen() -> Seen {
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

fn gone() -> Unreadable {
    Unreadable { message: "gone".to_owned(), is_damaged: false }
}

fn page(status: Option<u16>, milliseconds: u64) -> VmsPage {
    let error = status.is_none().then(|| "Connection refused".to_owned());
    VmsPage { url: "http://vms/health".to_owned(), status, milliseconds, error }
}

fn disks(free: u64) -> Vec<Disk> {
    let disk = |path: &str, holds_vms| Disk { path: path.into(), free, inodes: Some(1000), holds_vms };
    vec![disk("/srv", true), disk("/var/lib", false)]
}

#[test]
fn damage_is_looked_for_and_not_checked_again() {
    let hint = |error: VmsError| {
        judge(&Seen { tables: Err(Unreadable::from(&RefreshError::from(error))), ..seen() })
            .reasons
            .remove(0)
            .hint
    };
    let source = || sea_orm::DbErr::Custom("malformed".to_owned());
    assert!(hint(VmsError::Damaged { doing: "reading", source: source() }).contains("maintenance integrity"));
    let path = PathBuf::from("/srv/vms.db");
    assert!(hint(VmsError::NotADatabase { path, source: source() }).contains("maintenance integrity"));
    assert!(hint(VmsError::Query { doing: "reading", source: source() }).contains("cached check"));
}

#[test]
fn nothing_wrong_is_nothing_to_say() {
    let healthy =
        HealthReply { health: HealthLevel::Healthy, reasons: Vec::new(), vms_page: seen().vms_page };
    assert_eq!(judge(&seen()), healthy);
}

#[test]
fn each_fault_has_its_code_its_level_and_a_command_to_type() {
    use HealthLevel::{Degraded, Healthy, Unhealthy};
    type Spoil = fn(&mut Seen);
    let cases: &[(&str, HealthLevel, Spoil)] = &[
        ("database_unreachable", Unhealthy, |seen| seen.tables = Err(gone())),
        ("database_unwritable", Unhealthy, |seen| seen.around.unwritable = Some(PathBuf::from("/srv"))),
        ("maintenance_failed", Degraded, |seen| {
            seen.failed_chores =
                vec![FailedChore { chore: Chore::Analyze, slot: "S".to_owned(), error: "E".to_owned() }];
        }),
        ("backup_old", Degraded, |seen| {
            seen.backup_lacks = Some(BackupLack { since: "S".to_owned(), directory: "/backups".into() });
        }),
        ("state_lost", Unhealthy, |seen| seen.state.lost = Some(Lost::Removed)),
        ("state_lost", Unhealthy, |seen| seen.state.lost = Some(Lost::Replaced)),
        ("state_lost", Unhealthy, |seen| seen.state.lost = Some(Lost::Overwritten)),
        ("state_unwritable", Unhealthy, |seen| seen.state.unwritable = Some("full".to_owned())),
        ("log_unwritable", Degraded, |seen| seen.around.log = Some(complaint(ComplaintCause::Other))),
        ("socket_lost", Degraded, |seen| seen.faults = vec![fault("control socket")]),
        ("lock_lost", Degraded, |seen| seen.faults = vec![fault("state lock")]),
        ("component_failed", Degraded, |seen| seen.faults = vec![fault("web"), fault("notify")]),
        ("retrying", Degraded, |seen| {
            let attempts = vec![attempt()];
            let (phase, outcome, error) = (Phase::Queued, None, Some("full".to_owned()));
            seen.waiting = vec![Job { phase, outcome, error, attempts, ..job(Outcome::Failed) }];
        }),
        ("vms_page_failed", Degraded, |seen| seen.vms_page = Some(page(Some(502), 12))),
        ("vms_page_failed", Degraded, |seen| seen.vms_page = Some(page(None, 5000))),
        ("vms_page_slow", Degraded, |seen| seen.vms_page = Some(page(Some(302), 2000))),
        ("clock_behind", Degraded, |seen| seen.now -= TimeDelta::hours(1)),
        ("timezone_guessed", Degraded, |seen| seen.zone_doubt = Some("guessed".to_owned())),
        ("disk_low", Degraded, |seen| seen.around.disks = disks(1 << 20)),
        ("inodes_low", Degraded, |seen| seen.around.disks[1].inodes = Some(31)),
        ("tables_disabled", Degraded, |seen| one_table(seen, TableState::Disabled, Audit::default())),
        ("tables_disabled", Unhealthy, |seen| {
            let table = survey(Table::DiaEventsReportCache, TableState::Disabled, Audit::default());
            seen.tables = Ok(vec![table]);
        }),
        ("tables_disabled", Unhealthy, |seen| {
            seen.tables = Ok(vec![
                survey(Table::DiaEventsReportCache, TableState::Disabled, Audit::default()),
                survey(Table::OrganizationReports, TableState::Off, Audit::default()),
                survey(Table::DistrictEngagementReports, TableState::NotApplicable, Audit::default()),
            ]);
        }),
        ("tables_guarded", Degraded, |seen| one_table(seen, TableState::Guarded, Audit::default())),
        ("tables_withheld", Healthy, |seen| one_table(seen, TableState::Withheld, Audit::default())),
        ("entries_invalid", Degraded, |seen| {
            one_table(seen, TableState::Invalid, Audit { invalid: 1, ..Audit::default() });
        }),
        ("entries_incomplete", Degraded, |seen| {
            one_table(seen, TableState::Incomplete, Audit { incomplete: 1, ..Audit::default() });
        }),
        ("entries_missing", Degraded, |seen| {
            one_table(seen, TableState::Missing, Audit { missing: 1, ..Audit::default() });
        }),
        ("entries_stale", Degraded, |seen| {
            one_table(seen, TableState::Stale, Audit { stale: 1, ..Audit::default() });
        }),
        ("last_run_failed", Degraded, |seen| {
            seen.results = vec![job(Outcome::Failed), job(Outcome::Rebuilt)];
        }),
        ("last_run_failed", Unhealthy, |seen| seen.results = vec![job(Outcome::Failed), job(Outcome::Off)]),
        ("scheduler_stopped", Degraded, |seen| seen.scheduler = SchedulerState::Stopped),
        ("queue_stuck", Unhealthy, |seen| {
            (seen.last, seen.claimable_since) = (None, Some(at(-301).to_utc()));
        }),
        ("run_slow", Degraded, |seen| {
            seen.current = Some(Run { started: Some(at(-301)), ended: None, ..run(&[]) });
        }),
        ("second_refresher", Degraded, |seen| {
            let tables = vec![Table::RecruitmentCandidatesCache];
            seen.refreshers = vec![SecondRefresher::Wipes { hour: 2, days: 2, tables }];
        }),
        ("rows_odd", Healthy, |seen| seen.results = vec![Job { warnings: 2, ..job(Outcome::Rebuilt) }]),
    ];
    for &(code, level, spoil) in cases {
        let mut seen = seen();
        spoil(&mut seen);
        let HealthReply { health, reasons, .. } = judge(&seen);
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!((codes, health), (vec![code], level));
        assert!(
            reasons[0].hint.contains('`') || code == "database_unwritable",
            "{code}: {}",
            reasons[0].hint
        );
        assert_eq!(reasons[0].message.lines().count(), 1, "{code}");
    }
}

fn fault(component: &'static str) -> Fault {
    Fault { component, what: "it ended".to_owned() }
}

fn one_table(seen: &mut Seen, state: TableState, audit: Audit) {
    if let Ok(tables) = &mut seen.tables {
        tables[0] = survey(Table::DiaEventsReportCache, state, audit);
    }
}

fn complaint(cause: ComplaintCause) -> Complaint {
    Complaint { message: "the log file /l/cache_manager.log cannot be written".to_owned(), cause }
}

#[test]
fn a_log_that_cannot_be_written_has_the_hint_of_its_cause() {
    for (cause, part) in [
        (ComplaintCause::Link, "is not followed"),
        (ComplaintCause::NoInodes, "`df -i`"),
        (ComplaintCause::Other, "`df -h`"),
    ] {
        let mut seen = seen();
        seen.around.log = Some(complaint(cause));
        let reason = judge(&seen).reasons.remove(0);
        assert!(reason.hint.contains(part), "{cause:?}: {}", reason.hint);
    }
}

#[test]
fn a_file_system_without_a_limit_of_files_never_runs_out_of_inodes() {
    let mut seen = seen();
    for disk in &mut seen.around.disks {
        disk.inodes = None;
    }
    assert_eq!(judge(&seen).reasons, Vec::new());
    seen.around.disks[0].inodes = Some(0);
    let reason = judge(&seen).reasons.remove(0);
    assert!(reason.message.starts_with("/srv has 0 inodes left"), "{}", reason.message);
}

#[test]
fn the_worst_reason_decides() {
    let mut seen = seen();
    seen.scheduler = SchedulerState::Stopped;
    seen.tables = Err(gone());
    assert_eq!(judge(&seen).health, HealthLevel::Unhealthy);
}

#[test]
fn before_the_first_refresh_its_expected_size_counts() {
    let mut seen = seen();
    seen.around.disks = disks(1 << 30);
    seen.estimate = 1 << 30;
    let reasons = judge(&seen).reasons;
    assert_eq!(reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["disk_low"]);
    assert!(!reasons[0].message.contains("/var/lib"), "{}", reasons[0].message);
}

#[test]
fn what_is_just_within_its_bounds_is_fine() {
    let mut seen = seen();
    seen.now = at(-50).to_utc() - TimeDelta::minutes(5);
    // Comfortable means twice the need: all payloads twice, plus the reserve that must always be left.
    seen.around.disks = disks(2 * ((32 << 20) + 2 * (2 << 20)));
    assert_eq!(judge(&seen).reasons, Vec::new());
    seen.around.disks[0].free -= 1;
    assert_eq!(judge(&seen).reasons[0].code, "disk_low");
}

#[test]
fn a_table_that_is_held_is_told_once() {
    let mut seen = seen();
    // The expected entries come from a source that the guard distrusts.
    let audit = Audit { expected: 50, missing: 20, stale: 10, incomplete: 5, invalid: 5, ..Audit::default() };
    one_table(&mut seen, TableState::Guarded, audit);
    seen.results = vec![job(Outcome::Guarded)];
    let reasons = judge(&seen).reasons;
    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["tables_guarded"]);
}

#[test]
fn a_table_that_failed_is_told_though_another_was_refreshed_since() {
    let mut seen = seen();
    let failed = Job { error: Some("disk\nfull".to_owned()), ..job(Outcome::Failed) };
    let other = Job { table: Table::OrganizationDetailCache, ..failed.clone() };
    seen.results = vec![failed, job(Outcome::Rebuilt), other];
    seen.last = Some(run(&[Outcome::Rebuilt]));
    let reasons = judge(&seen).reasons;
    let told = "the last refresh of some tables on /srv/vms.db did not end well: \
                dia_events_report_cache, organization_detail_cache failed: disk\\nfull";
    assert_eq!((reasons.len(), reasons[0].message.as_str()), (1, told));
}

#[test]
fn causes_are_told_up_to_a_number_and_tables_of_the_others_counted() {
    let mut seen = seen();
    let failed = |&table: &Table| Job { table, error: Some(format!("no {table}")), ..job(Outcome::Failed) };
    seen.results = Table::ALL.iter().map(failed).collect();
    let message = judge(&seen).reasons[0].message.clone();
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
        assert_eq!(judge(&seen).reasons, Vec::new(), "{what}");
    }
}

#[test]
fn entries_are_counted_over_all_tables() {
    let mut seen = seen();
    for survey in seen.tables.iter_mut().flatten() {
        survey.audit.stale = 2;
    }
    let message = "4 entries are over their age limit: dia_events_report_cache, organization_detail_cache";
    assert_eq!(judge(&seen).reasons[0].message, message);
}

#[test]
fn young_entries_of_other_settings_are_not_called_old() {
    let message = |audit: Audit| {
        let mut seen = seen();
        one_table(&mut seen, TableState::Stale, audit);
        judge(&seen).reasons[0].message.clone()
    };
    let outdated = message(Audit { stale: 3, outdated: 3, ..Audit::default() });
    assert!(outdated.starts_with("3 entries were made under other settings or invalidated: "), "{outdated}");
    let both = message(Audit { stale: 3, outdated: 2, ..Audit::default() });
    assert!(both.starts_with("1 entry is over its age limit: "), "{both}");
    assert!(both.contains("; 2 entries were made under other settings"), "{both}");
}
