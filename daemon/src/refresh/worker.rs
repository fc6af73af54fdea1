//! The loop that works on runs, one after the other.

use std::pin::pin;
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::words::Phase;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Refresher;
use crate::pulse::Pulse;
use crate::queue::{Claimed, Queue, QueueError, Work};

/// An idle worker looks around that often, so that its silence means something.
const SLICE: Duration = Duration::from_mins(1);

/// One table never takes longer: reading the source and computing it are a matter of minutes.
const LONGEST_TABLE: Duration = Duration::from_hours(1);

/// Works on queued runs until `stop` is cancelled. A run in progress is finished first: its next write is
/// never more than a group away, and an interrupted one would have to begin anew. Tables that wait for their
/// next attempt are not waited for; the process after this one goes on with them.
pub async fn work_until(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
    pulse: &Pulse,
) -> Result<(), QueueError> {
    // Subscribed before the first look, so that nothing queued in between is missed.
    let mut work = queue.work();
    while !stop.is_cancelled() {
        if let Some(claimed) = queue.claim().await? {
            watched(queue, refresher, &claimed, pulse).await?;
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            more = more(queue, &mut work) => if !more? { break },
            () = pulse.nap(SLICE) => {}
        }
    }
    Ok(())
}

/// Refreshes, and gives a sign of life with every event of the run: a worker that still renews its lease may have
/// stopped getting anywhere.
async fn watched(
    queue: &Queue,
    refresher: &Refresher,
    claimed: &Claimed,
    pulse: &Pulse,
) -> Result<(), QueueError> {
    let mut events = queue.events();
    let mut work = pin!(refresh(refresher, claimed));
    loop {
        pulse.beat(LONGEST_TABLE);
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
