//! The durable queue of runs: a request is committed to the state database before it is acknowledged, and
//! stays there until its run has ended.

mod again;
mod assemble;
mod attempt;
mod cancel;
mod claim;
pub mod counters;
mod coverage;
mod enqueue;
mod error;
mod failures;
mod follow;
mod history;
mod lease;
mod pages;
mod read;
mod recover;
mod report;
mod retry;
mod settle;
mod slots;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use cached_proto::words::SchedulerState;
use tokio::sync::{OwnedMutexGuard, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::chance::{Chance, SystemChance};
use crate::clock::Clock;
use crate::state::{Lane, State};

pub use attempt::{Begun, Ending};
pub use claim::Claimed;
pub use enqueue::{Enqueued, NewRun};
pub use error::QueueError;
pub use failures::{failures, failures_named};
pub use follow::{FellBehind, Following};
pub use lease::{Lease, RENEWAL};
pub use pages::MOST_LISTED;
pub use read::Unfinished;
pub use report::JobReport;
pub use retry::RetryPolicy;
pub use settle::Settled;
pub use slots::{DueSlot, Punctuality, SlotDecision, SlotWork};
pub use verdict::verdict;

/// Number of events that a follower may lag behind; a run of all tables has about two dozen.
const EVENTS: usize = 256;

/// The number of the attempt in progress at a job, and its cancellation token, by job id.
type Cancels = Arc<Mutex<HashMap<i64, (i64, CancellationToken)>>>;

/// The queue of runs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    state: State,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    events: broadcast::Sender<Progress>,
    work: watch::Sender<()>,
    /// Monotonic instants at which this process claimed its runs.
    claimed: Arc<Mutex<HashMap<i64, Duration>>>,
    /// Cancellation tokens of the jobs that this process is working on.
    cancels: Cancels,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Why the worker is stalled, if it is.
    stalled: Arc<Mutex<Option<String>>>,
}

impl Queue {
    /// Creates a queue over the state database `state`.
    pub fn new(state: State, clock: Arc<dyn Clock>) -> Self {
        Self {
            state,
            clock,
            chance: Arc::new(SystemChance),
            events: broadcast::Sender::new(EVENTS),
            work: watch::Sender::new(()),
            claimed: Arc::default(),
            cancels: Arc::default(),
            turn: Arc::default(),
            stalled: Arc::default(),
        }
    }

    /// Replaces the source of randomness.
    pub fn with_chance(self, chance: Arc<dyn Chance>) -> Self {
        Self { chance, ..self }
    }

    /// The same queue, read through the connections of another lane.
    pub fn on(&self, lane: Lane) -> Self {
        Self { state: self.state.on(lane), ..self.clone() }
    }

    /// The state database that holds the queue.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Subscribes to notifications of possible work. Subscribe before the first [`claim`](Self::claim): then
    /// nothing that is queued after an empty claim is missed.
    pub fn work(&self) -> Work {
        Work(self.work.subscribe())
    }

    /// Waits for the turn to work on VMS's database; turns are given in the order of the calls. A task that
    /// works there for longer than a moment holds the turn, so that a run and a maintenance task never wait
    /// for each other inside `SQLite`.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Takes the turn if it is free; `None` otherwise.
    pub(crate) fn turn_now(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.turn).try_lock_owned().ok()
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

    /// Random bits from the queue's source of randomness.
    pub(crate) fn draw(&self) -> u64 {
        self.chance.bits()
    }

    /// Whether a job that this process is working on was cancelled and has not stopped yet.
    pub(crate) fn is_stopping(&self, job: i64) -> bool {
        locked(&self.cancels).get(&job).is_some_and(|(_, cancel)| cancel.is_cancelled())
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

    fn claims(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Duration>> {
        locked(&self.claimed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
