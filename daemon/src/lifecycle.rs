//! The daemon as a whole: the order of its start, and its shutdown.
//!
//! First the lock is taken, then the state is opened, then unfinished work is recovered, then the socket is
//! opened: a client that can connect reaches a daemon that can serve requests. VMS's database is not needed
//! for any of that; without it the daemon runs, reports the problem, and tries again with every run.

mod chores;
mod components;
mod error;
mod live_config;
mod prune;
mod reload;
mod sampler;
mod upkeep;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinError;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Config, RestartNeeded};
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::maintenance::Maintenance;
use crate::notify::{Notifier, host_name};
use crate::probe::Probe;
use crate::queue::{Queue, QueueError};
use crate::refresh::work_until;
use crate::rpc::{self, ConnectionLimits, Service, Shutdown};
use crate::single_flight::SingleFlight;
use crate::state::{State, StateError, StateLock};
use crate::telemetry::Telemetry;
use crate::web::{self, Web};
use chores::Chores;
pub use components::{Components, Environment};
pub use error::{StartError, TaskFailure, Unusable};
use live_config::LiveConfig;
use reload::Reloader;
pub use reload::{NotReloaded, ProcessHandles, ReloadObserver, Reloaded};
pub use upkeep::Upkeep;

/// A running daemon. If dropped without [`stop`](Self::stop), it stops abruptly, as if it were killed.
#[derive(Debug)]
pub struct Daemon {
    socket: PathBuf,
    queue: Queue,
    live: Arc<LiveConfig>,
    reloader: Arc<Reloader>,
    shutdown: Shutdown,
    /// Cancelled when no further run may begin.
    idle: CancellationToken,
    worker: AbortOnDropHandle<Result<(), QueueError>>,
    ticker: AbortOnDropHandle<()>,
    planner: AbortOnDropHandle<()>,
    _pruner: AbortOnDropHandle<()>,
    watcher: AbortOnDropHandle<()>,
    server: AbortOnDropHandle<()>,
    web: AbortOnDropHandle<()>,
    http: Option<SocketAddr>,
    notifier: AbortOnDropHandle<()>,
    /// Cancelled when no further events to notify of can occur.
    told: CancellationToken,
    heartbeats: [Heartbeat; 2],
    sampler: AbortOnDropHandle<()>,
    chores: AbortOnDropHandle<()>,
    maintenance: Arc<Maintenance>,
    _guards: [DropGuard; 4],
    /// Dropped last: until then no other process may use the state and the socket.
    _lock: StateLock,
}

impl Daemon {
    /// Starts the daemon; clients can connect once this returns.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        // The future is large; boxing it keeps it out of the callers' futures.
        let (limits, web, host) =
            (ConnectionLimits::default(), web::HttpLimits::default(), ProcessHandles::default());
        Box::pin(Self::start_with(config, clock, limits, web, host)).await
    }

    /// Starts the daemon with the given limits for clients and the handles of the process.
    pub async fn start_with(
        config: Config,
        clock: Arc<dyn Clock>,
        limits: ConnectionLimits,
        web_limits: web::HttpLimits,
        mut host: ProcessHandles,
    ) -> Result<Self, StartError> {
        let around = Environment { reports: host.reports, ..Environment::new(Arc::clone(&clock)) };
        let live = Arc::new(LiveConfig::new(config, &around)?);
        let (logs, inherited) = (host.telemetry.as_ref().map(Telemetry::logs), host.inherited.take());
        let reloader = Arc::new(Reloader::new(Arc::clone(&live), host));
        let config = live.config();
        let path = config.state.url.as_path();
        let lock = StateLock::take(path)?;
        let started = clock.now();
        let state = State::open(path, started).await?;
        let parts = Box::pin(Components::with(Arc::clone(&live), state, around)).await?;
        let Components { queue, ticker, planner, watcher, refresher, .. } = parts;
        let chores = Chores::begin(&queue, &clock, &live).await?;

        let bound = rpc::open(inherited, &config.socket.path, &config.socket.write_group, &lock).await?;
        let socket = bound.path().to_owned();
        let maintenance = Arc::new(Maintenance::new(queue.clone(), Arc::clone(&clock), live.refreshes()));
        let service = Arc::new(Service {
            queue: queue.clone(),
            clock: Arc::clone(&clock),
            started,
            own_uid: bound.own_uid(),
            config: live.configs(),
            refresh: live.refreshes(),
            schedule: live.schedules(),
            maintenance: Arc::clone(&maintenance),
            reloader: Arc::<Reloader>::clone(&reloader),
            logs,
            looking: tokio::sync::Mutex::default(),
            surveys: SingleFlight::default(),
            probe: Probe::default(),
        });
        let listening = listen(&config).await?;
        let http = listening.as_ref().map(web::Listening::address);
        let (events, judge) = (|| queue.events(), rpc::judge(&service));
        let notifier = Notifier::new(queue.state(), events, &clock, &live.configs(), judge, &host_name());
        let pruner = prune::prune_daily(queue.clone(), Arc::clone(&clock), live.configs());
        let heartbeats = ["worker", "schedule"].map(|name| Heartbeat::new(name, &clock));
        // Not part of `is_alive`: a night without maintenance is no reason to restart the daemon.
        let unwatched = Heartbeat::new("maintenance", &clock);

        let (shutdown, idle, told) =
            (Shutdown::default(), CancellationToken::new(), CancellationToken::new());
        let worker = tokio::spawn({
            let (queue, idle, [heartbeat, _]) = (queue.clone(), idle.clone(), heartbeats.clone());
            async move { work_until(&queue, &refresher, &idle, &heartbeat).await }
        });
        let server = tokio::spawn(rpc::serve(bound, Arc::clone(&service), limits, shutdown.clone()));
        info!("Listening on {}", socket.display());
        let app = Web::new(Arc::clone(&service), live.authorities(), web_limits, shutdown.hang_up.clone());
        let web = tokio::spawn(web::serve(listening, app, shutdown.clone()));
        Ok(Self {
            socket,
            queue,
            live,
            reloader,
            worker: AbortOnDropHandle::new(worker),
            ticker: AbortOnDropHandle::new(tokio::spawn(ticker.run(heartbeats[1].clone()))),
            planner: AbortOnDropHandle::new(tokio::spawn(planner.run())),
            _pruner: AbortOnDropHandle::new(tokio::spawn(pruner)),
            watcher: AbortOnDropHandle::new(tokio::spawn(watcher.run())),
            server: AbortOnDropHandle::new(server),
            web: AbortOnDropHandle::new(web),
            http,
            notifier: AbortOnDropHandle::new(tokio::spawn(notifier.run(told.clone()))),
            told,
            heartbeats,
            sampler: AbortOnDropHandle::new(tokio::spawn(sampler::run(service))),
            _guards: [&shutdown.stop, &shutdown.hang_up, &idle, maintenance.stopper()]
                .map(|token| token.clone().drop_guard()),
            chores: AbortOnDropHandle::new(tokio::spawn(chores.run(Arc::clone(&maintenance), unwatched))),
            maintenance,
            shutdown,
            idle,
            _lock: lock,
        })
    }

    /// Path of the control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Address of the web page; none if `http.listen` is empty.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The queue of runs.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The configuration in effect.
    pub fn config(&self) -> Arc<Config> {
        self.live.config()
    }

    /// Loads the configuration again from the sources of the process and applies it, as SIGHUP and the verb
    /// `reload` do. Changes nothing on error.
    pub fn read_again(&self) -> Result<Reloaded, NotReloaded> {
        self.reloader.read_again()
    }

    /// Applies a new configuration, as far as that is possible without a restart; a run in progress keeps the
    /// previous one. Changes nothing on error.
    pub fn reload(&self, new: Config) -> Result<Vec<RestartNeeded>, Unusable> {
        self.live.reload(new)
    }

    /// Waits until a task ends that should run for ever. Cancel-safe: the future may be dropped and the
    /// method called again until it returns.
    pub async fn failed(&mut self) -> TaskFailure {
        let ended = |task, result: Result<(), JoinError>| match result {
            Ok(()) => TaskFailure::Ended { task },
            Err(source) => TaskFailure::Panicked { task, source },
        };
        tokio::select! {
            result = &mut self.worker => match result {
                Ok(Err(source)) => TaskFailure::Queue(source),
                other => ended("worker", other.map(drop)),
            },
            result = &mut self.ticker => ended("schedule", result),
            result = &mut self.planner => ended("top-up", result),
            result = &mut self.watcher => ended("watch", result),
            result = &mut self.server => ended("control socket", result),
            result = &mut self.web => ended("web", result),
            result = &mut self.notifier => ended("notify", result),
            result = &mut self.chores => ended("maintenance", result),
        }
    }

    /// Whether the state database, which every component depends on, answers and no heartbeat of the worker
    /// and schedule loops is overdue.
    pub async fn is_alive(&self) -> bool {
        let mut silent =
            self.heartbeats.iter().filter_map(|heartbeat| Some((heartbeat.name(), heartbeat.overdue()?)));
        if let Some((name, late)) = silent.next() {
            error!("The {name} loop has not been heard of for {} seconds longer than it may", late.as_secs());
            return false;
        }
        self.queue.queued_count().await.is_ok()
    }

    /// Stops in two steps: first no new requests and runs are accepted; then, once the run in progress has
    /// ended, everything is stopped. Queued runs stay queued. May take as long as a run; if the future is
    /// dropped earlier, the run is aborted.
    pub async fn stop(mut self) -> Result<(), StateError> {
        self.shutdown.stop.cancel();
        self.idle.cancel();
        if let Err(error) = self.queue.leave().await {
            warn!(
                "Should the run in progress be broken off, it counts as a death of the daemon: {}",
                describe(&error)
            );
        }
        self.ticker.abort();
        self.planner.abort();
        self.watcher.abort();
        self.sampler.abort();
        self.maintenance.stop();
        // A task that ended by itself was reported by `failed` and must not be awaited twice. A panic during
        // the stop is ignored, because the task was to end anyway.
        if !self.worker.is_finished() {
            let _ = (&mut self.worker).await;
        }
        // A cancelled maintenance task ends as soon as SQLite has rolled back its unfinished work.
        drop(self.maintenance.ended().await);
        self.shutdown.hang_up.cancel();
        if !self.server.is_finished() {
            let _ = (&mut self.server).await;
        }
        if !self.web.is_finished() {
            let _ = (&mut self.web).await;
        }
        self.told.cancel();
        if !self.notifier.is_finished() {
            let _ = (&mut self.notifier).await;
        }
        self.queue.state().clone().close().await
    }
}

async fn listen(config: &Config) -> Result<Option<web::Listening>, web::BindError> {
    match config.http.listen {
        Some(address) => web::bind(address).await.map(Some),
        None => Ok(None),
    }
}
