//! The worker: it claims the runs of the queue one after the other, opens what each is computed from, works
//! on its tables in their order, and settles it.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use tokio::sync::OwnedMutexGuard;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::RefreshError;
use super::availability::is_off;
use super::run::{Refresher, RunContext, RunInputs, Worked, ending, failed, log_outcome};
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{Claimed, Ending, JobReport, NewRun, Queue, QueueError, Settled, Work};

/// Pause between two attempts to use a state database that failed: the operator may have to free disk space.
const PAUSE: Duration = Duration::from_secs(5);

/// Interval at which an idle worker renews its heartbeat, so that a missing one means something.
const SLICE: Duration = Duration::from_mins(1);

/// Upper bound of the time for one table: reading the source and computing it are a matter of minutes.
const LONGEST_TABLE: Duration = Duration::from_hours(1);

/// Works on queued runs until `stop` is cancelled. A run in progress is finished first: its next write is
/// never more than a group away, and an interrupted one would have to begin anew. Tables that wait for their
/// next attempt are not waited for; the next process continues with them.
///
/// If the state database fails, for example because its disk is full, the worker waits until it can be used
/// again: the runs in progress are then put back and done again, and nothing of VMS's is lost in the
/// meantime.
pub async fn work_until(
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

async fn work(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
    heartbeat: &Heartbeat,
) -> Result<(), QueueError> {
    // Subscribed before the first claim, so that nothing queued in between is missed.
    let mut work = queue.work();
    while !stop.is_cancelled() {
        // A run is claimed only when it can begin: one that waits for a maintenance task stays queued.
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

/// Refreshes, and renews the heartbeat with every event of the run: a worker whose task is
/// alive may have stopped making progress.
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
            // Missed events are progress, too.
            Ok(_) | Err(RecvError::Lagged(_)) = events.recv() => {}
        }
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

/// A run in progress: its source is read, and its tables follow one by one.
pub struct ActiveRun {
    refresher: Refresher,
    claimed: Claimed,
    jobs: VecDeque<(i64, Table)>,
    /// `None` when nothing is left to do.
    inputs: Option<(RunContext, Result<RunInputs, RefreshError>)>,
    /// Tables of which a later run has to take something up, and how soon.
    later: Vec<(Table, Duration)>,
}

impl Refresher {
    /// Works on the due jobs of a claimed run, each until it ends or waits for its next attempt. An error means
    /// that the queue itself failed; any other failure is recorded in the jobs.
    pub async fn run(&self, claimed: &Claimed) -> Result<Settled, QueueError> {
        let mut run = self.begin(claimed).await;
        while run.step().await? {}
        run.settle().await
    }

    /// Takes the snapshot that all tables of a claimed run are computed from.
    pub async fn begin(&self, claimed: &Claimed) -> ActiveRun {
        info!(run_id = claimed.run, "Cache refresh {} started ({})", claimed.run, claimed.trigger);
        let jobs: VecDeque<_> = claimed.jobs.iter().copied().collect();
        // After an interruption there may be nothing left to do.
        let inputs = if jobs.is_empty() {
            None
        } else {
            let context = self.context(claimed);
            let tables: Vec<Table> = jobs.iter().map(|&(_, table)| table).collect();
            let inputs = self.open(&context, &tables).await;
            Some((context, inputs))
        };
        ActiveRun { refresher: self.clone(), claimed: claimed.clone(), jobs, inputs, later: Vec::new() }
    }
}

impl ActiveRun {
    /// Works on the next table, until the job ends or has to wait for its next attempt. Returns false when no
    /// table was left.
    pub async fn step(&mut self) -> Result<bool, QueueError> {
        let (Some((job, table)), Some((context, inputs))) = (self.jobs.pop_front(), &self.inputs) else {
            return Ok(false);
        };
        let (refresher, lease) = (&self.refresher, &self.claimed.lease);
        let taken = inputs.as_ref().ok().map(RunInputs::taken);
        let Some(begun) = refresher.queue.start_attempt(lease, job, taken).await? else { return Ok(true) };
        let (report, ending) = match inputs {
            Ok(inputs) => {
                let worked = refresher.work(context, inputs, &begun, table).await;
                let worked = worked.unwrap_or_else(|error| Worked::failed(table, error));
                let (report, ending, later) = worked.end(context, begun.number);
                self.later.extend(later.map(|pause| (table, pause)));
                (report, ending)
            }
            Err(_) if is_off(table, &context.settings) => (JobReport::new(table, Outcome::Off), Ending::Done),
            Err(error) => (failed(table, error), ending(context, Some(error), begun.number)),
        };
        refresher.finish(lease, job, &report, ending).await?;
        Ok(true)
    }

    /// Gives the run back: ended, or waiting for further attempts.
    pub async fn settle(self) -> Result<Settled, QueueError> {
        if let Some((_, Ok(inputs))) = self.inputs {
            inputs.close().await;
        }
        let queue = &self.refresher.queue;
        let pause = self.later.iter().map(|(_, pause)| *pause).max();
        // A run of another time says nothing about what is due now.
        if let Some(pause) = pause.filter(|_| self.claimed.as_of.is_none()) {
            let tables = self.later.iter().map(|(table, _)| *table).collect();
            let not_before = Some(queue.now() + pause);
            let later =
                queue.enqueue(NewRun { not_before, ..NewRun::new(Trigger::Watch, tables) }).await?.run;
            info!(run_id = self.claimed.run, "What was put off is taken up by run {later}");
        }
        let settled = queue.settle(&self.claimed.lease).await?;
        match &settled {
            Settled::Ended(run) => log_outcome(run),
            Settled::Waits(until) => {
                info!(
                    run_id = self.claimed.run,
                    "Cache refresh {} waits until {until} at least", self.claimed.run
                );
            }
        }
        Ok(settled)
    }
}

impl std::fmt::Debug for ActiveRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActiveRun").field("run", &self.claimed.run).finish_non_exhaustive()
    }
}

/// Works on queued runs until the run `wanted` has ended, its retries included.
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

/// Waits until a claim may find something; false when nothing more can be queued.
async fn more(queue: &Queue, work: &mut Work) -> Result<bool, QueueError> {
    tokio::select! {
        arrived = work.arrived() => Ok(arrived),
        due = queue.may_be_due() => due.map(|()| true),
    }
}

/// Waits for the turn, which a maintenance task may hold for long; `None` when the worker is to stop.
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
