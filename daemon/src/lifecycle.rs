//! The daemon as a whole: what is started in which order, and how it ends.
//!
//! Lock first, state next, then what was left unfinished, then the socket: a client that reaches the socket
//! reaches a daemon that can do what it is asked. VMS's database is not needed for any of that; without it
//! the daemon runs, says so, and tries again with every run.

mod error;
mod live;
mod parts;
mod prune;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinError;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::{Config, RestartNeeded};
use crate::describe::describe;
use crate::figures::keep_sampling;
use crate::notify::{Notifier, host_name};
use crate::queue::{Queue, QueueError};
use crate::refresh::work_until;
use crate::rpc::{self, Ending, Limits, Service};
use crate::state::{State, StateError, StateLock};
pub use error::{StartError, TaskFailure, Unusable};
use live::Live;
pub use parts::{Around, Parts};

/// A running daemon. Dropped without [`stop`](Self::stop), it breaks off like a killed one.
#[derive(Debug)]
pub struct Daemon {
    socket: PathBuf,
    queue: Queue,
    live: Live,
    ending: Ending,
    /// No further run is begun.
    idle: CancellationToken,
    worker: AbortOnDropHandle<Result<(), QueueError>>,
    ticker: AbortOnDropHandle<()>,
    planner: AbortOnDropHandle<()>,
    _pruner: AbortOnDropHandle<()>,
    watcher: AbortOnDropHandle<()>,
    server: AbortOnDropHandle<()>,
    notifier: AbortOnDropHandle<()>,
    /// Nothing more will happen that could be told.
    told: CancellationToken,
    sampler: AbortOnDropHandle<()>,
    _guards: [DropGuard; 3],
    /// Goes last: until then nobody else may touch state and socket.
    _lock: StateLock,
}

impl Daemon {
    /// Starts everything; on return clients can connect.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        // What is started is large; on the heap it does not weigh on everybody who starts it.
        Box::pin(Self::start_with(config, clock, Limits::default())).await
    }

    /// Starts everything, with other limits for clients.
    pub async fn start_with(
        config: Config,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let around = Around::new(Arc::clone(&clock));
        let live = Live::new(config, around.patience)?;
        let config = live.config();
        let path = config.state.url.as_path();
        let lock = StateLock::take(path)?;
        let started = clock.now();
        let parts = Parts::with(live, State::open(path, started).await?, around).await?;
        let Parts { queue, ticker, planner, watcher, refresher, live } = parts;

        let socket = config.socket.path.clone();
        let bound = rpc::bind(&socket, &config.socket.write_group, &lock).await?;
        let service = Arc::new(Service {
            queue: queue.clone(),
            clock: Arc::clone(&clock),
            started,
            own_uid: bound.own_uid(),
            config: live.configs(),
            refresh: live.refreshes(),
            schedule: live.schedules(),
            looking: tokio::sync::Mutex::default(),
        });
        let (events, judge) = (|| queue.events(), rpc::judge(&service));
        let notifier = Notifier::new(queue.state(), events, &clock, &live.configs(), judge, &host_name());
        let pruner = prune::prune_daily(queue.clone(), clock, live.configs());

        let (ending, idle, told) = (Ending::default(), CancellationToken::new(), CancellationToken::new());
        let worker = tokio::spawn({
            let (queue, idle) = (queue.clone(), idle.clone());
            async move { work_until(&queue, &refresher, &idle).await }
        });
        let server = tokio::spawn(rpc::serve(bound, Arc::clone(&service), limits, ending.clone()));
        info!("Listening on {}", socket.display());
        Ok(Self {
            socket,
            queue,
            live,
            worker: AbortOnDropHandle::new(worker),
            ticker: AbortOnDropHandle::new(tokio::spawn(ticker.run())),
            planner: AbortOnDropHandle::new(tokio::spawn(planner.run())),
            _pruner: AbortOnDropHandle::new(tokio::spawn(pruner)),
            watcher: AbortOnDropHandle::new(tokio::spawn(watcher.run())),
            server: AbortOnDropHandle::new(server),
            notifier: AbortOnDropHandle::new(tokio::spawn(notifier.run(told.clone()))),
            told,
            sampler: AbortOnDropHandle::new(tokio::spawn(keep_sampling(service))),
            _guards: [&ending.stop, &ending.hang_up, &idle].map(|token| token.clone().drop_guard()),
            ending,
            idle,
            _lock: lock,
        })
    }

    /// Where clients connect.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its runs.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The configuration in effect.
    pub fn config(&self) -> Arc<Config> {
        self.live.config()
    }

    /// Takes over another configuration, as far as that goes without a restart; a run in progress keeps its
    /// own. On an error nothing has changed.
    pub fn reload(&self, new: Config) -> Result<Vec<RestartNeeded>, Unusable> {
        self.live.reload(new)
    }

    /// Waits until something ends that never should; that may be dropped and called again until it returns.
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
            result = &mut self.notifier => ended("notify", result),
        }
    }

    /// Whether the state database answers, which every part depends on.
    pub async fn is_alive(&self) -> bool {
        self.queue.queued_count().await.is_ok()
    }

    /// Ends in two steps: no new requests and no new run, and when the run in progress has ended, nothing at
    /// all. What is queued stays queued. May take as long as a run; dropped before, it breaks off.
    pub async fn stop(mut self) -> Result<(), StateError> {
        self.ending.stop.cancel();
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
        // What ended by itself was told about by `failed` and must not be waited for twice; a panic during the
        // stop ends what was to be ended.
        if !self.worker.is_finished() {
            let _ = (&mut self.worker).await;
        }
        self.ending.hang_up.cancel();
        if !self.server.is_finished() {
            let _ = (&mut self.server).await;
        }
        self.told.cancel();
        if !self.notifier.is_finished() {
            let _ = (&mut self.notifier).await;
        }
        self.queue.state().clone().close().await
    }
}
