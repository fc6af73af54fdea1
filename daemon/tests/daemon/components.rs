//! Components that panic, and files of the daemon that are removed while it runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached::clock::{Clock, ManualClock, Sleep};
use cached::daemon::{Daemon, ProcessHandles};
use cached::jobs::counters::KILLS;
use cached::state::{StateError, StateLock};
use cached_proto::message::Request;
use cached_proto::words::Outcome;
use chrono::{DateTime, Utc};

use crate::boot::{Home, ask, finished, follow, reason, served, until, within, working};
use crate::queue::Locked;

/// Intervals that no other component than the named one has.
const WEB: Duration = Duration::from_secs(61);
const SOCKET: Duration = Duration::from_secs(11);
const WATCH: Duration = Duration::from_secs(7);
const SAMPLES: Duration = Duration::from_mins(10);
const HISTORY: Duration = Duration::from_hours(24);

/// A clock on which a component panics instead of sleeping for a given time.
#[derive(Debug)]
struct Trap {
    clock: Arc<ManualClock>,
    /// The fatal duration, and how often it is fatal.
    armed: Mutex<Option<(Duration, u32)>>,
}

impl Clock for Trap {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        let fatal = self.armed.lock().unwrap().as_mut().is_some_and(|(fatal, times)| {
            let hits = *fatal == duration && *times > 0;
            *times -= u32::from(hits);
            hits
        });
        assert!(!fatal, "the trap is shut");
        self.clock.sleep(duration)
    }
}

impl Trap {
    /// Makes the component with this interval panic as often as given, at its next beats.
    fn arm(&self, interval: Duration, times: u32) {
        *self.armed.lock().unwrap() = Some((interval, times));
        self.clock.advance(interval);
    }

    fn is_shut(&self) -> bool {
        self.armed.lock().unwrap().is_some_and(|(_, times)| times == 0)
    }
}

/// A daemon that has refreshed everything, with a page and a different interval for each component.
async fn trapped() -> (Home, Daemon, Arc<Trap>) {
    let mut home = Home::lived_in().await;
    home.set("http", "listen", "127.0.0.1:0");
    home.set("watch", "poll", "7s");
    (home.web.beat, home.limits.socket_check) = (WEB, SOCKET);
    let trap = Arc::new(Trap { clock: home.clock.clone(), armed: Mutex::default() });
    let daemon = home.boot_with(trap.clone(), ProcessHandles::default()).await.unwrap();
    (home, daemon, trap)
}

/// Lets time pass until the trap is shut.
async fn shut(home: &Home, trap: &Trap) {
    // No further than that: a moment later the component is started again.
    until("the component panics", || {
        let is_shut = trap.is_shut();
        if !is_shut {
            home.clock.advance(Duration::from_secs(1));
        }
        is_shut
    })
    .await;
}

#[tokio::test]
async fn a_side_component_that_panics_is_named_in_health_and_works_again() {
    for (component, interval) in [("web", WEB), ("watch", WATCH), ("samples", SAMPLES), ("history", HISTORY)]
    {
        let (home, mut daemon, trap) = trapped().await;
        trap.arm(interval, 1);
        shut(&home, &trap).await;
        let mut shown = None;
        let telling = async {
            while shown.is_none() {
                shown = reason(&daemon, "component_failed").await;
            }
        };
        within("health names it", telling).await;
        let message = shown.unwrap().message;
        let panicked = format!("{component}: it panicked (the trap is shut)");
        assert!(message.contains(&panicked), "{component}: {message}");
        // A second later it is started again, and sleeps as before.
        home.clock.advance(Duration::from_secs(1));
        trap.arm(interval, 1);
        shut(&home, &trap).await;
        crate::lifecycle::alive(&daemon).await;
        let failed = tokio::time::timeout(Duration::from_millis(10), daemon.failed()).await;
        assert!(failed.is_err(), "{component}: {failed:?}");
        served(&daemon).await;
        daemon.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_component_that_keeps_panicking_stays_in_health_until_it_has_run_for_a_while() {
    let (home, daemon, trap) = trapped().await;
    trap.arm(WATCH, 3);
    shut(&home, &trap).await;
    // It is started again, sleeps, and stays.
    home.clock.advance(Duration::from_secs(4));
    home.clock.sleeping(crate::passing::LOOPS).await;
    home.clock.advance(Duration::from_mins(1));
    assert!(reason(&daemon, "component_failed").await.is_some());
    home.clock.advance(Duration::from_mins(11));
    assert_eq!(reason(&daemon, "component_failed").await, None);
}

#[tokio::test]
async fn a_job_in_progress_continues_when_the_web_server_panics() {
    let (home, daemon, trap) = trapped().await;
    let locked = Locked::hold(&home).await;
    let (run, _events) = follow(&daemon, true).await;
    working(&daemon).await;
    trap.arm(WEB, 1);
    shut(&home, &trap).await;
    locked.release().await;
    let done = finished(&daemon, run).await;
    assert!(done.outcome.unwrap().is_good(), "{done:?}");
    assert_eq!(kills(&daemon).await, 0);
}

#[tokio::test]
async fn a_job_aborted_by_a_failure_of_the_control_socket_is_not_counted_as_a_death() {
    let (home, mut daemon, trap) = trapped().await;
    let locked = Locked::hold(&home).await;
    let (run, _events) = follow(&daemon, true).await;
    // Two deaths would set the table aside.
    for _ in 0..3 {
        working(&daemon).await;
        trap.arm(SOCKET, 1);
        let failure = within("the daemon fails", daemon.failed()).await;
        assert!(failure.to_string().contains("control socket"), "{failure}");
        // The process does not wait for ever.
        let stopped = tokio::time::timeout(Duration::from_millis(200), daemon.stop()).await;
        assert!(stopped.is_err(), "the job was to be in progress: {stopped:?}");
        daemon = again(&home, &trap).await;
    }
    locked.release().await;
    let done = finished(&daemon, run).await;
    let outcomes: Vec<Option<Outcome>> = done.jobs.iter().map(|job| job.outcome).collect();
    assert!(done.outcome.unwrap().is_good(), "{outcomes:?}");
    assert_eq!(kills(&daemon).await, 0);
}

/// Starts the next daemon, as soon as the lock of the last one is free.
async fn again(home: &Home, trap: &Arc<Trap>) -> Daemon {
    let starting = async {
        loop {
            match home.boot_with(trap.clone(), ProcessHandles::default()).await {
                Ok(daemon) => return daemon,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    within("the next daemon starts", starting).await
}

/// How many jobs were interrupted by a death of the daemon.
async fn kills(daemon: &Daemon) -> u64 {
    daemon.queue().state().counters().await.unwrap().get(KILLS).copied().unwrap_or_default()
}

#[tokio::test]
async fn a_removed_socket_is_created_again_and_reported_by_health_and_ready_meanwhile() {
    let mut home = Home::lived_in().await;
    home.set("http", "listen", "127.0.0.1:0");
    let daemon = home.boot().await;
    served(&daemon).await;
    std::fs::remove_file(home.socket()).unwrap();
    until("the socket exists again", || {
        home.clock.advance(Duration::from_secs(1));
        home.socket().exists()
    })
    .await;
    served(&daemon).await;
    assert_eq!(reason(&daemon, "socket_lost").await, None);

    // As long as its directory cannot be created, no client can connect.
    std::fs::remove_dir_all(home.path("run")).unwrap();
    std::fs::write(home.path("run"), "").unwrap();
    let mut ready = crate::web_client::ask(&daemon, "GET", "/ready", &[], "").await;
    let noticing = async {
        while ready.status == 200 {
            home.clock.advance(Duration::from_secs(1));
            ready = crate::web_client::ask(&daemon, "GET", "/ready", &[], "").await;
        }
    };
    within("/ready notices it", noticing).await;
    assert_eq!(ready.json()["error"], "the control socket is lost; check the log of cached");
    std::fs::remove_file(home.path("run")).unwrap();
    until("the socket exists again", || {
        home.clock.advance(Duration::from_secs(1));
        home.socket().exists()
    })
    .await;
    served(&daemon).await;
    assert_eq!(crate::web_client::ask(&daemon, "GET", "/ready", &[], "").await.status, 200);
    daemon.stop().await.unwrap();
    assert!(!home.socket().exists());
}

#[tokio::test]
async fn a_foreign_socket_at_the_path_is_kept_when_the_daemon_stops() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    std::fs::remove_file(home.socket()).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(home.socket()).unwrap();
    for _ in 0..30 {
        home.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    daemon.stop().await.unwrap();
    assert!(home.socket().exists());
}

#[tokio::test]
async fn a_lock_file_that_is_removed_is_locked_again_before_a_second_daemon_can_start() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let lock = home.path("state.db.lock");
    std::fs::remove_file(&lock).unwrap();
    until("the lock file exists again", || {
        home.clock.advance(Duration::from_secs(1));
        lock.exists()
    })
    .await;
    let held = || matches!(StateLock::take(&home.path("state.db")), Err(StateError::Held { .. }));
    until("the lock is held", held).await;
    assert_eq!(reason(&daemon, "lock_lost").await, None);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_taken_by_another_process_ends_the_daemon() {
    let home = Home::lived_in().await;
    let mut daemon = home.boot().await;
    std::fs::remove_file(home.path("state.db.lock")).unwrap();
    let _other = StateLock::take(&home.path("state.db")).unwrap();
    home.clock.sleeping(crate::passing::LOOPS).await;
    home.clock.advance(Duration::from_secs(10));
    let failure = within("the daemon fails", daemon.failed()).await;
    assert!(failure.to_string().contains("another process works with the state"), "{failure}");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_file_that_cannot_be_made_again_is_a_reason_of_health() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let lock = home.path("state.db.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let mut shown = None;
    let noticing = async {
        while shown.is_none() {
            home.clock.advance(Duration::from_secs(1));
            shown = reason(&daemon, "lock_lost").await;
        }
    };
    within("health notices it", noticing).await;
    assert!(shown.unwrap().message.contains("state.db.lock"));
    std::fs::remove_dir(&lock).unwrap();
    until("the lock file exists again", || {
        home.clock.advance(Duration::from_secs(1));
        lock.is_file()
    })
    .await;
    ask(&daemon, Request::Ping).await;
    daemon.stop().await.unwrap();
}
