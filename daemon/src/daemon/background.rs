//! Background work beside the refreshes, each at its own times: maintenance, pruning of the history, samples of
//! readiness, and reaping of orphaned processes.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use cached_present::count;
use cached_proto::verb::refresh::Progress;
use chrono::TimeDelta;
use futures_util::future::join_all;
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::sync::{broadcast, watch};
use tracing::{debug, info, warn};

use super::reload::LiveConfig;
use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{Queue, QueueError};
use crate::maintenance::{self, Maintenance};
use crate::plain_file;
use crate::schedule::Ticker;
use crate::service::Service;

/// Automatic maintenance: a ticker for each schedule, and the loop that executes the queued tasks.
pub(super) struct ScheduledMaintenance(Vec<Ticker>);

impl ScheduledMaintenance {
    /// Creates the tickers and decides the slots that have passed until now.
    pub(super) async fn begin(
        queue: &Queue,
        clock: &Arc<dyn Clock>,
        live: &LiveConfig,
    ) -> Result<Self, QueueError> {
        let mut tickers = Vec::new();
        for (task, schedules) in live.maintenance_schedules() {
            let configs = live.configs();
            let catch_up = Box::new(move || configs.borrow().schedule.catch_up);
            let mut ticker =
                Ticker::for_task(task, queue.clone(), Arc::clone(clock), schedules, catch_up).await?;
            ticker.begin().await?;
            tickers.push(ticker);
        }
        Ok(Self(tickers))
    }

    /// Runs until dropped.
    pub(super) async fn run(self, maintenance: Arc<Maintenance>, heartbeat: Heartbeat) {
        let ticking = join_all(self.0.into_iter().map(|ticker| ticker.run(heartbeat.clone())));
        tokio::join!(ticking, maintenance::run_queued(maintenance));
    }
}

const DAY: Duration = Duration::from_hours(24);

/// Deletes, once a day, history that is older than `state.history_days`.
pub(super) async fn prune_daily(
    queue: Queue,
    clock: Arc<dyn Clock>,
    configs: watch::Receiver<Arc<Config>>,
    heartbeat: Heartbeat,
) {
    loop {
        let kept = TimeDelta::days(configs.borrow().state.history_days.into());
        match queue.prune(clock.now(), kept).await {
            Ok(0) => {}
            Ok(runs) => {
                info!(
                    "{} older than {} deleted from the history",
                    count(runs, "run"),
                    count(kept.num_days(), "day")
                );
            }
            Err(error) => warn!("The history is not pruned; trying again in a day: {}", describe(&error)),
        }
        heartbeat.nap(DAY).await;
    }
}

/// Time between two samples: a third of the time for which a sample is valid, so that one failed sample
/// leaves no gap.
const INTERVAL: Duration = Duration::from_mins(10);

/// Upper bound of the time for a sample, which reads VMS's database and may have to wait for its locks.
const LONGEST_SURVEY: Duration = Duration::from_hours(1);

/// Samples the cache tables periodically, so that readiness is recorded even without client requests. Runs until
/// dropped; cancel-safe.
pub(super) async fn sample(service: Arc<Service>, heartbeat: Heartbeat) {
    let mut events = service.queue.events();
    loop {
        tokio::select! {
            () = heartbeat.nap(INTERVAL) => {}
            () = run_ended(&mut events) => {}
        }
        heartbeat.beat(LONGEST_SURVEY);
        // `health` reports an unreadable database; here it only leaves a gap in the samples.
        if let Err(error) = service.sample().await {
            debug!("no sample of readiness: {}", describe(&error));
        }
    }
}

/// Waits until a run ends. Several runs that end between two calls may count as one.
async fn run_ended(events: &mut broadcast::Receiver<Progress>) {
    loop {
        match events.recv().await {
            // The missed events may include the end of a run.
            Ok(Progress::RunDone(_)) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Pause between two checks. The daemon waits for its own children as soon as they end, so a child that has ended
/// before one check and still exists at the next one is an orphan.
const PAUSE: Duration = Duration::from_secs(5);

/// Reaps orphaned processes. As process 1 of a container, the daemon becomes the parent of processes that a command of
/// the operator leaves running, and each would stay in the process table for ever. Runs until dropped.
pub(super) async fn reap(heartbeat: Heartbeat) {
    let mut before = BTreeSet::new();
    loop {
        heartbeat.nap(PAUSE).await;
        let ended = tokio::task::spawn_blocking(ended_children).await.unwrap_or_default();
        for pid in before.intersection(&ended).filter_map(|&pid| Pid::from_raw(pid)) {
            // An error means that it was waited for after all.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        before = ended;
    }
}

/// The children of this process that have ended and were not waited for.
fn ended_children() -> BTreeSet<i32> {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has_ended = |pid: &i32| {
        let stat = plain_file::read_system(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before the last parenthesis may contain anything.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        fields.next() == Some("Z") && fields.next() == Some(&*own)
    };
    pids.filter(has_ended).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::*;
    use crate::clock::{Clock, ManualClock};

    #[tokio::test]
    #[expect(clippy::zombie_processes, reason = "that is what it tests")]
    async fn a_child_that_ended_is_reaped_at_the_second_check_and_a_running_one_is_not() {
        let manual = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
        let clock: Arc<dyn Clock> = manual.clone();
        let mut runs = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let orphan = Command::new("/bin/true").spawn().unwrap();
        let id = i32::try_from(orphan.id()).unwrap();
        let ending = async {
            while !ended_children().contains(&id) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), ending).await.expect("the child does not end");
        let reaping = tokio::spawn(reap(Heartbeat::new("orphans", &clock)));
        for is_there in [true, false] {
            manual.sleeping(1).await;
            manual.advance(PAUSE);
            manual.sleeping(1).await;
            assert_eq!(ended_children().contains(&id), is_there);
        }
        assert_eq!(runs.try_wait().unwrap(), None);
        runs.kill().unwrap();
        runs.wait().unwrap();
        reaping.abort();
    }
}
