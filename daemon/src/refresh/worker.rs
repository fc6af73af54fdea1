//! The loop that works on runs, one after the other.

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
use crate::queue::{Claimed, Queue, QueueError, Work};
use crate::state::StateError;

/// Between two tries to use a state database that failed: somebody has to make room on its disk.
const PAUSE: Duration = Duration::from_secs(5);

/// An idle worker looks around that often, so that its silence means something.
const SLICE: Duration = Duration::from_mins(1);

/// One table never takes longer: reading the source and computing it are a matter of minutes.
const LONGEST_TABLE: Duration = Duration::from_hours(1);

/// Works on queued runs until `stop` is cancelled. A run in progress is finished first: its next write is
/// never more than a group away, and an interrupted one would have to begin anew. Tables that wait for their
/// next attempt are not waited for; the process after this one goes on with them.
///
/// A state database that fails, because its disk is full for example, is waited for: what was at work then is put back
/// and done again, and nothing of VMS's is lost meanwhile.
pub async fn work_until(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
    heartbeat: &Heartbeat,
) -> Result<(), QueueError> {
    while let Err(failure) = work(queue, refresher, stop, heartbeat).await {
        if !matches!(failure, QueueError::State(StateError::Statement { .. })) {
            return Err(failure);
        }
        let why = describe(&failure);
        error!("Nothing is refreshed until the state database can be used again: {why}");
        queue.set_stalled(Some(why));
        if !put_back(queue, stop, heartbeat).await {
            break;
        }
        queue.set_stalled(None);
        info!("The state database can be used again; the work goes on");
    }
    Ok(())
}

/// Tries until it succeeds; false when it is to stop before.
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

async fn work(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
    heartbeat: &Heartbeat,
) -> Result<(), QueueError> {
    // Subscribed before the first look, so that nothing queued in between is missed.
    let mut work = queue.work();
    while !stop.is_cancelled() {
        // A run is claimed when it can begin: what waits for a maintenance task is still queued.
        let Some(turn) = turn(queue, stop, heartbeat).await else { break };
        if let Some(claimed) = queue.claim().await? {
            watched(queue, refresher, &claimed, heartbeat).await?;
            continue;
        }
        drop(turn);
        tokio::select! {
            () = stop.cancelled() => break,
            more = more(queue, &mut work) => if !more? { break },
            () = heartbeat.nap(SLICE) => {}
        }
    }
    Ok(())
}

/// Waits for the turn, which a maintenance task may have for long; none when the worker is to stop.
async fn turn(queue: &Queue, stop: &CancellationToken, heartbeat: &Heartbeat) -> Option<OwnedMutexGuard<()>> {
    let mut turn = pin!(queue.turn());
    loop {
        tokio::select! {
            () = stop.cancelled() => return None,
            turn = &mut turn => return Some(turn),
            () = heartbeat.nap(SLICE) => {}
        }
    }
}

/// Refreshes, and gives a sign of life with every event of the run: a worker that still renews its lease may have
/// stopped getting anywhere.
async fn watched(
    queue: &Queue,
    refresher: &Refresher,
    claimed: &Claimed,
    heartbeat: &Heartbeat,
) -> Result<(), QueueError> {
    let mut events = queue.events();
    let mut work = pin!(refresh(refresher, claimed));
    loop {
        heartbeat.beat(LONGEST_TABLE);
        tokio::select! {
            done = &mut work => return done,
            // Events that were missed are progress, too.
            Ok(_) | Err(RecvError::Lagged(_)) = events.recv() => {}
        }
    }
}

/// Works on queued runs until this one has ended, its retries included.
pub async fn work_off(queue: &Queue, refresher: &Refresher, wanted: i64) -> Result<Run, QueueError> {
    let mut work = queue.work();
    loop {
        let run = queue.run(wanted).await?;
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

/// Waits until a claim may find something; false when nothing can come any more.
async fn more(queue: &Queue, work: &mut Work) -> Result<bool, QueueError> {
    tokio::select! {
        arrived = work.arrived() => Ok(arrived),
        due = queue.may_be_due() => due.map(|()| true),
    }
}

async fn refresh(refresher: &Refresher, claimed: &Claimed) -> Result<(), QueueError> {
    match refresher.run(claimed).await {
        Err(QueueError::LeaseLost(run)) => {
            warn!(run_id = run, "Run {run} was taken up by somebody else meanwhile; it is left to them");
            Ok(())
        }
        other => other.map(drop),
    }
}
