//! Scheduled maintenance, and its mutual exclusion with refreshes.

use std::time::Duration;

use cached::daemon::Daemon;
use cached::jobs::SlotDecision;
use cached::vms::Vms;
use cached_proto::fault::FaultCode;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::maintenance::MaintenanceRequest;
use cached_proto::verb::refresh::{Progress, RefreshRequest};
use cached_proto::words::MaintenanceTask;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::boot::{Home, ask, connect, fault, finished, mode, reason, within};
use crate::passing::pass;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Returns whether statistics were ever collected.
async fn is_analyzed(home: &Home) -> bool {
    let vms = Vms::open(&home.path("vms.db")).await.unwrap();
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";
    let row = vms
        .begin_read()
        .await
        .unwrap()
        .query_one_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
        .unwrap();
    let found: i64 = row.unwrap().try_get_by_index(0).unwrap();
    vms.close().await;
    found == 1
}

async fn ended(daemon: &Daemon) {
    let none_due = async {
        while daemon.queue().state().due_task().await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    within("no task is due", none_due).await;
}

/// Returns a home at noon, with maintenance scheduled half an hour later.
async fn scheduled() -> Home {
    let mut home = Home::lived_in().await;
    home.set("watch", "enabled", "false");
    home.set("maintenance", "analyze", "0 30 12 * * *");
    home
}

async fn decided(daemon: &Daemon) -> Option<SlotDecision> {
    daemon.queue().slot("analyze", "2026-03-10 12:30").await.unwrap()
}

#[tokio::test]
async fn a_scheduled_task_runs_once_at_its_slot() {
    let home = scheduled().await;
    let daemon = home.boot().await;
    assert!(!is_analyzed(&home).await);
    let mut minutes = 0;
    while decided(&daemon).await.is_none() {
        pass(&home.clock, MINUTE).await;
        minutes += 1;
        assert!(minutes < 60, "the slot is not decided");
    }
    assert!(minutes >= 30, "{minutes} minutes");
    assert_eq!(decided(&daemon).await, Some(SlotDecision::Run));
    ended(&daemon).await;
    assert!(is_analyzed(&home).await);
    daemon.stop().await.unwrap();

    // After a restart, the same slot counts as done.
    let daemon = home.boot().await;
    assert!(daemon.queue().state().due_task().await.unwrap().is_none());
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_maintenance_slot_missed_while_down_is_caught_up_once() {
    let home = scheduled().await;
    home.clock.advance(40 * MINUTE);
    let daemon = home.boot().await;
    assert_eq!(decided(&daemon).await, Some(SlotDecision::CaughtUp));
    ended(&daemon).await;
    assert!(is_analyzed(&home).await);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_maintenance_slot_that_passes_while_stopped_is_never_run() {
    let home = scheduled().await;
    let daemon = home.boot().await;
    ask(&daemon, Request::StopScheduler).await;
    daemon.stop().await.unwrap();
    home.clock.advance(40 * MINUTE);
    let daemon = home.boot().await;
    assert_eq!(decided(&daemon).await, Some(SlotDecision::Paused));
    ask(&daemon, Request::StartScheduler).await;
    assert!(daemon.queue().state().due_task().await.unwrap().is_none());
    assert!(!is_analyzed(&home).await);
    daemon.stop().await.unwrap();
}

/// Returns a home at noon, with a backup scheduled half an hour later.
async fn backed_up() -> Home {
    let mut home = Home::lived_in().await;
    home.set("watch", "enabled", "false");
    home.set("maintenance", "backup", "0 30 12 * * *");
    home.set("maintenance", "backup_keep", "2");
    let directory = home.path("backups");
    home.set("maintenance", "backup_dir", directory.to_str().unwrap());
    std::fs::create_dir(directory).unwrap();
    home
}

fn names(directory: &std::path::Path) -> Vec<String> {
    let entries = directory.read_dir().unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Lets time pass until a slot of the backup has been worked off.
async fn until_backup(home: &Home, daemon: &Daemon, slot: &str) {
    let decided = async || daemon.queue().slot("backup", slot).await.unwrap().is_some();
    let passing = async {
        while !decided().await {
            pass(&home.clock, HOUR).await;
        }
        while daemon.queue().state().due_task().await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(slot, passing).await;
}

async fn quick_check(path: &std::path::Path) -> String {
    let db = sea_orm::Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    let sql = Statement::from_string(DbBackend::Sqlite, "PRAGMA quick_check");
    let answer = db.query_one_raw(sql).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    db.close().await.unwrap();
    answer
}

#[tokio::test]
async fn scheduled_backups_are_complete_have_mode_0600_and_old_ones_are_removed() {
    let home = backed_up().await;
    let daemon = home.boot().await;
    for day in 10..=12 {
        until_backup(&home, &daemon, &format!("2026-03-{day} 12:30")).await;
    }
    let directory = home.path("backups");
    assert_eq!(names(&directory), ["vms-2026-03-11T1230.db", "vms-2026-03-12T1230.db"]);
    for name in names(&directory) {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
        assert_eq!(quick_check(&directory.join(&name)).await, "ok", "{name}");
    }
    assert_eq!(reason(&daemon, "maintenance_failed").await, None);
    assert_eq!(reason(&daemon, "backup_old").await, None);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_failed_backup_and_missing_backups_are_reasons_of_health() {
    let home = backed_up().await;
    let daemon = home.boot().await;
    assert_eq!(reason(&daemon, "backup_old").await, None, "none is due yet");
    until_backup(&home, &daemon, "2026-03-10 12:30").await;
    // As when its disk is not mounted.
    std::fs::rename(home.path("backups"), home.path("away")).unwrap();
    until_backup(&home, &daemon, "2026-03-11 12:30").await;
    let failed = reason(&daemon, "maintenance_failed").await.unwrap().message;
    assert!(failed.contains("backup") && failed.contains("backup_dir"), "{failed}");
    let old = reason(&daemon, "backup_old").await.unwrap().message;
    assert!(old.contains("2026-03-10 12:30"), "{old}");
    std::fs::rename(home.path("away"), home.path("backups")).unwrap();
    assert_eq!(reason(&daemon, "backup_old").await, None);
    // No backup is made any more.
    ask(&daemon, Request::StopScheduler).await;
    for day in 12..=13 {
        until_backup(&home, &daemon, &format!("2026-03-{day} 12:30")).await;
    }
    let old = reason(&daemon, "backup_old").await.unwrap().message;
    assert!(old.contains("2026-03-12 12:30"), "{old}");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_backup_to_a_path_named_by_a_client_is_refused() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let target = home.path("copy.db");
    let request = MaintenanceRequest::Backup { file: target.to_str().unwrap().to_owned() };
    let fault = fault(connect(&daemon).await.call(&Request::Maintenance(request)).await);
    assert_eq!(fault.code, FaultCode::Unsupported, "{fault:?}");
    assert!(!target.exists());
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_task_streams_its_steps_and_then_its_end() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let request = Request::Maintenance(MaintenanceRequest::Analyze);
    let (reply, mut events) = connect(&daemon).await.follow(&request).await.unwrap();
    assert!(matches!(reply, Reply::Maintenance(reply) if reply.task == MaintenanceTask::Analyze));
    let mut steps = 0;
    let report = loop {
        match within("the next event", events.next()).await.unwrap() {
            Some(Progress::Step(_)) => steps += 1,
            Some(Progress::MaintenanceDone(report)) => break report,
            other => panic!("{other:?}"),
        }
    };
    assert!(steps > 0 && report.good && !report.items.is_empty(), "{report:?}");
    assert!(within("the next event", events.next()).await.unwrap().is_none());
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_run_that_waits_for_a_task_is_not_reported_as_stuck() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    // Another process holds the write lock, so that the task takes a while.
    let vms = Vms::open(&home.path("vms.db")).await.unwrap();
    let held = vms.begin_write().await.unwrap();
    let analyze = Request::Maintenance(MaintenanceRequest::Analyze);
    let (_, mut task) = connect(&daemon).await.follow(&analyze).await.unwrap();
    let step = |event| matches!(event, Some(Progress::Step(step)) if step.total > 0);
    while !step(within("the next event", task.next()).await.unwrap()) {}
    let refresh = Request::Refresh(RefreshRequest::default());
    let Reply::Refresh(refresh) = ask(&daemon, refresh).await else { panic!("no reply") };
    home.clock.advance(6 * MINUTE);
    let Reply::Health(health) = ask(&daemon, Request::Health).await else { panic!("no health") };
    assert_eq!(health.reasons, []);
    held.rollback().await.unwrap();
    while !matches!(within("the next event", task.next()).await.unwrap(), Some(Progress::MaintenanceDone(_)))
    {
    }
    finished(&daemon, refresh.run).await;
    vms.close().await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_task_is_refused_while_one_runs() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    // Another process holds the write lock, so that the first one waits.
    let vms = Vms::open(&home.path("vms.db")).await.unwrap();
    let held = vms.begin_write().await.unwrap();
    let analyze = Request::Maintenance(MaintenanceRequest::Analyze);
    let (_, mut first) = connect(&daemon).await.follow(&analyze).await.unwrap();
    let second = connect(&daemon).await.call(&analyze).await;
    let fault = fault(second);
    assert!(fault.retryable && fault.message.contains("in progress"), "{fault:?}");
    held.rollback().await.unwrap();
    while !matches!(within("the next event", first.next()).await.unwrap(), Some(Progress::MaintenanceDone(_)))
    {
    }
    vms.close().await;
    daemon.stop().await.unwrap();
}
