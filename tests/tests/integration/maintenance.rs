//! Maintenance of VMS's database while VMS writes to it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cached::clock::SystemClock;
use cached::jobs::Queue;
use cached::maintenance::{LockLimits, Maintenance, MaintenanceError};
use cached::refresh::RefreshConfig;
use cached::state::State;
use cached::vms::tables::Table;
use cached_proto::verb::maintenance::MaintenanceRequest;
use cached_tests::binary::{Ran, cachectl};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;
use cached_tests::wait;
use cached_tests::writer::Writer;

const MODES: [&str; 2] = ["WAL", "DELETE"];

/// Only what a test requests: the daemon's own checks are disabled.
const QUIET: &str = "[watch]\nenabled = false\n[compat]\nmode = \"exact\"\n";

/// Starts a daemon on a database in a journal mode, and waits until its first run has ended.
fn started(journal: &str, configuration: &str) -> (Golden, Daemon) {
    let golden = Golden::unpack("tiny1");
    Other::open(&golden.database()).execute(&format!("PRAGMA journal_mode = {journal}"));
    let daemon = Daemon::start(&golden, &format!("{QUIET}{configuration}"));
    daemon.idle();
    (golden, daemon)
}

fn journal_mode(golden: &Golden) -> String {
    Other::open(&golden.database()).texts("PRAGMA journal_mode").remove(0).to_uppercase()
}

fn good(daemon: &Daemon, arguments: &[&str]) -> serde_json::Value {
    daemon.json(&[&["maintenance"], arguments].concat())
}

fn refused(daemon: &Daemon, arguments: &[&str]) -> Ran {
    let ran = daemon.ctl(&[&["maintenance"], arguments].concat());
    assert_ne!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    assert!(ran.stderr.lines().any(|line| line.starts_with("error: ")), "{ran:?}");
    ran
}

/// Returns every row of every table, as text.
fn content(path: &Path) -> Vec<(String, Vec<String>)> {
    let database = Other::open(path);
    let tables = database.texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    tables
        .into_iter()
        .map(|table| {
            let columns = database.texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
            let row: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            let sql = format!("SELECT {} FROM \"{table}\" ORDER BY rowid", row.join(" || '|' || "));
            let rows = database.texts(&sql);
            (table, rows)
        })
        .collect()
}

/// Adds stale rows as VMS leaves them: one of an invalid year, one of an old window, and one that VMS still
/// shows.
fn leave_behind(golden: &Golden) {
    Other::open(&golden.database()).execute(
        "INSERT INTO organization_summary_cache (school_year, organizations_data, last_updated) \
         VALUES ('soon', '[1]', '2020-01-01 00:00:00.000000'); \
         INSERT INTO recent_volunteers_report_cache (date_from, date_to, event_types, report_data, last_updated) \
         SELECT '2019-01-0' || value, '2019-02-01', 'ALL', '{}', '2020-01-01 00:00:00.000000' \
         FROM json_each('[1, 2, 3]'); \
         INSERT INTO district_year_end_reports (district_id, school_year, host_filter, report_data, last_updated) \
         SELECT id, '1920', 'prepkc', '{}', '2020-01-01 00:00:00.000000' FROM district LIMIT 1",
    );
}

#[test]
fn vms_keeps_writing_during_maintenance() {
    for journal in MODES {
        let (golden, daemon) = started(journal, "");
        leave_behind(&golden);
        let writer = Writer::start(&golden.database());
        let copy = golden.directory().join("copy.db");
        let copy = copy.to_str().unwrap();
        let tasks: [&[&str]; 6] = [
            &["analyze"],
            &["reindex"],
            &["integrity"],
            &["backup", copy],
            &["prune", "--dry-run"],
            &["prune"],
        ];
        for task in tasks {
            writer.wait_for_more();
            let report = good(&daemon, task);
            assert_eq!((&report["good"], &report["chore"]), (&true.into(), &task[0].into()), "{report}");
        }
        writer.wait_for_more();
        let written = writer.stop();
        assert_eq!(written.errors, Vec::<String>::new(), "{journal}");
        let vms = Other::open(&golden.database());
        assert!(vms.number("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'organization_detail_cache'") > 0);
        assert_eq!(
            vms.number("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'event'"),
            0,
            "not ours to plan"
        );
        drop(vms);
        assert_eq!(journal_mode(&golden), journal);
    }
}

#[test]
fn a_vacuum_beside_another_process_is_refused_without_waiting() {
    for journal in MODES {
        let (golden, daemon) = started(journal, "");
        Other::open(&golden.database()).execute(
            "CREATE TABLE ballast AS SELECT randomblob(1000000) AS data FROM json_each('[1, 2, 3, 4]'); \
             DROP TABLE ballast",
        );
        let writer = Writer::start(&golden.database());
        let ran = refused(&daemon, &["vacuum"]);
        let us = format!("process {}", std::process::id());
        assert!(ran.stderr.contains(&us) && ran.code == Some(1), "{journal}: {ran:?}");
        assert_eq!(writer.stop().errors, Vec::<String>::new());

        let report = good(&daemon, &["vacuum"]);
        // Until the log is checkpointed, the file itself does not contain the ballast.
        let before = report["before"]["file"].as_u64().unwrap();
        let after = golden.database().metadata().unwrap().len();
        assert!(after + 4_000_000 <= before, "{journal}: {before} -> {after}, {report}");
        let kept = PathBuf::from(report["file"].as_str().unwrap());
        assert_eq!(kept.parent(), golden.state().parent());
        assert_eq!(content(&kept), content(&golden.database()));
        assert_eq!(journal_mode(&golden), journal);
        // The next one replaces the copy with a newer one.
        assert_eq!(good(&daemon, &["vacuum"])["file"], report["file"]);
    }
}

#[test]
fn a_backup_equals_the_database_and_overwrites_nothing() {
    for journal in MODES {
        let (golden, daemon) = started(journal, "");
        let copy = golden.directory().join("it's a copy.db");
        let path = copy.to_str().unwrap();
        let report = good(&daemon, &["backup", path]);
        assert_eq!(report["file"], path);
        let mode = std::os::unix::fs::PermissionsExt::mode(&copy.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(content(&copy), content(&golden.database()), "{journal}");

        let ran = refused(&daemon, &["backup", path]);
        assert!(ran.code == Some(2) && ran.stderr.contains("exists already"), "{ran:?}");
        let ran = refused(&daemon, &["backup", "/nonexistent/copy.db"]);
        assert!(ran.code == Some(2) && ran.stderr.contains("No such file or directory"), "{ran:?}");
        let beside = format!("{}-journal", golden.database().display());
        assert!(refused(&daemon, &["backup", &beside]).stderr.contains("SQLite uses such names"));
    }
}

#[test]
fn a_relative_backup_path_is_resolved_by_the_client() {
    let (golden, daemon) = started("WAL", "");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = cachectl();
    command.current_dir(elsewhere.path()).args(["maintenance", "backup", "copy.db", "--socket"]);
    let ran = cached_tests::binary::run(command.arg(daemon.socket()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(content(&elsewhere.path().join("copy.db")), content(&golden.database()));
}

/// Starts a daemon on a database that takes a while to copy: with so many further rows of so many bytes.
fn started_with_ballast(rows: u32, bytes: u32) -> (Golden, Daemon) {
    let (golden, daemon) = started("WAL", "");
    Other::open(&golden.database()).execute(&format!(
        "CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         SELECT randomblob({bytes}) AS data FROM n"
    ));
    (golden, daemon)
}

fn backup_to(copy: &Path, daemon: &Daemon) -> Command {
    let mut command = cachectl();
    command.args(["maintenance", "backup"]).arg(copy).arg("--socket").arg(daemon.socket());
    command
}

#[test]
fn a_daemon_that_is_killed_leaves_no_copy_behind() {
    let (golden, daemon) = started_with_ballast(60, 1_000_000);
    let copy = golden.directory().join("copy.db");
    let mut backup = backup_to(&copy, &daemon).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let being_made = golden.directory().join("state.db.vms-copy");
    wait::until("some of the copy is made", || {
        being_made.metadata().is_ok_and(|copy| copy.len() > 0).then_some(())
    });
    daemon.signal(rustix::process::Signal::KILL);
    let ended = cached_tests::binary::end("the backup", &mut backup);
    assert!(!ended.success(), "{ended}");
    let left = || {
        let names = golden.directory().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().contains("copy")).collect::<Vec<_>>()
    };
    let is_made = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("state.db.vms-copy");
    assert!(left().iter().all(is_made), "the client leaves nothing: {:?}", left());
    drop(daemon);
    let _daemon = Daemon::start(&golden, QUIET);
    wait::until("the next daemon removes it", || left().is_empty().then_some(()));
}

#[test]
fn a_stop_aborts_a_task_and_leaves_no_file() {
    let (golden, daemon) = started_with_ballast(100_000, 1000);
    let copy = golden.directory().join("copy.db");
    let backup = backup_to(&copy, &daemon).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let count = || {
        let names = golden.directory().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".vms-copy")).count()
    };
    wait::until("the copy is begun", || (count() > 0).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let reported = cached_tests::binary::ran("the backup", backup);
    // Either the copy or the stop was quicker; a partial copy never remains.
    assert_eq!((count(), copy.exists()), (0, reported.code == Some(0)), "{reported:?}");
}

#[test]
fn a_prune_removes_exactly_what_its_dry_run_listed() {
    for journal in MODES {
        let (golden, daemon) = started(journal, "");
        let clean = Other::open(&golden.database());
        let rows = |vms: &Other| {
            Table::ALL
                .iter()
                .filter(|table| {
                    **table != Table::DistrictEngagementReports
                        || vms.number(
                            "SELECT count(*) FROM sqlite_schema WHERE name = 'district_engagement_reports'",
                        ) > 0
                })
                .map(|table| vms.rows(*table))
                .collect::<Vec<_>>()
        };
        let kept = rows(&clean);
        drop(clean);
        leave_behind(&golden);
        let reported = good(&daemon, &["prune", "--dry-run", "--older-than", "30d"]);
        let removed = |report: &serde_json::Value| -> Vec<(String, u64, u64)> {
            report["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| {
                    (
                        item["name"].as_str().unwrap().to_owned(),
                        item["rows"].as_u64().unwrap(),
                        item["bytes"].as_u64().unwrap(),
                    )
                })
                .collect()
        };
        let of = |table: &str| {
            removed(&reported).into_iter().find(|(name, ..)| name == table).map(|(_, rows, _)| rows)
        };
        assert_eq!(of("organization_summary_cache"), Some(1));
        assert_eq!(of("recent_volunteers_report_cache"), Some(3));
        assert_eq!(of("district_year_end_reports"), Some(0), "VMS shows rows of other hosts at any age");
        let vms = Other::open(&golden.database());
        assert_eq!(
            vms.number("SELECT count(*) FROM organization_summary_cache WHERE school_year = 'soon'"),
            1
        );
        let done = good(&daemon, &["prune", "--older-than", "30d"]);
        assert_eq!(removed(&done), removed(&reported), "{journal}");
        vms.execute("DELETE FROM district_year_end_reports WHERE host_filter = 'prepkc'");
        assert!(rows(&vms) == kept, "{journal}: something else is gone or changed");
        let ran = refused(&daemon, &["prune", "--older-than", "23h"]);
        assert!(ran.code == Some(2) && ran.stderr.contains("24h"), "{ran:?}");
    }
}

#[test]
fn a_year_that_was_deleted_comes_back_until_a_prune_while_the_scheduler_is_stopped() {
    let (golden, daemon) = started("WAL", "");
    let vms = Other::open(&golden.database());
    let table = Table::OrganizationSummaryCache;
    vms.execute(&format!(
        "INSERT INTO {table} (school_year, organizations_data, last_updated) \
         SELECT '2021', organizations_data, last_updated FROM {table} LIMIT 1"
    ));
    let refresh = || drop(daemon.json(&["refresh", "--table", table.as_str(), "--force"]));
    let delete = || vms.execute(&format!("DELETE FROM {table} WHERE school_year = '2021'"));
    let rows = || vms.number(&format!("SELECT count(*) FROM {table} WHERE school_year = '2021'"));
    refresh();
    // While the scheduler runs, deleted rows are about to be restored.
    delete();
    assert_eq!(good(&daemon, &["prune"])["notes"], serde_json::json!([]));
    refresh();
    assert_eq!(rows(), 1);
    daemon.json(&["stop-scheduler"]);
    delete();
    for arguments in [&["prune", "--dry-run"][..], &["prune"]] {
        let notes = good(&daemon, arguments)["notes"].clone();
        let note = notes[0].as_str().unwrap();
        assert!(note.contains(table.as_str()) && note.contains("1 entry"), "{arguments:?}: {notes}");
    }
    assert_eq!(good(&daemon, &["prune"])["notes"], serde_json::json!([]));
    refresh();
    assert_eq!(rows(), 0);
}

#[test]
fn a_damaged_index_is_reported_by_an_integrity_check() {
    for journal in MODES {
        let (golden, daemon) = started(journal, "");
        // An index that lacks its table's rows: the file is readable, and corrupt.
        Other::open(&golden.database()).execute(
            "PRAGMA writable_schema = ON; \
             CREATE INDEX harmless ON event (title); \
             UPDATE sqlite_schema SET sql = 'CREATE INDEX harmless ON event (id)' WHERE name = 'harmless'; \
             PRAGMA writable_schema = RESET",
        );
        let ran = daemon.ctl(&["maintenance", "integrity"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("harmless") && ran.stdout.contains("DAMAGED"), "{ran:?}");
        let report = daemon.ctl(&["maintenance", "integrity", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
        assert_eq!(report["good"], false);
        let state = report["items"].as_array().unwrap().last().unwrap();
        assert!(
            state["name"].as_str().unwrap().ends_with("state.db")
                && state["messages"] == serde_json::json!([])
        );
    }
}

#[test]
fn maintenance_under_a_lock_held_beyond_the_timeout_is_a_retryable_fault() {
    let (golden, daemon) = started("DELETE", "");
    let vms = Other::open(&golden.database());
    vms.execute("BEGIN IMMEDIATE");
    let ran = refused(&daemon, &["analyze"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("stayed locked"), "{ran:?}");
    vms.execute("COMMIT");
    good(&daemon, &["analyze"]);
}

#[tokio::test]
async fn a_reindex_that_would_block_vms_is_refused_naming_the_index() {
    let golden = Golden::unpack("tiny1");
    assert_eq!(cached_tests::binary::run(golden.refresh().arg("organization")).code, Some(0));
    let config = cached::config::Config::load(&overrides(&golden), &environment()).unwrap();
    let config = tokio::sync::watch::Sender::new(Arc::new(RefreshConfig::of(&config).unwrap()));
    let clock = Arc::new(SystemClock::new());
    let now = cached::clock::Clock::now(&*clock);
    let queue = Queue::new(State::open(&golden.state(), now).await.unwrap(), clock.clone());
    let maintenance = Maintenance::new(queue, clock, config.subscribe());
    let maintenance = maintenance.with_limits(LockLimits { lock: Duration::from_micros(500) });
    let error = maintenance.perform(&MaintenanceRequest::Reindex).await.unwrap_err();
    assert!(!error.hint().contains("write-ahead log"), "it would not help: {}", error.hint());
    assert!(matches!(error, MaintenanceError::WouldLock { .. }), "{error:?}");
    assert!(error.to_string().contains("organization_detail_cache"), "{error}");
}

/// Returns maintenance whose limit is the time that so many bytes take, on a database without a write-ahead
/// log.
async fn limited(golden: &Golden, bytes: u64) -> Maintenance {
    let mut overrides = overrides(golden);
    let copies = golden.directory().join("copies");
    overrides.set("--set", "maintenance", "backup_dir", copies.to_str().unwrap());
    let config = cached::config::Config::load(&overrides, &environment()).unwrap();
    let settings = tokio::sync::watch::Sender::new(Arc::new(config.clone())).subscribe();
    let config = tokio::sync::watch::Sender::new(Arc::new(RefreshConfig::of(&config).unwrap()));
    let clock = Arc::new(SystemClock::new());
    let now = cached::clock::Clock::now(&*clock);
    let queue = Queue::new(State::open(&golden.state(), now).await.unwrap(), clock.clone());
    let maintenance = Maintenance::new(queue, clock, config.subscribe());
    std::fs::create_dir_all(copies).unwrap();
    // As many bytes per second as are estimated.
    maintenance.with_backups(settings).with_limits(LockLimits { lock: Duration::from_micros(bytes / 50) })
}

#[test]
fn without_a_write_ahead_log_only_tasks_that_block_vms_too_long_are_refused() {
    let golden = Golden::unpack("tiny1");
    Other::open(&golden.database()).execute(
        "PRAGMA journal_mode = DELETE; \
         CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
         SELECT randomblob(1000000) AS data FROM n; \
         DROP TABLE ballast",
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        // Free pages are not copied, so the 400 MB of them are no reason to refuse.
        let maintenance = limited(&golden, 200_000_000).await;
        maintenance.back_up("2026-03-08 03:30").await.unwrap();
        // With no other process connected, a copy keeps VMS waiting for nothing.
        let maintenance = limited(&golden, 1000).await;
        let error = maintenance.back_up("2026-03-09 03:30").await.unwrap_err();
        assert!(matches!(error, MaintenanceError::WouldLock { .. }), "{error:?}");
        assert!(error.hint().contains("write-ahead log"), "{}", error.hint());
        maintenance.perform(&MaintenanceRequest::Vacuum).await.unwrap();
    });
    assert!(golden.database().metadata().unwrap().len() < 100_000_000);
}

fn overrides(golden: &Golden) -> cached::config::Overrides {
    let mut overrides = cached::config::Overrides::default();
    overrides.set("--database", "database", "url", golden.database().to_str().unwrap());
    overrides.set("--state", "state", "url", golden.state().to_str().unwrap());
    overrides
}

fn environment() -> cached::config::ProcessEnvironment {
    cached::config::ProcessEnvironment {
        env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        cwd: "/".into(),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        instance: cached::config::Instance::default(),
        system_zone: cached::config::SystemZone::linked("UTC"),
        default_file: "/nowhere/cached.toml".into(),
    }
}
