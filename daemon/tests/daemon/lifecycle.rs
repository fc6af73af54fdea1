//! Starting, stopping, and the state that persists in between.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use cached::clock::{Clock, ManualClock, Sleep};
use cached::daemon::{Daemon, ProcessHandles, StartError};
use cached::jobs::{NewRun, Queue};
use cached::refresh::{RefreshConfig, Refresher, run_until_ended};
use cached::rpc::{BindError, Inherited};
use cached::state::{State, StateError};
use cached_proto::client::{Client, ClientError};
use cached_proto::message::{Reply, Request};
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, SchedulerState, Table, Trigger};
use chrono::{DateTime, Utc};

use crate::boot::{Home, TIMEOUTS, ask, finished, follow, mode, queued, served, within};

#[tokio::test]
async fn a_new_state_queues_a_startup_run_and_an_existing_one_does_not() {
    let home = Home::new();
    let daemon = home.boot().await;
    let first = finished(&daemon, 1).await;
    assert_eq!(first.trigger, Trigger::Startup);
    daemon.stop().await.unwrap();
    let daemon = home.boot().await;
    assert_eq!(daemon.queue().last_run().await.unwrap(), Some(first));
    assert_eq!(daemon.queue().queued_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_state_with_only_one_refreshed_table_queues_a_startup_run() {
    let home = Home::new();
    let state = State::open(&home.path("state.db"), home.clock.now()).await.unwrap();
    let queue = Queue::new(state.clone(), home.clock.clone());
    let table = Table::OrganizationSummaryCache;
    let asked = queue.enqueue(NewRun::new(Trigger::Manual, vec![table])).await.unwrap().run;
    let (_keep, configs) = tokio::sync::watch::channel(Arc::new(RefreshConfig::of(&home.config()).unwrap()));
    let refresher = Refresher::new(queue.clone(), home.clock.clone(), configs);
    assert!(run_until_ended(&queue, &refresher, asked).await.unwrap().outcome.unwrap().is_good());
    state.close().await.unwrap();
    let daemon = home.boot().await;
    let filled = finished(&daemon, 2).await;
    assert_eq!(filled.trigger, Trigger::Startup);
    assert!(filled.jobs.len() > 5, "{filled:?}");
}

#[tokio::test]
async fn a_failed_startup_run_is_repeated_at_the_next_start() {
    let home = Home::new();
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    let daemon = home.boot().await;
    let first = finished(&daemon, 1).await;
    let off = first.jobs.iter().find(|job| job.table == Table::OrganizationReports).unwrap();
    assert_eq!((off.outcome, &off.error), (Some(Outcome::Off), &None), "a table that is off does not fail");
    daemon.stop().await.unwrap();
    std::fs::rename(home.path("elsewhere"), home.path("vms.db")).unwrap();
    let daemon = home.boot().await;
    let second = finished(&daemon, 2).await;
    assert_eq!((second.trigger, second.outcome.unwrap().is_good()), (Trigger::Startup, true));
}

#[tokio::test]
async fn the_nightly_refresh_runs_when_its_slot_comes() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    home.clock.sleeping(1).await;
    home.clock.advance(Duration::from_hours(14));
    queued(&daemon, 2).await;
    let nightly = finished(&daemon, 2).await;
    assert_eq!(nightly.trigger, Trigger::Schedule);
    assert_eq!(nightly.slot.as_deref(), Some("2026-03-11 02:00"));
}

#[tokio::test]
async fn socket_and_directory_have_modes_for_owner_and_group_and_are_removed_at_the_stop() {
    let home = Home::new();
    let daemon = home.boot().await;
    assert_eq!(mode(&home.socket()), 0o660);
    assert_eq!(mode(&home.path("run")), 0o750);
    daemon.stop().await.unwrap();
    assert!(!home.socket().exists());
}

#[tokio::test]
async fn a_stop_finishes_the_run_in_progress_and_its_followers_get_the_end() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let (id, mut events) = follow(&daemon, true).await;
    // Queued behind the first run, so not begun when the daemon stops.
    let (waiting, mut others) = follow(&daemon, false).await;
    loop {
        if let Some(Progress::JobStarted(_) | Progress::JobDone(_)) =
            within("the next event", events.next()).await.unwrap()
        {
            break;
        }
    }
    let path = daemon.socket().to_owned();
    daemon.stop().await.unwrap();
    let mut last = None;
    while let Some(event) = within("the next event", events.next()).await.unwrap() {
        last = Some(event);
    }
    assert!(matches!(last, Some(Progress::RunDone(run)) if run.id == id && run.phase == Phase::Done));
    let shown = loop {
        match within("the next event", others.next()).await {
            Ok(Some(Progress::RunDone(run))) => break Ok(run),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    let error = Client::connect(&path, TIMEOUTS).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");

    let daemon = home.boot().await;
    assert_eq!(finished(&daemon, waiting).await.phase, Phase::Done);
    match shown {
        Err(ClientError::Fault(fault)) => assert!(fault.retryable, "{fault:?}"),
        // The first run was so quick that the second one began before the stop.
        Ok(run) => assert_eq!(run.id, waiting),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_idle_clients() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let mut client = Client::connect(daemon.socket(), TIMEOUTS).await.unwrap();
    client.call(&Request::Ping).await.unwrap();
    daemon.stop().await.unwrap();
    assert!(client.call(&Request::Ping).await.is_err());
}

#[tokio::test]
async fn the_scheduler_flag_survives_restarts() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    ask(&daemon, Request::StopScheduler).await;
    daemon.stop().await.unwrap();
    let daemon = home.boot().await;
    assert_eq!(daemon.queue().state().scheduler_state().await.unwrap(), SchedulerState::Stopped);
}

#[tokio::test]
async fn two_daemons_share_neither_state_nor_socket() {
    let mut home = Home::new();
    let daemon = home.boot().await;
    let held = home.try_boot().await.unwrap_err();
    assert!(matches!(held, StartError::State(StateError::Held { .. })), "{held}");
    let other_state = home.path("other.db").to_string_lossy().into_owned();
    home.set("state", "url", &other_state);
    let in_use = home.try_boot().await.unwrap_err();
    assert!(matches!(in_use, StartError::Socket(BindError::InUse { .. })), "{in_use}");
    served(&daemon).await;
}

#[tokio::test]
async fn the_socket_of_a_killed_daemon_is_replaced_and_other_files_are_kept() {
    let home = Home::new();
    std::fs::create_dir(home.path("run")).unwrap();
    std::fs::write(home.path("precious"), "").unwrap();
    symlink(home.path("precious"), home.socket()).unwrap();
    let error = home.try_boot().await.unwrap_err();
    assert!(matches!(error, StartError::Socket(BindError::NotASocket { .. })), "{error}");
    assert!(home.socket().is_symlink() && home.path("precious").exists());
    std::fs::remove_file(home.socket()).unwrap();

    // Dropping a listener of the standard library leaves its file, as a kill does.
    drop(UnixListener::bind(home.socket()).unwrap());
    let daemon = home.boot().await;
    served(&daemon).await;
}

#[tokio::test]
async fn a_reload_applies_most_keys_and_lists_those_that_need_a_restart() {
    let mut home = Home::new();
    let daemon = home.boot().await;
    home.set("schedule", "refresh_time", "03:30");
    home.set("http", "listen", "127.0.0.1:9999");
    let waiting = daemon.reload(home.config()).unwrap();
    assert_eq!(waiting.iter().map(|key| key.key.as_str()).collect::<Vec<_>>(), ["http.listen"]);
    assert_eq!(daemon.config().schedule.refresh_time.to_string(), "03:30:00");

    let nowhere = home.path("nowhere.toml").to_string_lossy().into_owned();
    home.set("districts", "file", &nowhere);
    home.set("schedule", "refresh_time", "04:30");
    daemon.reload(home.config()).unwrap_err();
    assert_eq!(daemon.config().schedule.refresh_time.to_string(), "03:30:00");
}

#[tokio::test]
async fn a_passed_socket_is_served_unchanged_and_kept_when_the_daemon_ends() {
    let home = Home::new();
    let elsewhere = home.path("passed.sock");
    let listener = UnixListener::bind(&elsewhere).unwrap();
    let before = mode(&elsewhere);
    let ours = listener.try_clone().unwrap();
    let daemon = home.boot_on(Inherited::of(listener).unwrap()).await;
    assert_eq!(daemon.socket(), elsewhere);
    served(&daemon).await;
    daemon.stop().await.unwrap();
    assert_eq!(mode(&elsewhere), before);
    assert!(!home.socket().exists());

    // A client that connects while no daemon runs is served by the next one.
    let early = tokio::spawn(async move {
        let mut client = Client::connect(&elsewhere, TIMEOUTS).await.unwrap();
        client.call(&Request::Ping).await.unwrap()
    });
    let _daemon = home.boot_on(Inherited::of(ours).unwrap()).await;
    assert!(matches!(early.await.unwrap(), Reply::Pong(_)));
}

#[tokio::test]
async fn idle_loops_count_as_alive_for_any_length_of_time() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    for _ in 0..30 {
        home.clock.advance(Duration::from_mins(1));
        // On a busy machine a loop needs a moment of real time to react; a hanging loop never does.
        alive(&daemon).await;
    }
}

pub(crate) async fn alive(daemon: &Daemon) {
    let beating = async {
        while !daemon.is_alive().await {
            tokio::task::yield_now().await;
        }
    };
    within("every loop beats", beating).await;
}

#[tokio::test]
async fn a_loop_that_hangs_is_not_alive() {
    let home = Home::lived_in().await;
    let clock = Arc::new(Frozen(Arc::clone(&home.clock)));
    let daemon = Daemon::start_with(home.config(), clock, home.limits, home.web, ProcessHandles::default())
        .await
        .unwrap();
    assert!(daemon.is_alive().await);
    home.clock.advance(Duration::from_mins(10));
    assert!(!daemon.is_alive().await);
}

/// A clock that advances and never wakes a sleeper.
#[derive(Debug)]
struct Frozen(Arc<ManualClock>);

impl Clock for Frozen {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, _: Duration) -> Sleep<'_> {
        Box::pin(std::future::pending())
    }
}
