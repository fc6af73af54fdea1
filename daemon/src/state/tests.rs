use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use cached_proto::words::{SchedulerState, Table};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;

use super::*;
use crate::directory::directory;
use crate::sqlite::beside;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn place() -> (TempDir, PathBuf) {
    let dir = directory();
    let path = dir.path().join("state.db");
    (dir, path)
}

async fn open(path: &Path) -> State {
    State::open(path, NOW).await.unwrap()
}

async fn refusal(path: &Path) -> StateError {
    State::open(path, NOW).await.map(|_| ()).expect_err("the file was accepted")
}

/// Executes SQL on a file: to create another application's database, or to change the state from outside.
async fn run_sql(path: &Path, sql: &str) {
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_missing_file_and_its_directory_are_created_readable_only_by_their_owner() {
    let (dir, _) = place();
    let path = dir.path().join("var/lib/cached/state.db");
    let state = open(&path).await;
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(state.created().await.unwrap(), NOW);
}

#[tokio::test]
async fn an_empty_file_is_a_new_state() {
    let (_dir, path) = place();
    fs::write(&path, "").unwrap();
    open(&path).await;
}

#[tokio::test]
async fn settings_counters_and_stamps_survive_a_restart() {
    let (_dir, path) = place();
    let state = open(&path).await;
    let stamp = EntryStamp {
        row_id: 7,
        last_updated: "2026-01-02 03:04:05.000006".into(),
        fingerprint: Some("f".into()),
        payload: Some("p".into()),
        inputs: Some("i".into()),
    };
    state.bump("runs", 2).await.unwrap();
    state.bump("runs", 3).await.unwrap();
    assert!(state.set_scheduler_state(SchedulerState::Stopped).await.unwrap());
    let written = vec![("a".to_owned(), stamp.clone())];
    state.stamps().record(Table::DiaEventsReportCache, written, &[]).await.unwrap();
    drop(state);

    let state = State::open(&path, NOW + TimeDelta::days(1)).await.unwrap();
    assert_eq!(state.counters().await.unwrap()["runs"], 5);
    assert_eq!(state.scheduler_state().await.unwrap(), SchedulerState::Stopped);
    assert_eq!(state.stamps().load(Table::DiaEventsReportCache).await.unwrap()["a"], stamp);
    assert_eq!(state.created().await.unwrap(), NOW, "creation is the first opening");
}

/// After a kill, nearly everything is still in the log, including the application id.
#[tokio::test]
async fn a_state_whose_data_is_still_in_its_log_is_accepted_with_all_data() {
    let (dir, path) = place();
    let state = open(&path).await;
    state.bump("runs", 5).await.unwrap();
    let killed = dir.path().join("killed.db");
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&killed, suffix)).unwrap();
    }
    assert_eq!(fs::read(&killed).unwrap()[68..72], [0; 4], "the application id is in the log only");
    assert_eq!(open(&killed).await.counters().await.unwrap()["runs"], 5);
}

#[tokio::test]
async fn a_new_state_has_a_running_scheduler_and_reports_whether_a_switch_changed_it() {
    let (_dir, path) = place();
    let state = open(&path).await;
    assert_eq!(state.scheduler_state().await.unwrap(), SchedulerState::Running);
    assert!(!state.set_scheduler_state(SchedulerState::Running).await.unwrap());
    assert!(state.set_scheduler_state(SchedulerState::Stopped).await.unwrap());
    assert!(!state.set_scheduler_state(SchedulerState::Stopped).await.unwrap());
}

#[tokio::test]
async fn stamps_are_stored_and_deleted_for_each_table_separately() {
    let (_dir, path) = place();
    let state = open(&path).await;
    let stamps = state.stamps();
    let (table, other) = (Table::OrganizationDetailCache, Table::OrganizationSummaryCache);
    let stamp = |row_id| EntryStamp {
        row_id,
        last_updated: "t".into(),
        fingerprint: Some("f".into()),
        payload: None,
        inputs: None,
    };
    // More than one batch, so that a missing batch would be detected.
    let many: Vec<_> = (0..2500).map(|n| (format!("k{n}"), stamp(n))).collect();
    stamps.record(table, many.clone(), &[]).await.unwrap();
    stamps.record(other, many[..1].to_vec(), &[]).await.unwrap();
    stamps
        .record(table, vec![("k1".into(), stamp(-1))], &["k0".to_owned(), "absent".to_owned()])
        .await
        .unwrap();

    let now = stamps.load(table).await.unwrap();
    assert_eq!(now.len(), 2499);
    assert_eq!(now["k1"], stamp(-1));
    assert_eq!(now["k2499"], stamp(2499));
    assert_eq!(stamps.load(other).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_not_a_sound_state_is_refused_and_not_changed() {
    type Expected = fn(&StateError) -> bool;

    let (dir, good) = place();
    open(&good).await.close().await.unwrap();
    let sound = fs::read(&good).unwrap();
    let mut scrambled = sound.clone();
    for page in scrambled.chunks_mut(4096).skip(1) {
        page[..512].fill(0xa5);
    }
    let mut other_id = sound.clone();
    other_id[68..72].copy_from_slice(&0x0102_0304_u32.to_be_bytes());

    let text = b"not a database, but longer than the hundred bytes that the header of a database has, just to be sure".to_vec();
    let cases: [(&str, Vec<u8>, Expected); 5] = [
        ("text", text, |e| matches!(e, StateError::NotSqlite { .. })),
        ("cut.in.header", sound[..80].to_vec(), |e| matches!(e, StateError::Corrupt { .. })),
        ("cut.in.half", sound[..sound.len() / 2].to_vec(), |e| matches!(e, StateError::Corrupt { .. })),
        ("scrambled", scrambled, |e| matches!(e, StateError::Corrupt { .. })),
        ("other.id", other_id, |e| matches!(e, StateError::Foreign { found: 0x0102_0304, .. })),
    ];
    for (name, bytes, expected) in cases {
        let path = dir.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let error = refusal(&path).await;
        assert!(expected(&error), "{name}: {error:?}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name} was changed");
    }
}

#[tokio::test]
async fn a_database_without_an_application_id_is_refused() {
    let (_dir, path) = place();
    run_sql(&path, "CREATE TABLE event (id INTEGER PRIMARY KEY)").await;
    let before = fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, StateError::Foreign { found: 0, .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_state_of_a_newer_version_is_refused_with_the_unknown_migration() {
    let (_dir, path) = place();
    open(&path).await.close().await.unwrap();
    run_sql(&path, "INSERT INTO seaql_migrations VALUES ('m9999_from_the_future', 0)").await;
    let error = refusal(&path).await;
    assert!(matches!(error, StateError::Newer { .. }), "{error:?}");
    assert!(error.to_string().contains("m9999_from_the_future"), "{error}");
}

/// The first commit that had a state at all; the migration that it names has been edited since.
#[tokio::test]
async fn a_state_of_a_development_version_is_refused_with_a_remedy_and_not_changed() {
    let (_dir, path) = place();
    let mark = format!("PRAGMA application_id = {APPLICATION_ID};");
    run_sql(&path, &(mark + include_str!("tests/first_commit.sql"))).await;
    let before = fs::read(&path).unwrap();
    for error in [refusal(&path).await, State::open_read_only(&path).await.unwrap_err()] {
        assert!(matches!(error, StateError::Unreleased { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("runs.priority") && said.contains("move it and its -wal file away"), "{said}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_state_with_the_tables_of_analyze_is_accepted() {
    let (_dir, path) = place();
    open(&path).await.close().await.unwrap();
    run_sql(&path, "ANALYZE").await;
    open(&path).await;
}

#[tokio::test]
async fn an_empty_file_beside_a_log_is_refused() {
    let (dir, path) = place();
    fs::write(&path, "").unwrap();
    let wal = dir.path().join("state.db-wal");
    fs::write(&wal, "committed work").unwrap();
    assert!(matches!(refusal(&path).await, StateError::Corrupt { .. }));
    assert_eq!(fs::read(&wal).unwrap(), b"committed work");
}

#[tokio::test]
async fn a_state_that_cannot_be_opened_is_reported_with_a_remedy() {
    let (dir, path) = place();
    fs::create_dir(&path).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, StateError::NotAFile { .. }), "{error:?}");

    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refusal(&file.join("state.db")).await;
    assert!(matches!(error, StateError::Directory { .. }), "{error:?}");
    assert!(error.to_string().contains("create it"), "{error}");

    symlink(dir.path().join("nowhere"), dir.path().join("dangling")).unwrap();
    let error = refusal(&dir.path().join("dangling")).await;
    assert!(matches!(error, StateError::Inaccessible { .. }), "{error:?}");
}

#[test]
fn a_locked_state_is_refused_with_its_holder_and_a_remedy() {
    let (_dir, path) = place();
    let held = StateLock::take(&path).unwrap();
    let error = StateLock::take(&path).unwrap_err();
    let message = error.to_string();
    for part in
        ["state.db.lock", &std::process::id().to_string(), "another cached holds this state", "use cachectl"]
    {
        assert!(message.contains(part), "{message}");
    }
    drop(held);
    StateLock::take(&path).unwrap();
}

#[test]
fn a_lock_file_that_is_a_link_is_not_followed() {
    let (dir, path) = place();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, dir.path().join("state.db.lock")).unwrap();
    assert!(matches!(StateLock::take(&path).unwrap_err(), StateError::Lock { .. }));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_lock_file_with_a_second_name_is_not_truncated() {
    let (dir, path) = place();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::hard_link(&victim, dir.path().join("state.db.lock")).unwrap();
    assert!(matches!(StateLock::take(&path).unwrap_err(), StateError::Lock { .. }));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

/// Two hundred readers once held all connections while the worker needed one.
#[tokio::test]
async fn readers_that_hold_all_their_connections_block_neither_work_nor_probes() {
    let (_dir, path) = place();
    let (work_timeout, probe_timeout) = (Duration::from_secs(30), Duration::from_millis(100));
    let state = State::open_waiting(&path, NOW, work_timeout, probe_timeout).await.unwrap();
    let readers = state.on(Lane::Readers);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(readers.view().await.unwrap());
    }
    for lane in [Lane::Work, Lane::Probes] {
        state.on(lane).counters().await.unwrap();
    }
    let starved = readers.counters().await.unwrap_err();
    assert!(matches!(starved, StateError::Busy { .. }) && starved.may_pass(), "{starved:?}");
    assert_eq!(
        starved.to_string(),
        "cannot read the counters: the state database is busy, and every connection for such work is in use; try \
         again in a moment"
    );
    drop(held);
    readers.counters().await.unwrap();
}
