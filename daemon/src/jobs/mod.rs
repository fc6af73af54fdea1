//! The durable queue of runs: a request is committed to the state database before it is acknowledged, and
//! stays there until its run has ended.
//!
//! | file | |
//! |---|---|
//! | `policy` | what each trigger means |
//! | `model` | runs, jobs and attempts, stored and sent |
//! | `enqueue` | requests: new runs, cancelling, retries |
//! | `work` | what the worker does: claim, attempts, settling |
//! | `retry` | pauses between attempts, and recovery after the death of a process |
//! | `slots` | the one decision on each civil date-time of a schedule |
//! | `read`, `history` | queries, pages, pruning |
//! | `counters` | counters for the metrics |
//!
//! This file has the queue itself and its announcements: that there may be work, and every change of runs and of the
//! scheduler. A follower of a run first gets its current state, then every change.

pub mod counters;
mod enqueue;
mod history;
pub(crate) mod model;
mod policy;
mod read;
mod retry;
mod slots;
#[cfg(test)]
mod tests;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Phase, SchedulerState};
use tokio::sync::{OwnedMutexGuard, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::rng::{Rng, SystemRng};
use crate::state::{Lane, State};

pub use history::MOST_LISTED;
pub use model::{Claimed, Enqueued, HeldRun, JobReport, Lease, NewRun, QueueError, Settled, Unfinished};
pub use policy::{Joins, Policy, RefreshScope, Requester};
pub use read::Attempts;
pub use retry::RetryPolicy;
pub use slots::{DueSlot, Punctuality, SlotDecision, SlotWork};
pub use work::{Begun, Ending};

/// Number of events that a follower may lag behind; a run of all tables has about two dozen.
const EVENTS: usize = 256;

/// The number of the attempt in progress at a job, and its cancellation token, by job id.
type Cancels = Arc<Mutex<HashMap<i64, (i64, CancellationToken)>>>;

/// The queue of runs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    state: State,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    events: broadcast::Sender<Progress>,
    work: watch::Sender<()>,
    /// Monotonic instants at which this process claimed its runs.
    claimed: Arc<Mutex<HashMap<i64, Duration>>>,
    /// Cancellation tokens of the jobs that this process is working on.
    cancels: Cancels,
    work_lock: Arc<tokio::sync::Mutex<()>>,
    /// Why the worker is stalled, if it is.
    stalled: Arc<Mutex<Option<String>>>,
}

impl Queue {
    /// Creates a queue over the state database `state`.
    pub fn new(state: State, clock: Arc<dyn Clock>) -> Self {
        Self {
            state,
            clock,
            rng: Arc::new(SystemRng),
            events: broadcast::Sender::new(EVENTS),
            work: watch::Sender::new(()),
            claimed: Arc::default(),
            cancels: Arc::default(),
            work_lock: Arc::default(),
            stalled: Arc::default(),
        }
    }

    /// Replaces the source of randomness.
    pub fn with_rng(self, rng: Arc<dyn Rng>) -> Self {
        Self { rng, ..self }
    }

    /// The same queue, read through the connections of another lane.
    pub fn on(&self, lane: Lane) -> Self {
        Self { state: self.state.on(lane), ..self.clone() }
    }

    /// The state database that holds the queue.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Waits for the lock under which VMS's database is worked on; it is granted in the order of the calls. A task that
    /// works there for longer than a moment holds the lock, so that a run and a maintenance task never wait
    /// for each other inside `SQLite`.
    pub(crate) async fn work_lock(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.work_lock).lock_owned().await
    }

    /// Takes the lock if it is free; `None` otherwise.
    pub(crate) fn try_work_lock(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.work_lock).try_lock_owned().ok()
    }

    /// Why the queue is not being worked on at the moment; `None` while the worker is not stalled.
    pub fn stalled(&self) -> Option<String> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_stalled(&self, why: Option<String>) {
        *self.stalled.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The current time of the queue's clock.
    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    /// Whether a job that this process is working on was cancelled and has not stopped yet.
    pub(crate) fn is_stopping(&self, job: i64) -> bool {
        locked(&self.cancels).get(&job).is_some_and(|(_, cancel)| cancel.is_cancelled())
    }

    /// Subscribes to notifications of possible work. Subscribe before the first [`claim`](Self::claim): then
    /// nothing that is queued after an empty claim is missed.
    pub fn work(&self) -> Work {
        Work(self.work.subscribe())
    }

    fn announce_work(&self) {
        self.work.send_replace(());
    }

    /// Publishes an event. Call it after the commit: followers must not see a change that may still be rolled
    /// back.
    fn announce(&self, event: Progress) {
        // `send` fails only when there are no followers.
        let _ = self.events.send(event);
    }

    /// Publishes that the scheduler was started or stopped to the subscribers of all changes.
    pub(crate) fn announce_scheduler(&self, state: SchedulerState) {
        self.announce(Progress::Scheduler(state));
    }

    /// Subscribes to every change of every run and of the scheduler from now on; a receiver that falls behind
    /// loses the oldest events.
    pub(crate) fn events(&self) -> broadcast::Receiver<Progress> {
        self.events.subscribe()
    }

    /// Returns the current state of a run and a subscription to every later change. An event that the
    /// returned state already includes may be delivered again; none is left out.
    pub async fn subscribe(&self, run: i64) -> Result<(Run, Following), QueueError> {
        // Before the snapshot is read, so that no change falls in between.
        let events = self.events.subscribe();
        let snapshot = self.run(run).await?;
        let ended = matches!(snapshot.phase, Phase::Done | Phase::Cancelled).then(|| snapshot.clone());
        Ok((snapshot, Following { run, ended, events: Some(events) }))
    }

    fn claims(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Duration>> {
        locked(&self.claimed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A follower was too slow and missed events; it has to subscribe again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{missed} events were missed by a slow reader; follow the run again")]
pub struct FellBehind {
    /// Number of missed events.
    pub missed: u64,
}

/// A subscription to the changes of one run.
#[derive(Debug)]
pub struct Following {
    run: i64,
    /// The run, if it had ended before the subscription.
    ended: Option<Run>,
    events: Option<broadcast::Receiver<Progress>>,
}

impl Following {
    /// Returns the next change. [`Progress::RunDone`] is the last one; after it, `None` is returned.
    pub async fn next(&mut self) -> Result<Option<Progress>, FellBehind> {
        if let Some(run) = self.ended.take() {
            self.events = None;
            return Ok(Some(Progress::RunDone(run)));
        }
        loop {
            let Some(events) = &mut self.events else { return Ok(None) };
            match events.recv().await {
                Ok(event) if event.run() == Some(self.run) => {
                    if matches!(event, Progress::RunDone(_)) {
                        self.events = None;
                    }
                    return Ok(Some(event));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => return Err(FellBehind { missed }),
                Err(broadcast::error::RecvError::Closed) => self.events = None,
            }
        }
    }
}

/// A subscription to newly queued work.
#[derive(Debug)]
pub struct Work(watch::Receiver<()>);

impl Work {
    /// Waits until something is queued; returns at once if that happened since the last call. Returns false
    /// when the queue has been dropped.
    pub async fn arrived(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
