//! Every verb, with its request and its response.

use std::time::Duration;

use cached_proto::message::{Reply, Request};
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::verb::history::HistoryRequest;
use cached_proto::verb::jobs::{JobFilter, JobsRequest};
use cached_proto::verb::next::NextRequest;
use cached_proto::verb::refresh::{Progress, RefreshReply, RefreshRequest};
use cached_proto::verb::scheduler::SchedulerReply;
use cached_proto::verb::status::{Computed, FullStatusRequest, StatusReply, StatusRequest};
use cached_proto::words::{
    CacheType, HealthLevel, Outcome, Phase, SchedulerState, Table, TableState, Trigger,
};

use crate::boot::{Home, ask, connect, fault, finished, follow, within};
use cached::daemon::Daemon;
use cached::jobs::NewRun;
use cached::reports;

async fn status(daemon: &Daemon, sizes: bool) -> StatusReply {
    match ask(daemon, Request::Status(StatusRequest { sizes })).await {
        Reply::Status(reply) => reply,
        other => panic!("{other:?}"),
    }
}

async fn health(daemon: &Daemon) -> HealthReply {
    match ask(daemon, Request::Health).await {
        Reply::Health(reply) => reply,
        other => panic!("{other:?}"),
    }
}

async fn switch(daemon: &Daemon, request: Request) -> SchedulerReply {
    match ask(daemon, request).await {
        Reply::Scheduler(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn codes(health: &HealthReply) -> Vec<&str> {
    health.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[tokio::test]
async fn ping_returns_version_process_and_start() {
    let home = Home::new();
    let daemon = home.boot().await;
    home.clock.advance(Duration::from_hours(1));
    let Reply::Pong(pong) = ask(&daemon, Request::Ping).await else { panic!("no pong") };
    assert_eq!(pong.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(pong.pid, std::process::id());
    assert_eq!(pong.started.to_utc().to_rfc3339(), "2026-03-10T17:00:00+00:00");
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut client = connect(&daemon).await;
    for _ in 0..3 {
        client.call(&Request::Ping).await.unwrap();
        client.call(&Request::Next(NextRequest { count: 1 })).await.unwrap();
    }
}

#[tokio::test]
async fn a_refresh_is_followed_from_a_snapshot_to_its_end() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let (id, mut events) = follow(&daemon, true).await;
    let Some(Progress::Snapshot(first)) = within("the next event", events.next()).await.unwrap() else {
        panic!("no snapshot")
    };
    assert_eq!((first.id, first.trigger), (id, Trigger::Manual));
    let mut done = Vec::new();
    let last = loop {
        match within("the next event", events.next()).await.unwrap().unwrap() {
            Progress::JobDone(job) => done.push(job.table),
            Progress::RunDone(run) => break run,
            Progress::JobStarted(_) | Progress::JobWaits(_) | Progress::Snapshot(_) => {}
            other @ (Progress::Step(_) | Progress::MaintenanceDone(_) | Progress::Scheduler(_)) => {
                panic!("{other:?}")
            }
        }
    };
    assert_eq!((last.id, last.phase), (id, Phase::Done));
    assert!(last.outcome.unwrap().is_good(), "{last:?}");
    for job in last.jobs {
        assert!(done.contains(&job.table) || first.jobs.iter().any(|early| early.id == job.id));
    }
    assert!(within("the next event", events.next()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_accepted_refresh_is_in_jobs_and_history() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let request = RefreshRequest { types: vec![CacheType::Organization], ..RefreshRequest::default() };
    let Reply::Refresh(RefreshReply { run, .. }) = ask(&daemon, Request::Refresh(request)).await else {
        panic!("no reply to refresh")
    };
    let done = finished(&daemon, run).await;
    assert!(done.jobs.iter().all(|job| job.cache_type == CacheType::Organization), "{done:?}");
    let request = JobsRequest { filter: JobFilter::All, limit: 1 };
    let Reply::Jobs(jobs) = ask(&daemon, Request::Jobs(request)).await else { panic!("no jobs") };
    assert_eq!(jobs.jobs.iter().map(|job| job.run).collect::<Vec<_>>(), [run]);
    // Attempts come with one run, not with a list.
    let mut listed = done;
    listed.jobs.iter_mut().for_each(|job| job.attempts.clear());
    for (since_seconds, runs) in [(60, 2), (u64::MAX, 2)] {
        let request = Request::History(HistoryRequest { since_seconds });
        let Reply::History(history) = ask(&daemon, request).await else { panic!("no history") };
        assert_eq!(history.runs.len(), runs);
        assert_eq!(history.runs[0], listed);
    }
    home.clock.advance(Duration::from_mins(2));
    let Reply::History(history) = ask(&daemon, Request::History(HistoryRequest { since_seconds: 60 })).await
    else {
        panic!("no history")
    };
    assert!(history.runs.is_empty());
}

#[tokio::test]
async fn status_reports_fresh_tables_after_a_refresh() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let status = status(&daemon, false).await;
    assert_eq!(status.scheduler, SchedulerState::Running);
    assert_eq!(status.timezone, "America/Chicago");
    assert_eq!(status.next_run.unwrap().to_utc().to_rfc3339(), "2026-03-11T07:00:00+00:00");
    assert_eq!(status.last_run.unwrap().trigger, Trigger::Startup);
    assert_eq!((status.current_run, status.queued_runs, status.database_error), (None, 0, None));
    assert!(!status.tables.is_empty());
    for table in status.tables {
        // A note explains why the table's entries are not evaluated.
        let judged = table.note.is_none();
        assert!(!judged || table.state == TableState::Fresh && table.fresh == table.expected, "{table:?}");
        assert_eq!((table.bytes, table.last_error), (None, None));
    }
}

#[tokio::test]
async fn status_measures_bytes_when_asked() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let tables = status(&daemon, true).await.tables;
    let summary = tables.iter().find(|table| table.table == Table::OrganizationSummaryCache).unwrap();
    assert!(summary.bytes.unwrap() > 0);
    assert!(summary.oldest.is_some() && summary.oldest <= summary.newest);
}

#[tokio::test]
async fn a_missing_vms_database_is_reported_and_used_again_when_it_returns() {
    let home = Home::new();
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    let daemon = home.boot().await;
    let failed = finished(&daemon, 1).await;
    assert_eq!(failed.outcome, Some(Outcome::Failed));
    let blind = status(&daemon, false).await;
    assert!(blind.database_error.unwrap().contains("does not exist"));
    assert!(blind.tables.is_empty());
    let ill = health(&daemon).await;
    assert_eq!(ill.health, HealthLevel::Unhealthy);
    assert_eq!(codes(&ill), ["database_unreachable", "last_run_failed"]);

    std::fs::rename(home.path("elsewhere"), home.path("vms.db")).unwrap();
    let reply = status(&daemon, false).await;
    assert!(
        reply
            .tables
            .iter()
            .any(|table| { table.last_error.as_ref().is_some_and(|error| error.contains("does not exist")) })
    );
    let (run, _) = follow(&daemon, false).await;
    finished(&daemon, run).await;
    assert_eq!(
        health(&daemon).await,
        HealthReply { health: HealthLevel::Healthy, reasons: Vec::new(), vms_page: None }
    );
}

/// What the last run computed, with the status beside it.
async fn computed(daemon: &Daemon) -> (StatusReply, Vec<Computed>) {
    match ask(daemon, Request::FullStatus(FullStatusRequest { sizes: false })).await {
        Reply::FullStatus(full) => (full.status, full.computed),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn status_says_how_much_of_each_table_the_last_run_computed() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let (first, all) = computed(&daemon).await;
    assert_eq!(first, status(&daemon, false).await);
    assert!(all.len() > 8 && all.iter().all(|table| table.is_whole() || table.of == 0), "{all:?}");

    home.clock.advance(Duration::from_mins(1));
    let night = NewRun::new(Trigger::Schedule, reports::tables(&[], &[]));
    finished(&daemon, daemon.queue().enqueue(night).await.unwrap().run).await;
    let (_, nothing) = computed(&daemon).await;
    assert!(nothing.iter().all(|table| table.entries == 0), "unchanged: {nothing:?}");
    let entries = |tables: &[Computed]| tables.iter().map(|table| table.of).sum::<u64>();
    assert_eq!(entries(&nothing), entries(&all));

    finished(&daemon, follow(&daemon, true).await.0).await;
    assert_eq!(computed(&daemon).await.1, all, "forced");
}

#[tokio::test]
async fn health_reports_stale_entries_and_a_stopped_scheduler() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    assert_eq!(health(&daemon).await.health, HealthLevel::Healthy);
    switch(&daemon, Request::StopScheduler).await;
    home.clock.advance(Duration::from_hours(40));
    let tired = health(&daemon).await;
    assert_eq!(tired.health, HealthLevel::Degraded);
    assert!(codes(&tired).contains(&"entries_stale") && codes(&tired).contains(&"scheduler_stopped"));
    for Reason { message, hint, .. } in tired.reasons {
        assert!(!message.is_empty() && hint.contains('`'), "{message}: {hint}");
    }
}

#[tokio::test]
async fn a_started_scheduler_refreshes_entries_that_became_stale_while_stopped() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let stopped = |changed| SchedulerReply { scheduler: SchedulerState::Stopped, changed };
    assert_eq!(switch(&daemon, Request::StopScheduler).await, stopped(true));
    assert_eq!(switch(&daemon, Request::StopScheduler).await, stopped(false));
    assert_eq!(status(&daemon, false).await.next_run, None);
    daemon.stop().await.unwrap();

    home.clock.advance(Duration::from_hours(40));
    let daemon = home.boot().await;
    assert_eq!(status(&daemon, false).await.scheduler, SchedulerState::Stopped);
    let running = |changed| SchedulerReply { scheduler: SchedulerState::Running, changed };
    assert_eq!(switch(&daemon, Request::StartScheduler).await, running(true));
    assert_eq!(switch(&daemon, Request::StartScheduler).await, running(false));
    let filled = finished(&daemon, 2).await;
    assert_eq!(filled.trigger, Trigger::Startup);
    assert_eq!(health(&daemon).await.health, HealthLevel::Healthy);
}

#[tokio::test]
async fn next_returns_slots_and_instants() {
    let home = Home::new();
    let daemon = home.boot().await;
    let Reply::Next(next) = ask(&daemon, Request::Next(NextRequest { count: 2 })).await else {
        panic!("no next")
    };
    assert_eq!((next.schedule.as_str(), next.timezone.as_str()), ("daily at 02:00", "America/Chicago"));
    let slots: Vec<&str> = next.fires.iter().map(|fire| fire.slot.as_str()).collect();
    assert_eq!(slots, ["2026-03-11 02:00", "2026-03-12 02:00"]);
    let most = Request::Next(NextRequest { count: u32::MAX });
    let Reply::Next(most) = ask(&daemon, most).await else { panic!("no next") };
    assert_eq!(most.fires.len(), 1000);
}

#[tokio::test]
async fn a_request_without_tables_is_a_fault_and_the_connection_stays_usable() {
    let home = Home::new();
    let daemon = home.boot().await;
    let mut client = connect(&daemon).await;
    let unmade: Vec<Table> = Table::ALL
        .iter()
        .copied()
        .filter(|table| cached::reports::tables(&[], &[*table]).is_empty())
        .collect();
    if !unmade.is_empty() {
        let request = RefreshRequest { tables: unmade, ..RefreshRequest::default() };
        assert!(!fault(client.call(&Request::Refresh(request)).await).hint.is_empty());
    }
    client.call(&Request::Ping).await.unwrap();
}
