//! The autonomous components of a daemon: everything except what serves clients.

use std::fmt;
use std::sync::Arc;

use cached_proto::verb::health::HealthReply;
use cached_proto::words::{SchedulerState, Trigger};
use chrono::TimeDelta;
use tracing::info;

use super::reload::{Environment, LiveConfig, ProcessHandles, Reloader, Unusable};
use crate::clock::Clock;
use crate::config::{Config, RestartNeeded};
use crate::jobs::{NewRun, Queue, QueueError};
use crate::maintenance::Maintenance;
use crate::refresh::{RefreshError, Refresher};
use crate::reports;
use crate::rpc::BindError;
use crate::schedule::{NIGHTLY, Planner, Ticker};
use crate::service::{Service, health};
use crate::state::{State, StateError};
use crate::supervise::Faults;
use crate::watch::Watcher;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] Unusable),
    /// The daemon's own database cannot be used, or another process uses it.
    #[error(transparent)]
    State(#[from] StateError),
    /// The queue in that database cannot be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The control socket cannot be served.
    #[error(transparent)]
    Socket(#[from] BindError),
}

/// The autonomous components of a daemon, ready to be run or, in tests, stepped through.
pub struct Components {
    /// The daemon's runs.
    pub queue: Queue,
    /// Queues a run for each slot.
    pub ticker: Ticker,
    /// Tops up tables between the scheduled runs.
    pub planner: Planner,
    /// Detects changes made by other processes.
    pub watcher: Watcher,
    /// Executes runs.
    pub refresher: Refresher,
    live: Arc<LiveConfig>,
}

impl Components {
    /// Recovers unfinished work from `state` and creates all components. If another process may use the same
    /// state, the caller must hold its lock.
    pub async fn boot(config: Config, state: State, environment: Environment) -> Result<Self, StartError> {
        let live = Arc::new(LiveConfig::new(config, &environment)?);
        Self::with(live, state, environment).await
    }

    pub(super) async fn with(
        live: Arc<LiveConfig>,
        state: State,
        environment: Environment,
    ) -> Result<Self, StartError> {
        let Environment { clock, rng, .. } = environment;
        let queue = Queue::new(state, Arc::clone(&clock)).with_rng(rng);
        let left = queue.recover().await?;
        if left > 0 {
            info!("Runs that were interrupted and are queued again: {left}");
        }
        let mut ticker = ticker(&queue, &clock, &live).await?;
        // Before a client can start the scheduler: slots that passed while it was stopped stay paused.
        ticker.begin().await?;
        fill(&queue).await?;
        let (planner, watcher) = (planner(&queue, &clock, &live), watcher(&queue, &clock, &live));
        let refresher = Refresher::new(queue.clone(), clock, live.refreshes());
        Ok(Self { queue, ticker, planner, watcher, refresher, live })
    }

    /// Applies a new configuration, as far as that is possible without a restart. Changes nothing on error.
    pub fn reload(&self, new: Config) -> Result<Vec<RestartNeeded>, Unusable> {
        self.live.reload(new)
    }

    pub(super) fn live(&self) -> Arc<LiveConfig> {
        Arc::clone(&self.live)
    }
}

impl fmt::Debug for Components {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Components").field("live", &self.live).finish_non_exhaustive()
    }
}

pub(super) fn planner(queue: &Queue, clock: &Arc<dyn Clock>, live: &LiveConfig) -> Planner {
    Planner::new(NIGHTLY, queue.clone(), Arc::clone(clock), live.schedules(), live.refreshes())
}

pub(super) fn watcher(queue: &Queue, clock: &Arc<dyn Clock>, live: &LiveConfig) -> Watcher {
    Watcher::new(queue.clone(), Arc::clone(clock), live.configs(), live.refreshes())
}

async fn ticker(queue: &Queue, clock: &Arc<dyn Clock>, live: &LiveConfig) -> Result<Ticker, QueueError> {
    let tables = Box::new(|| reports::tables(&[], &[]));
    let configs = live.configs();
    let catch_up = Box::new(move || configs.borrow().schedule.catch_up);
    Ticker::new(NIGHTLY, queue.clone(), Arc::clone(clock), live.schedules(), tables, catch_up).await
}

/// Queues a run if nothing, or not every table, was ever refreshed: waiting until the night would leave
/// reports slow.
async fn fill(queue: &Queue) -> Result<(), QueueError> {
    let running = queue.state().scheduler_state().await? == SchedulerState::Running;
    if !running || queue.queued_count().await? > 0 {
        return Ok(());
    }
    let (tables, last) = (reports::tables(&[], &[]), queue.last_jobs().await?);
    let kept = last.iter().any(|job| job.outcome.is_some_and(|end| end.is_good() && end.is_tried()));
    let whole = tables.iter().all(|table| last.iter().any(|job| job.table == *table));
    if !kept || !whole {
        queue.enqueue(NewRun::new(Trigger::Startup, tables)).await?;
    }
    Ok(())
}

/// Samples of readiness, the daily pruning, and the judgement of health.
#[derive(Debug)]
pub struct Upkeep(Service);

impl Upkeep {
    /// Creates the upkeep of a daemon with these components, started now.
    pub fn of(components: &Components, clock: Arc<dyn Clock>) -> Self {
        let (live, queue) = (components.live(), components.queue.clone());
        let maintenance = Maintenance::new(queue.clone(), Arc::clone(&clock), live.refreshes());
        Self(Service {
            started: clock.now(),
            own_uid: rustix::process::geteuid().as_raw(),
            config: live.configs(),
            refresh: live.refreshes(),
            schedule: live.schedules(),
            maintenance: Arc::new(maintenance),
            reloader: Arc::new(Reloader::new(live, ProcessHandles::default())),
            logs: None,
            surveys: Arc::default(),
            probe: Arc::default(),
            readers: Arc::default(),
            faults: Faults::new(Arc::clone(&clock)),
            queue,
            clock,
        })
    }

    /// Takes a sample of readiness.
    pub async fn sample(&self) -> Result<(), RefreshError> {
        self.0.sample().await
    }

    /// Prunes the history; returns the number of deleted runs.
    pub async fn prune(&self) -> Result<u64, QueueError> {
        let kept = TimeDelta::days(self.0.config.borrow().state.history_days.into());
        self.0.queue.prune(self.0.clock.now(), kept).await
    }

    /// Judges the health, as the verb `health` does.
    pub async fn health(&self) -> HealthReply {
        health::health(&self.0).await
    }
}
