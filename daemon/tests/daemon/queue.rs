//! Jobs that fail, are interrupted, or are cancelled, with a real VMS file that another process has locked.

use std::time::Duration;

use cached::daemon::Daemon;
use cached::jobs::NewRun;
use cached_proto::client::Events;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::cancel::{CancelReply, CancelRequest, Target};
use cached_proto::verb::history::Run;
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::Job;
use cached_proto::verb::refresh::{Progress, RefreshRequest};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};

use crate::boot::{Home, ask, connect, fault, finished, within};

/// A table that is written in several groups, and one that is queued behind it.
const TABLES: [Table; 2] = [Table::DistrictYearEndReports, Table::OrganizationSummaryCache];

/// A write lock on VMS's database, held until this is dropped.
pub(crate) struct Locked(DatabaseConnection);

impl Locked {
    pub(crate) async fn hold(home: &Home) -> Self {
        let url = format!("sqlite://{}?mode=rw", home.path("vms.db").display());
        let other = Database::connect(ConnectOptions::new(url).max_connections(1).to_owned()).await.unwrap();
        other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
        Self(other)
    }

    pub(crate) async fn release(self) {
        self.0.execute_unprepared("COMMIT").await.unwrap();
        self.0.close().await.unwrap();
    }
}

async fn refresh(daemon: &Daemon) -> (i64, Events) {
    let request =
        RefreshRequest { tables: TABLES.to_vec(), force: true, wait: true, ..RefreshRequest::default() };
    let (reply, events) = connect(daemon).await.follow(&Request::Refresh(request)).await.unwrap();
    let Reply::Refresh(reply) = reply else { panic!("{reply:?}") };
    (reply.run, events)
}

/// Waits for the next event for which `wanted` returns a value.
async fn until<T>(events: &mut Events, mut wanted: impl FnMut(Progress) -> Option<T>) -> T {
    loop {
        let event = within("the next event", events.next()).await.unwrap();
        if let Some(found) = wanted(event.unwrap()) {
            return found;
        }
    }
}

fn started(event: Progress) -> Option<Job> {
    match event {
        Progress::Snapshot(run) => run.jobs.into_iter().find(|job| job.phase == Phase::Running),
        Progress::JobStarted(job) => Some(job),
        _ => None,
    }
}

fn good(run: &Run, index: usize) -> bool {
    run.jobs[index].outcome.is_some_and(Outcome::is_good)
}

#[tokio::test]
async fn a_locked_table_waits_for_its_next_attempt_while_the_others_continue() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let locked = Locked::hold(&home).await;
    let (run, mut events) = refresh(&daemon).await;
    let waits = until(&mut events, |event| match event {
        Progress::JobWaits(job) => Some(job),
        _ => None,
    });
    let waits = waits.await;
    assert_eq!((waits.table, waits.phase, waits.outcome), (TABLES[0], Phase::Queued, None));
    assert!(waits.error.unwrap().contains("locked"));
    locked.release().await;
    let other = until(&mut events, |event| match event {
        Progress::JobDone(job) => Some(job),
        _ => None,
    });
    let other = other.await;
    assert_eq!((other.table, other.outcome.unwrap().is_good()), (TABLES[1], true));

    // A stop does not wait for the job's retry pause, and the pause continues after it.
    daemon.stop().await.unwrap();
    let daemon = home.boot().await;
    let Reply::Job(JobReply { job, not_before }) =
        ask(&daemon, Request::Job(JobRequest { job: waits.id })).await
    else {
        panic!("no job")
    };
    assert_eq!((job.phase, job.attempts.len()), (Phase::Queued, 1));
    let pause = not_before.unwrap().to_utc() - "2026-03-10T17:00:00Z".parse::<DateTime<Utc>>().unwrap();
    assert!(pause.num_milliseconds() >= 0 && pause.num_milliseconds() <= 2000, "{pause}");
    home.clock.advance(Duration::from_secs(2));

    let ended = finished(&daemon, run).await;
    assert!(good(&ended, 0) && good(&ended, 1), "{ended:?}");
    let attempts = &ended.jobs[0].attempts;
    assert_eq!(attempts[0].outcome, Some(Outcome::Failed));
    assert!(attempts[1].snapshot > attempts[0].snapshot, "a new snapshot: {attempts:?}");
    assert_eq!(ended.jobs[1].attempts.len(), 1);
}

#[tokio::test]
async fn a_cancelled_table_stops_at_its_next_group_and_can_be_retried() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let locked = Locked::hold(&home).await;
    let (run, mut events) = refresh(&daemon).await;
    let job = until(&mut events, started).await;
    let cancel = Request::Cancel(CancelRequest { target: Target::Job(job.id) });
    let Reply::Cancel(reply) = ask(&daemon, cancel.clone()).await else { panic!("no reply to cancel") };
    assert_eq!(reply, CancelReply { cancelled: vec![], stopping: vec![job.id] });
    locked.release().await;
    let ended = finished(&daemon, run).await;
    assert_eq!((ended.jobs[0].phase, ended.jobs[0].outcome), (Phase::Cancelled, None));
    assert!(good(&ended, 1), "nothing else is cancelled: {ended:?}");
    assert!(fault(connect(&daemon).await.call(&cancel).await).message.contains("ended already"));

    let retry = Request::Retry(RetryRequest::Target(Target::Run(run)));
    let Reply::Retry(RetryReply { runs, tables }) = ask(&daemon, retry).await else {
        panic!("no reply to retry")
    };
    assert_eq!(tables, [TABLES[0]]);
    assert!(good(&finished(&daemon, runs[0]).await, 0));
}

#[tokio::test]
async fn a_table_that_kills_the_daemon_twice_is_set_aside_and_the_others_are_refreshed() {
    let home = Home::lived_in().await;
    let mut daemon = home.boot().await;
    let locked = Locked::hold(&home).await;
    let (run, mut events) = refresh(&daemon).await;
    until(&mut events, started).await;
    // Dropping the daemon interrupts it like a kill.
    drop(daemon);
    daemon = home.boot().await;
    let (snapshot, mut following) = daemon.queue().subscribe(run).await.unwrap();
    if started(Progress::Snapshot(snapshot)).is_none() {
        while started(within("the next event", following.next()).await.unwrap().unwrap()).is_none() {}
    }
    drop(daemon);
    locked.release().await;
    daemon = home.boot().await;
    let ended = finished(&daemon, run).await;
    let poison = &ended.jobs[0];
    assert_eq!((poison.outcome, poison.attempts.len()), (Some(Outcome::Failed), 2), "{poison:?}");
    assert!(poison.attempts.iter().all(|attempt| attempt.error.as_ref().unwrap().contains("interrupted")));
    assert!(good(&ended, 1), "{ended:?}");
    let Reply::Retry(reply) = ask(&daemon, Request::Retry(RetryRequest::Failed)).await else {
        panic!("no reply")
    };
    assert_eq!(reply.tables, [TABLES[0]]);
    assert!(good(&finished(&daemon, reply.runs[0]).await, 0));
}

#[tokio::test]
async fn a_report_that_panics_fails_only_its_table() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    // No calendar continues after this instant, and not every report handles it.
    let end_of_time = Some(DateTime::<Utc>::MAX_UTC);
    let tables = cached::reports::tables(&[], &[]);
    let new = NewRun { as_of: end_of_time, force: true, ..NewRun::new(Trigger::Manual, tables) };
    let run = daemon.queue().enqueue(new).await.unwrap().run;
    let ended = finished(&daemon, run).await;
    let (panicked, others): (Vec<Job>, Vec<Job>) = ended
        .jobs
        .into_iter()
        .partition(|job| job.error.as_ref().is_some_and(|error| error.contains("panicked")));
    assert!(!panicked.is_empty(), "no report panics any more; find another way to make one");
    assert!(panicked.iter().all(|job| job.outcome == Some(Outcome::Failed) && job.attempts.len() == 1));
    assert!(others.len() > panicked.len() && others.iter().all(|job| job.outcome.unwrap().is_good()));

    let (run, _) = refresh(&daemon).await;
    assert!(finished(&daemon, run).await.outcome.unwrap().is_good(), "the worker lives");
}
