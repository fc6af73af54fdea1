//! The durable queue of runs: a request is committed to the state database before it is acknowledged, and
//! stays there until its run has ended.
//!
//! | file | |
//! |---|---|
//! | `policy` | what each trigger means |
//! | `model` | runs, jobs and attempts, stored and sent |
//! | `enqueue` | what is asked: new runs, cancelling, another try |
//! | `work` | what the worker does: claim, attempts, settling |
//! | `retry` | pauses between attempts, and recovery after a death |
//! | `slots` | the one decision on each civil date-time of a schedule |
//! | `read`, `history` | what is shown: queries, pages, pruning |
//! | `events` | what is announced |

pub mod counters;
mod enqueue;
mod events;
mod history;
pub(crate) mod model;
mod policy;
mod read;
mod retry;
mod slots;
#[cfg(test)]
mod tests;
mod verdict;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use tokio::sync::{OwnedMutexGuard, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::chance::{Chance, SystemChance};
use crate::clock::Clock;
use crate::state::{Lane, State};

pub use events::{FellBehind, Following, Work};
pub use history::MOST_LISTED;
pub use model::{Claimed, Enqueued, HeldRun, JobReport, Lease, NewRun, QueueError, Settled, Unfinished};
pub use policy::{Asker, Joins, Policy, RefreshScope};
pub use read::Attempts;
pub use retry::RetryPolicy;
pub use slots::{DueSlot, Punctuality, SlotDecision, SlotWork};
pub use verdict::{failures, failures_named, verdict};
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

    fn claims(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Duration>> {
        locked(&self.claimed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
