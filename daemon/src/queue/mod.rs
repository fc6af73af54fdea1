//! Durable work: what was asked for is in the state database before anybody is told so, and stays there until it ended.

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
use crate::state::State;

pub use attempt::{Begun, Ending};
pub use claim::Claimed;
pub use enqueue::{Enqueued, NewRun};
pub use error::QueueError;
pub use failures::failures;
pub use follow::{FellBehind, Following};
pub use lease::{Lease, RENEWAL};
pub use report::JobReport;
pub use retry::RetryPolicy;
pub use settle::Settled;
pub use slots::{DueSlot, Punctuality, SlotDecision, SlotWork};
pub use verdict::verdict;

/// Events a follower may be behind; a run of all tables has about two dozen.
const EVENTS: usize = 256;

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
    /// How to stop the jobs that this process works on.
    cancels: Arc<Mutex<HashMap<i64, CancellationToken>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Why its worker stands still.
    stalled: Arc<Mutex<Option<String>>>,
}

impl Queue {
    /// The queue that lives in `state`.
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

    /// The same with other randomness.
    pub fn with_chance(self, chance: Arc<dyn Chance>) -> Self {
        Self { chance, ..self }
    }

    /// The database it lives in.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Tells when there may be work. Take it before the first [`claim`](Self::claim): what is queued after a claim that
    /// found nothing is then never missed.
    pub fn work(&self) -> Work {
        Work(self.work.subscribe())
    }

    /// Waits for the turn to work on VMS's database; in the order of asking. Whoever works there for longer than a
    /// moment has it, so that a run and a maintenance task never wait for each other inside `SQLite`.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// The turn, if nobody has it.
    pub(crate) fn turn_now(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.turn).try_lock_owned().ok()
    }

    /// Why nobody works on the queue at the moment; none while somebody can.
    pub fn stalled(&self) -> Option<String> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_stalled(&self, why: Option<String>) {
        *self.stalled.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// The instant that its clock shows.
    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    /// Bits from its chance.
    pub(crate) fn draw(&self) -> u64 {
        self.chance.bits()
    }

    /// Whether a job that this process works on was called off, and has not stopped yet.
    pub(crate) fn is_stopping(&self, job: i64) -> bool {
        self.cancels().get(&job).is_some_and(CancellationToken::is_cancelled)
    }

    fn announce_work(&self) {
        self.work.send_replace(());
    }

    /// To be called after the commit: whoever follows must not hear of what may still be rolled back.
    fn announce(&self, event: Progress) {
        // An error means that nobody follows.
        let _ = self.events.send(event);
    }

    /// Tells those who follow all changes that the scheduler was started or stopped.
    pub(crate) fn announce_scheduler(&self, state: SchedulerState) {
        self.announce(Progress::Scheduler(state));
    }

    fn claims(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Duration>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancels(&self) -> std::sync::MutexGuard<'_, HashMap<i64, CancellationToken>> {
        self.cancels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers whether something was queued since it was last asked.
#[derive(Debug)]
pub struct Work(watch::Receiver<()>);

impl Work {
    /// Waits until something was queued; at once if that happened since the last call. False when the queue is gone.
    pub async fn arrived(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
