//! Maintenance of the database files themselves: VMS's, beside its live writers, and the daemon's own.
//!
//! One task runs at a time, and none during a run: they share the queue's turn. An operation that holds a
//! lock that VMS's workers wait for is short, or refused beforehand, or interrupted: VMS gives up after 20
//! seconds. Stopping the daemon interrupts a task; SQLite rolls back what was not finished.

mod analyze;
mod backup;
mod connection;
pub mod disk_space;
mod error;
mod integrity;
mod interrupt;
mod lock_time;
mod perform;
mod prune;
mod reindex;
mod scheduled;
mod target;
mod task;
mod unread;
mod vacuum;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use cached_proto::verb::maintenance::{MaintenanceReport, MaintenanceRequest, MaintenanceStep};
use cached_proto::words::Chore;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::chance::{Chance, SystemChance};
use crate::clock::Clock;
use crate::describe::describe;
use crate::queue::Queue;
use crate::refresh::RefreshConfig;

pub use error::{MaintenanceError, TargetError};
pub(crate) use scheduled::work_off;

use interrupt::Interrupt;
use task::{Steps, Task};

/// How long VMS's workers may be kept waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockLimits {
    /// Longest estimated lock; an operation that would hold one longer is refused. One that takes twice as
    /// long after all is interrupted.
    pub lock: Duration,
}

impl Default for LockLimits {
    /// A quarter of the time that VMS waits for a lock.
    fn default() -> Self {
        Self { lock: Duration::from_secs(5) }
    }
}

/// The progress of a task.
#[derive(Debug, Clone)]
pub(crate) enum Progressed {
    Doing(MaintenanceStep),
    Ended(Result<Box<MaintenanceReport>, Arc<MaintenanceError>>),
}

/// Another task is in progress.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another maintenance task is under way ({0}), and there is only one at a time")]
pub struct Busy(pub String);

/// Performs maintenance tasks.
#[derive(Debug)]
pub struct Maintenance {
    queue: Queue,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    config: watch::Receiver<Arc<RefreshConfig>>,
    limits: LockLimits,
    stop: CancellationToken,
    one: Arc<Mutex<()>>,
    /// Number of tasks that have the turn: 0 or 1.
    at_work: AtomicUsize,
    /// The newest requested task, with its number.
    newest: StdMutex<(u64, Option<watch::Receiver<Progressed>>)>,
}

impl Maintenance {
    /// Creates the maintenance of the database that `config` names and of the state that `queue` uses.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        Self {
            queue,
            clock,
            chance: Arc::new(SystemChance),
            config,
            limits: LockLimits::default(),
            stop: CancellationToken::new(),
            one: Arc::default(),
            at_work: AtomicUsize::new(0),
            newest: StdMutex::default(),
        }
    }

    /// Replaces the limits.
    pub fn with_limits(self, limits: LockLimits) -> Self {
        Self { limits, ..self }
    }

    /// Performs a task; waits for its turn and for its end.
    pub async fn perform(&self, request: &MaintenanceRequest) -> Result<MaintenanceReport, MaintenanceError> {
        let _one = self.one.lock().await;
        self.work(request, &Steps::untold()).await
    }

    /// Starts a task in the background and returns its number. It continues whether or not a client follows
    /// it.
    pub(crate) fn start(self: &Arc<Self>, request: MaintenanceRequest) -> Result<u64, Busy> {
        let one = Arc::clone(&self.one).try_lock_owned().map_err(|_| Busy(self.doing()))?;
        let (steps, progressed) = Steps::new();
        let number = {
            let mut newest = self.newest();
            *newest = (newest.0 + 1, Some(progressed));
            newest.0
        };
        let maintenance = Arc::clone(self);
        tokio::spawn(async move { maintenance.see_through(one, request, steps).await });
        Ok(number)
    }

    async fn see_through(&self, one: OwnedMutexGuard<()>, request: MaintenanceRequest, steps: Steps) {
        let ended = self.work(&request, &steps).await;
        match &ended {
            Ok(report) => info!("Maintenance {} took {:.2} seconds", report.chore, report.seconds),
            Err(error) => warn!("Maintenance {} failed: {}", request.chore(), describe(error)),
        }
        // Released first, so that the next task can start as soon as a client knows that this one has ended.
        drop(one);
        steps.end(ended);
    }

    /// Returns the steps of a started task; `None` for any task but the newest.
    pub(crate) fn follow(&self, number: u64) -> Option<watch::Receiver<Progressed>> {
        let newest = self.newest();
        newest.1.clone().filter(|_| newest.0 == number)
    }

    /// Interrupts the task in progress; no further task begins.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether a task is in progress, so that runs have to wait.
    pub(crate) fn has_turn(&self) -> bool {
        self.at_work.load(Ordering::Relaxed) > 0
    }

    /// Returns the token that stops maintenance.
    pub(crate) const fn stopper(&self) -> &CancellationToken {
        &self.stop
    }

    /// Waits until no task is in progress.
    pub(crate) async fn ended(&self) -> MutexGuard<'_, ()> {
        self.one.lock().await
    }

    async fn work(
        &self,
        request: &MaintenanceRequest,
        steps: &Steps,
    ) -> Result<MaintenanceReport, MaintenanceError> {
        let _turn = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(MaintenanceError::Stopped),
            turn = self.turn(steps) => turn,
        };
        let _at_work = AtWork::begin(&self.at_work);
        let config = Arc::clone(&self.config.borrow());
        let task = Task {
            config: &config,
            state: self.queue.state(),
            clock: &self.clock,
            chance: &*self.chance,
            limits: self.limits,
            interrupt: Interrupt::new(self.stop.clone(), Arc::clone(&self.clock)),
            steps,
        };
        task.perform(request).await
    }

    /// Waits until no run is in progress.
    async fn turn(&self, steps: &Steps) -> OwnedMutexGuard<()> {
        if let Some(turn) = self.queue.turn_now() {
            return turn;
        }
        // The run is named only in the message.
        let run = self.queue.current_run().await.ok().flatten();
        let run = run.map_or_else(|| "a run".to_owned(), |run| format!("run {}", run.id));
        steps.tell(&format!("waiting for {run} to end"), 0, 0);
        self.queue.turn().await
    }

    fn doing(&self) -> String {
        match self.newest().1.as_ref().map(|progressed| progressed.borrow().clone()) {
            Some(Progressed::Doing(step)) => step.doing,
            Some(Progressed::Ended(_)) | None => "a scheduled one".to_owned(),
        }
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, (u64, Option<watch::Receiver<Progressed>>)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a task while it is in progress, however it ends.
struct AtWork<'a>(&'a AtomicUsize);

impl<'a> AtWork<'a> {
    fn begin(tasks: &'a AtomicUsize) -> Self {
        tasks.fetch_add(1, Ordering::Relaxed);
        Self(tasks)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the request for a scheduled task; `None` for tasks that cannot be scheduled.
pub(crate) const fn scheduled_request(chore: Chore) -> Option<MaintenanceRequest> {
    match chore {
        Chore::Analyze => Some(MaintenanceRequest::Analyze),
        Chore::Prune => Some(MaintenanceRequest::Prune { older_than_seconds: None, dry_run: false }),
        Chore::Reindex | Chore::Vacuum | Chore::Integrity | Chore::Backup => None,
    }
}
