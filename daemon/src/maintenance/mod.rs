//! Maintenance of the database files themselves: VMS's, beside its live writers, and the daemon's own.
//!
//! One task runs at a time, and none during a run: they share the queue's work lock. An operation that holds a
//! lock that VMS's workers wait for is short, or refused beforehand, or interrupted: VMS gives up after 20
//! seconds. Stopping the daemon interrupts a task; SQLite rolls back its unfinished changes.

mod backup;
mod by_table;
mod connection;
mod copy;
pub mod disk_space;
mod error;
mod prune;
mod task;
mod vacuum;

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use cached_proto::verb::maintenance::{MaintenanceReport, MaintenanceRequest};
use cached_proto::words::MaintenanceTask;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::jobs::Queue;
use crate::refresh::RefreshConfig;
use crate::rng::{Rng, SystemRng};
use crate::state::{DueTask, StateError};

pub use backup::Backups;
pub use error::MaintenanceError;
pub use task::LockLimits;
pub(crate) use task::TaskProgress;

use connection::Interrupt;
use copy::Copying;
use task::{Done, Steps, Task};

/// Pause after an error of the state database.
const PAUSE: Duration = Duration::from_mins(1);

/// Why a waiting task is abandoned.
const SET_ASIDE: &str = "it was started too often without ending; run it by hand with `cachectl maintenance`";

/// Another task is in progress.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another maintenance task is in progress ({0}), and only one can run at a time")]
pub struct Busy(pub String);

/// A copy of VMS's database that is being made for a client.
#[derive(Debug)]
pub(crate) struct Ordered {
    /// The progress. The copy is available once the task has succeeded.
    pub(crate) progressed: watch::Receiver<TaskProgress>,
    pub(crate) copy: oneshot::Receiver<Outgoing>,
    /// Aborts the task when the client no longer waits for the copy.
    _wanted: DropGuard,
}

/// A verified copy that no other process can open, and its report.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) file: File,
    pub(crate) bytes: u64,
    pub(crate) report: MaintenanceReport,
    /// Only one copy at a time exists for clients: slow clients must not fill the disk.
    _place: OwnedMutexGuard<()>,
}

/// Performs maintenance tasks.
#[derive(Debug)]
pub struct Maintenance {
    queue: Queue,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    config: watch::Receiver<Arc<RefreshConfig>>,
    /// The settings of scheduled backups, among others; `None` if there are none.
    settings: Option<watch::Receiver<Arc<Config>>>,
    limits: LockLimits,
    stop: CancellationToken,
    one: Arc<Mutex<()>>,
    /// Held while a copy is made for a client and sent.
    outgoing: Arc<Mutex<()>>,
    /// Whether a task is in progress.
    at_work: AtomicBool,
    /// The newest requested task, with its number.
    newest: StdMutex<(u64, Option<watch::Receiver<TaskProgress>>)>,
}

impl Maintenance {
    /// Creates the maintenance of the database that `config` names and of the state that `queue` uses.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        Self {
            queue,
            clock,
            rng: Arc::new(SystemRng),
            config,
            settings: None,
            limits: LockLimits::default(),
            stop: CancellationToken::new(),
            one: Arc::default(),
            outgoing: Arc::default(),
            at_work: AtomicBool::new(false),
            newest: StdMutex::default(),
        }
    }

    /// Replaces the limits.
    pub fn with_limits(self, limits: LockLimits) -> Self {
        Self { limits, ..self }
    }

    /// Makes scheduled backups as the configuration says.
    pub fn with_backups(self, settings: watch::Receiver<Arc<Config>>) -> Self {
        Self { settings: Some(settings), ..self }
    }

    /// Performs a task; waits for other work and for its end.
    pub async fn perform(&self, request: &MaintenanceRequest) -> Result<MaintenanceReport, MaintenanceError> {
        let _one = self.one.lock().await;
        self.work(request, &Steps::unobserved()).await
    }

    /// Makes the backup of a slot; waits for other work and for its end.
    pub async fn back_up(&self, slot: &str) -> Result<MaintenanceReport, MaintenanceError> {
        let settings = self.settings.as_ref().map(|settings| settings.borrow().maintenance.clone());
        let backups = settings.as_ref().and_then(Backups::configured);
        let backups = backups.ok_or(MaintenanceError::NoBackupDir)?;
        let _one = self.one.lock().await;
        let (steps, stop) = (Steps::unobserved(), &self.stop);
        let lock = self.begin(&steps, stop).await?;
        let task = self.task(&lock, &steps, stop);
        task.report(MaintenanceTask::Backup, backup::back_up(&task, &backups, slot)).await
    }

    /// Starts a task in the background and returns its number. It continues whether or not a client follows
    /// it.
    pub(crate) fn start(self: &Arc<Self>, request: MaintenanceRequest) -> Result<u64, Busy> {
        let (one, steps, number, _) = self.enter()?;
        let maintenance = Arc::clone(self);
        tokio::spawn(async move { maintenance.run_to_end(one, request, steps).await });
        Ok(number)
    }

    /// Starts a copy for a client; dropping the returned value aborts it.
    pub(crate) fn start_copy(self: &Arc<Self>) -> Result<Ordered, Busy> {
        let place = Arc::clone(&self.outgoing).try_lock_owned();
        let place = place.map_err(|_| Busy("a backup is being sent".to_owned()))?;
        let (one, steps, _, progressed) = self.enter()?;
        let (sender, copy) = oneshot::channel();
        let wanted = self.stop.child_token();
        let maintenance = Arc::clone(self);
        tokio::spawn({
            let wanted = wanted.clone();
            async move {
                let ended = maintenance.copy(&steps, &wanted).await;
                if wanted.is_cancelled() && !maintenance.stop.is_cancelled() {
                    info!("Maintenance backup was aborted: its client has disconnected");
                } else {
                    log_end(MaintenanceTask::Backup, ended.as_ref().map(|(_, report)| report));
                }
                drop(one);
                steps.end(ended.map(|(file, report)| {
                    let bytes = report.items.iter().map(|item| item.bytes).sum();
                    let outgoing = Outgoing { file, bytes, report: report.clone(), _place: place };
                    // If the client has disconnected, this drops the copy, which closes the file.
                    drop(sender.send(outgoing));
                    report
                }));
            }
        });
        Ok(Ordered { progressed, copy, _wanted: wanted.drop_guard() })
    }

    /// Makes a copy that no other process can open; waits for other work to end.
    async fn copy(
        &self,
        steps: &Steps,
        stop: &CancellationToken,
    ) -> Result<(File, MaintenanceReport), MaintenanceError> {
        let lock = self.begin(steps, stop).await?;
        let task = self.task(&lock, steps, stop);
        let mut file = None;
        let work = async {
            let copied = copy::copy(&task, Copying::BesideVms).await?;
            let mut item = copied.item.clone();
            item.name = task.path().display().to_string();
            file = Some(copied.unnamed());
            Ok(Done { items: vec![item], ..Done::default() })
        };
        let report = task.report(MaintenanceTask::Backup, work).await?;
        file.map(|file| (file, report)).ok_or(MaintenanceError::Stopped)
    }

    /// Reserves the one place for a task, and returns the publisher and a follower of its steps.
    fn enter(&self) -> Result<(OwnedMutexGuard<()>, Steps, u64, watch::Receiver<TaskProgress>), Busy> {
        let one = Arc::clone(&self.one).try_lock_owned().map_err(|_| Busy(self.current_step()))?;
        let (steps, progressed) = Steps::new();
        let mut newest = self.newest();
        *newest = (newest.0 + 1, Some(progressed.clone()));
        Ok((one, steps, newest.0, progressed))
    }

    async fn run_to_end(&self, one: OwnedMutexGuard<()>, request: MaintenanceRequest, steps: Steps) {
        let ended = self.work(&request, &steps).await;
        log_end(request.task(), ended.as_ref());
        // Released first, so that the next task can start as soon as a client knows that this one has ended.
        drop(one);
        steps.end(ended);
    }

    /// Returns the steps of a started task; `None` for any task but the newest.
    pub(crate) fn follow(&self, number: u64) -> Option<watch::Receiver<TaskProgress>> {
        let newest = self.newest();
        newest.1.clone().filter(|_| newest.0 == number)
    }

    /// Interrupts the task in progress; no further task begins.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether a task is in progress, so that runs have to wait.
    pub(crate) fn is_working(&self) -> bool {
        self.at_work.load(Ordering::Relaxed)
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
        let lock = self.begin(steps, &self.stop).await?;
        let task = self.task(&lock, steps, &self.stop);
        let dry_run = matches!(request, MaintenanceRequest::Prune { dry_run: true, .. });
        let work = async {
            match request {
                MaintenanceRequest::Analyze => by_table::analyze(&task).await,
                MaintenanceRequest::Reindex => by_table::reindex(&task).await,
                MaintenanceRequest::Vacuum => vacuum::vacuum(&task).await,
                MaintenanceRequest::Integrity => by_table::integrity(&task).await,
                MaintenanceRequest::Backup { .. } => Err(MaintenanceError::NamesAPath),
                &MaintenanceRequest::Prune { older_than_seconds, dry_run } => {
                    prune::prune(&task, older_than_seconds, dry_run).await
                }
            }
        };
        let report = task.report(request.task(), work).await?;
        Ok(MaintenanceReport { dry_run, ..report })
    }

    /// Waits until no other task and no run is in progress.
    async fn begin(&self, steps: &Steps, stop: &CancellationToken) -> Result<WorkLock<'_>, MaintenanceError> {
        let lock = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(MaintenanceError::Stopped),
            lock = self.work_lock(steps) => lock,
        };
        let config = Arc::clone(&self.config.borrow());
        self.at_work.store(true, Ordering::Relaxed);
        Ok(WorkLock { _lock: lock, at_work: &self.at_work, config })
    }

    fn task<'a>(&'a self, lock: &'a WorkLock<'_>, steps: &'a Steps, stop: &CancellationToken) -> Task<'a> {
        Task {
            config: &lock.config,
            state: self.queue.state(),
            clock: &self.clock,
            limits: self.limits,
            interrupt: Interrupt::new(stop.clone(), Arc::clone(&self.clock)),
            steps,
        }
    }

    /// Waits until no run is in progress.
    async fn work_lock(&self, steps: &Steps) -> OwnedMutexGuard<()> {
        if let Some(lock) = self.queue.try_work_lock() {
            return lock;
        }
        // The run is named only in the message.
        let run = self.queue.current_run().await.ok().flatten();
        let run = run.map_or_else(|| "a run".to_owned(), |run| format!("run {}", run.id));
        steps.publish(&format!("waiting for {run} to end"), 0, 0);
        self.queue.work_lock().await
    }

    fn current_step(&self) -> String {
        match self.newest().1.as_ref().map(|progressed| progressed.borrow().clone()) {
            Some(TaskProgress::Step(step)) => step.doing,
            Some(TaskProgress::Ended(_)) | None => "a scheduled task".to_owned(),
        }
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, (u64, Option<watch::Receiver<TaskProgress>>)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log_end(task: MaintenanceTask, ended: Result<&MaintenanceReport, &MaintenanceError>) {
    match ended {
        Ok(report) => info!("Maintenance {task} took {:.2} seconds", report.seconds),
        Err(error) => warn!("Maintenance {task} failed: {}", describe(error)),
    }
}

/// Held by a task in progress: no run begins meanwhile.
struct WorkLock<'a> {
    _lock: OwnedMutexGuard<()>,
    at_work: &'a AtomicBool,
    config: Arc<RefreshConfig>,
}

impl Drop for WorkLock<'_> {
    fn drop(&mut self) {
        self.at_work.store(false, Ordering::Relaxed);
    }
}

/// Performs the tasks that the schedules have queued, until this is dropped, which may happen at any time, or
/// maintenance is stopped.
pub(crate) async fn run_queued(maintenance: Arc<Maintenance>) {
    // Subscribed before the first check, so that no task that is queued in between is missed.
    let mut work = maintenance.queue.work();
    copy::clear(maintenance.queue.state().path());
    loop {
        match Box::pin(maintenance.run_next()).await {
            Ok(Worked::Something) => {}
            Ok(Worked::Nothing) => {
                work.arrived().await;
            }
            Ok(Worked::Stopped) => return std::future::pending().await,
            Err(error) => {
                error!("Scheduled maintenance is delayed: {}", describe(&error));
                maintenance.clock.sleep(PAUSE).await;
            }
        }
    }
}

enum Worked {
    Something,
    Nothing,
    Stopped,
}

impl Maintenance {
    async fn run_next(&self) -> Result<Worked, StateError> {
        let state = self.queue.state();
        let Some(due) = state.due_task().await? else { return Ok(Worked::Nothing) };
        let retry = self.config.borrow().retry;
        if due.attempts >= retry.attempts {
            error!("Maintenance {} of slot {}: {SET_ASIDE}", due.task, due.slot);
            state.end_task(due.id, self.clock.now(), Some(SET_ASIDE.to_owned())).await?;
            return Ok(Worked::Something);
        }
        state.count_task(due.id, 1).await?;
        match self.perform_due(&due).await {
            Ok(report) => {
                log_scheduled_end(&due, &report);
                state.end_task(due.id, self.clock.now(), None).await?;
            }
            Err(MaintenanceError::Stopped) => {
                state.count_task(due.id, -1).await?;
                return Ok(Worked::Stopped);
            }
            Err(error) => {
                let message = describe(&error);
                let pause = retry.pause(due.attempts.saturating_add(1), self.rng.bits());
                if let Some(pause) = pause.filter(|_| error.is_retryable()) {
                    warn!("Maintenance {} of slot {} failed and is retried: {message}", due.task, due.slot);
                    self.clock.sleep(pause).await;
                } else {
                    error!("Maintenance {} of slot {} failed: {message}", due.task, due.slot);
                    state.end_task(due.id, self.clock.now(), Some(message)).await?;
                }
            }
        }
        Ok(Worked::Something)
    }

    async fn perform_due(&self, due: &DueTask) -> Result<MaintenanceReport, MaintenanceError> {
        let request = match due.task {
            MaintenanceTask::Analyze => MaintenanceRequest::Analyze,
            MaintenanceTask::Prune => MaintenanceRequest::Prune { older_than_seconds: None, dry_run: false },
            MaintenanceTask::Reindex => MaintenanceRequest::Reindex,
            MaintenanceTask::Vacuum => MaintenanceRequest::Vacuum,
            MaintenanceTask::Integrity => MaintenanceRequest::Integrity,
            MaintenanceTask::Backup => return self.back_up(&due.slot).await,
        };
        self.perform(&request).await
    }
}

fn log_scheduled_end(due: &DueTask, report: &MaintenanceReport) {
    let removed: u64 = report.items.iter().map(|item| item.rows).sum();
    let removed =
        if due.task == MaintenanceTask::Prune { format!(", {removed} rows removed") } else { String::new() };
    let (task, slot, seconds) = (due.task, &due.slot, report.seconds);
    info!("Maintenance {task} of slot {slot} took {seconds:.2} seconds{removed}");
}
