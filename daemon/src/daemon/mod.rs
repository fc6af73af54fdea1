//! The daemon as a whole: the order of its start, and its shutdown.
//!
//! First the lock is taken, then the state is opened, then unfinished work is recovered, then the socket is
//! opened: a client that can connect reaches a daemon that can serve requests. VMS's database is not needed
//! for any of that; without it the daemon runs, reports the problem, and tries again with every run.

mod background;
mod components;
mod list;
mod reload;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Config, RestartNeeded};
use crate::describe::describe;
use crate::jobs::Queue;
use crate::maintenance::Maintenance;
use crate::rpc::{self, ConnectionLimits};
use crate::service::Service;
use crate::state::{Lane, State, StateError, StateLock};
pub use crate::supervise::TaskFailure;
use crate::supervise::{Faults, LOCK, Shutdown, Stop, Supervisor};
use crate::telemetry::Telemetry;
use crate::web::{self, Web};
use background::ScheduledMaintenance;
pub use components::{Components, StartError, Upkeep};
use list::{Parts, WORKER, WebServer, components};
pub use reload::{Environment, NotReloaded, ProcessHandles, ReloadObserver, Reloaded, Unusable};
use reload::{LiveConfig, Reloader};

/// A running daemon. If dropped without [`stop`](Self::stop), it stops abruptly, as if it were killed.
#[derive(Debug)]
pub struct Daemon {
    socket: PathBuf,
    queue: Queue,
    live: Arc<LiveConfig>,
    reloader: Arc<Reloader>,
    components: Supervisor,
    http: watch::Receiver<Option<SocketAddr>>,
    maintenance: Arc<Maintenance>,
    shutdown: Shutdown,
    /// Cancelled when no further run may begin.
    idle: CancellationToken,
    /// Cancelled when no further event can occur that would have to be announced.
    events_over: CancellationToken,
    /// Whether the run in progress may be the cause of the daemon's end; false once another process owns it.
    is_suspect: bool,
    _guards: [DropGuard; 4],
    /// Dropped last: until then no other process may use the state and the socket.
    _lock: Arc<StateLock>,
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
        let environment = Environment { reports: host.reports, ..Environment::new(Arc::clone(&clock)) };
        let live = Arc::new(LiveConfig::new(config, &environment)?);
        let (telemetry, inherited) = (host.telemetry.clone(), host.inherited.take());
        let reloader = Arc::new(Reloader::new(Arc::clone(&live), host));
        let config = live.config();
        let path = config.state.url.as_path();
        let lock = Arc::new(StateLock::take(path)?);
        let started = clock.now();
        let state = State::open(path, started).await?;
        let parts = Box::pin(Components::with(Arc::clone(&live), state, environment)).await?;
        let Components { queue, ticker, refresher, .. } = parts;
        let maintenance_tasks = ScheduledMaintenance::begin(&queue, &clock, &live).await?;

        let bound = rpc::open(inherited, &config.socket.path, &config.socket.write_group, &lock).await?;
        let socket = bound.path().to_owned();
        let maintenance = Maintenance::new(queue.clone(), Arc::clone(&clock), live.refreshes());
        let maintenance = Arc::new(maintenance.with_backups(live.configs()));
        let faults = Faults::new(Arc::clone(&clock));
        let service = Arc::new(Service {
            queue: queue.on(Lane::Readers),
            clock: Arc::clone(&clock),
            started,
            own_uid: bound.own_uid(),
            config: live.configs(),
            refresh: live.refreshes(),
            schedule: live.schedules(),
            maintenance: Arc::clone(&maintenance),
            reloader: Arc::<Reloader>::clone(&reloader),
            logs: telemetry.as_ref().map(Telemetry::logs),
            surveys: Arc::default(),
            probe: Arc::default(),
            readers: Arc::default(),
            faults: faults.clone(),
        });
        let shutdown = Shutdown::default();
        let (idle, events_over) = (CancellationToken::new(), CancellationToken::new());
        let (address, http) = watch::channel(None);
        let web = match config.http.listen {
            Some(listen) => {
                let hang_up = shutdown.hang_up.clone();
                let app = Web::new(Arc::clone(&service), live.authorities(), web_limits, hang_up);
                let first = web::bind(listen).await;
                address.send_replace(first.as_ref().ok().map(web::Listening::address));
                Some(WebServer { listen, app, first, address })
            }
            None => None,
        };
        info!("Listening on {}", socket.display());
        let parts = Parts {
            clock: Arc::clone(&clock),
            live: Arc::clone(&live),
            lock: Arc::downgrade(&lock),
            queue: queue.clone(),
            refresher,
            ticker,
            maintenance_tasks,
            maintenance: Arc::clone(&maintenance),
            service,
            socket: (bound, limits),
            telemetry,
            shutdown: shutdown.clone(),
            idle: idle.clone(),
            events_over: events_over.clone(),
        };
        Ok(Self {
            socket,
            queue,
            live,
            reloader,
            components: Supervisor::start(components(parts, web), &clock, &faults, &shutdown.stop),
            http,
            _guards: [&shutdown.stop, &shutdown.hang_up, &idle, maintenance.stopper()]
                .map(|token| token.clone().drop_guard()),
            maintenance,
            shutdown,
            idle,
            events_over,
            is_suspect: false,
            _lock: lock,
        })
    }

    /// Path of the control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Address of the web page; none if `http.listen` is empty or the page cannot be served at the moment.
    pub fn http(&self) -> Option<SocketAddr> {
        *self.http.borrow()
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

    /// Waits until a component ends without which the daemon cannot work; [`stop`](Self::stop) it then.
    /// Cancel-safe: the future may be dropped and the method called again until it returns.
    pub async fn failed(&mut self) -> TaskFailure {
        let failure = self.components.failed().await;
        self.is_suspect |= matches!(
            failure,
            TaskFailure::Panicked { task: WORKER, .. } | TaskFailure::Failed { task: LOCK, .. }
        );
        failure
    }

    /// Whether the state database, which every component depends on, answers and no heartbeat of an essential
    /// component is overdue. One of another component is a reason of `health`.
    pub async fn is_alive(&self) -> bool {
        if let Some((name, late)) = self.components.silent() {
            error!("The {name} loop is {} seconds overdue with its heartbeat", late.as_secs());
            return false;
        }
        self.queue.on(Lane::Probes).queued_count().await.is_ok()
    }

    /// Stops in two steps: first no new requests and runs are accepted; then, once the run in progress has
    /// ended, everything is stopped. Queued runs stay queued. May take as long as a run; if the future is
    /// dropped earlier, the run is aborted.
    pub async fn stop(mut self) -> Result<(), StateError> {
        self.shutdown.stop.cancel();
        self.idle.cancel();
        if !self.is_suspect
            && let Err(error) = self.queue.record_stop().await
        {
            warn!(
                "If the run in progress is aborted now, it counts as a death of the daemon: {}",
                describe(&error)
            );
        }
        self.components.stop(Stop::AtOnce).await;
        self.maintenance.stop();
        self.components.stop(Stop::AfterRun).await;
        // A cancelled maintenance task ends as soon as SQLite has rolled back its unfinished work.
        drop(self.maintenance.ended().await);
        self.shutdown.hang_up.cancel();
        self.components.stop(Stop::AfterClients).await;
        self.events_over.cancel();
        self.components.stop(Stop::Last).await;
        self.queue.state().clone().close().await
    }
}
