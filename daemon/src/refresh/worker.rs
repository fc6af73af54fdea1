//! The worker: it claims the runs of the queue one after the other, takes the snapshot of each, works
//! on its tables in their order, and settles it.

use std::pin::pin;
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::words::Phase;
use tokio::sync::OwnedMutexGuard;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Refresher;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{Claimed, Queue, QueueError, Settled, Work};

/// Pause between two attempts to use a state database that failed: the operator may have to free disk space.
const PAUSE: Duration = Duration::from_secs(5);

/// Interval at which an idle worker renews its heartbeat, so that a missing one means something.
const SLICE: Duration = Duration::from_mins(1);

/// Upper bound of the time for one table: reading the source and computing it are a matter of minutes.
const LONGEST_TABLE: Duration = Duration::from_hours(1);

/// Works on queued runs until `stop` is cancelled. A run in progress is finished first: its next write is
/// never more than a group away, and an interrupted one would have to start over. Tables that wait for their
/// next attempt are not waited for; the next process continues with them.
///
/// If the state database fails, for example because its disk is full, the worker waits until it can be used
/// again: the runs in progress are then put back and repeated, and no entry of VMS's is lost in the
/// meantime.
pub async fn run_until_stopped(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
    heartbeat: &Heartbeat,
) -> Result<(), QueueError> {
    while let Err(failure) = work(queue, refresher, stop, heartbeat).await {
        if !matches!(&failure, QueueError::State(error) if error.may_pass()) {
            return Err(failure);
        }
        let why = describe(&failure);
        error!("Refreshing stops until the state database can be used again: {why}");
        queue.set_stalled(Some(why));
        if !put_back(queue, stop, heartbeat).await {
            break;
        }
        queue.set_stalled(None);
        info!("The state database can be used again; refreshing continues");
    }
    Ok(())
}

async fn work(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
    heartbeat: &Heartbeat,
) -> Result<(), QueueError> {
    // Subscribed before the first claim, so that nothing queued in between is missed.
    let mut work = queue.work();
    // A run is claimed only when it can begin: one that waits for a maintenance task stays queued.
    while let Some(lock) = work_lock(queue, stop, heartbeat).await {
        if let Some(claimed) = queue.claim().await? {
            let mut events = queue.events();
            let mut run = pin!(refresh(refresher, &claimed));
            // Renewed with every event of the run: a worker whose task is alive may have stopped making progress.
            loop {
                heartbeat.beat(LONGEST_TABLE);
                tokio::select! {
                    done = &mut run => break done?,
                    // Missed events are progress, too.
                    Ok(_) | Err(RecvError::Lagged(_)) = events.recv() => {}
                }
            }
        } else {
            drop(lock);
            tokio::select! {
                () = stop.cancelled() => break,
                more = more(queue, &mut work) => if !more? { break },
                () = heartbeat.nap(SLICE) => {}
            }
        }
    }
    Ok(())
}

/// Works on queued runs until the run `run_id` has ended, its retries included.
pub async fn run_until_ended(queue: &Queue, refresher: &Refresher, run_id: i64) -> Result<Run, QueueError> {
    let mut work = queue.work();
    loop {
        let run = queue.run(run_id).await?;
        if matches!(run.phase, Phase::Done | Phase::Cancelled) {
            return Ok(run);
        }
        match queue.claim().await? {
            Some(claimed) => refresh(refresher, &claimed).await?,
            None => {
                more(queue, &mut work).await?;
            }
        }
    }
}

impl Refresher {
    /// Works on the due jobs of a claimed run, each until it ends or waits for its next attempt. An error means
    /// that the queue itself failed; any other failure is recorded in the jobs.
    pub async fn run(&self, claimed: &Claimed) -> Result<Settled, QueueError> {
        let mut run = self.begin(claimed).await;
        while run.step().await? {}
        run.settle().await
    }
}

async fn refresh(refresher: &Refresher, claimed: &Claimed) -> Result<(), QueueError> {
    match refresher.run(claimed).await {
        Err(QueueError::LeaseLost(run)) => {
            warn!(run_id = run, "Run {run} was taken over by another worker meanwhile and is left to it");
            Ok(())
        }
        other => other.map(drop),
    }
}

/// Waits until a claim may find something; false when nothing more can be queued.
async fn more(queue: &Queue, work: &mut Work) -> Result<bool, QueueError> {
    tokio::select! {
        arrived = work.arrived() => Ok(arrived),
        due = queue.may_be_due() => due.map(|()| true),
    }
}

/// Waits for the work lock, which a maintenance task may hold for long; `None` when the worker is to stop.
async fn work_lock(
    queue: &Queue,
    stop: &CancellationToken,
    heartbeat: &Heartbeat,
) -> Option<OwnedMutexGuard<()>> {
    let mut lock = pin!(queue.work_lock());
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            lock = &mut lock => return Some(lock),
            () = heartbeat.nap(SLICE) => {}
        }
    }
}

/// Retries [`Queue::release`] until it succeeds; returns false when `stop` is cancelled before.
async fn put_back(queue: &Queue, stop: &CancellationToken, heartbeat: &Heartbeat) -> bool {
    loop {
        tokio::select! {
            () = stop.cancelled() => return false,
            () = heartbeat.nap(PAUSE) => {}
        }
        match queue.release().await {
            Ok(()) => return true,
            Err(failure) => queue.set_stalled(Some(describe(&failure))),
        }
    }
}
