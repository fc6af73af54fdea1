//! The list of the daemon's components: what each does, and when it is stopped.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::background::{self, ScheduledMaintenance};
use super::components::{planner, watcher};
use super::reload::LiveConfig;
use crate::clock::Clock;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{Queue, QueueError};
use crate::maintenance::Maintenance;
use crate::notify::{Machine, Notifier};
use crate::refresh::{Refresher, run_until_stopped};
use crate::rpc::{self, Bound, ConnectionLimits};
use crate::schedule::Ticker;
use crate::service::{self, Service};
use crate::state::{Kept, StateError, StateLock};
use crate::supervise::{Component, Failure, Faults, LOCK, SOCKET, Shutdown, Stop};
use crate::telemetry::Telemetry;
use crate::web::{self, BindError, Listening, Web};

/// The worker cannot use the queue.
#[derive(Debug, thiserror::Error)]
#[error("the worker cannot continue; queued runs stay queued until the next start")]
struct WorkerFailed(#[source] QueueError);

/// Another process has taken the lock of the state, whose file had been removed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the lock file of the state was removed, and another process works with the state by now; this one stops"
)]
struct LockLost(#[source] StateError);

pub(super) const WORKER: &str = "worker";
const WEB: &str = "web";

/// Interval at which the lock file is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// What the components are made of.
pub(super) struct Parts {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) live: Arc<LiveConfig>,
    /// Owned by the daemon alone: once that is dropped, another process may use the state.
    pub(super) lock: Weak<StateLock>,
    pub(super) queue: Queue,
    pub(super) refresher: Refresher,
    pub(super) ticker: Ticker,
    pub(super) maintenance_tasks: ScheduledMaintenance,
    pub(super) maintenance: Arc<Maintenance>,
    pub(super) service: Arc<Service>,
    pub(super) socket: (Bound, ConnectionLimits),
    pub(super) telemetry: Option<Telemetry>,
    pub(super) shutdown: Shutdown,
    /// Cancelled when no further run may begin.
    pub(super) idle: CancellationToken,
    /// Cancelled when no further event can occur that would have to be announced.
    pub(super) events_over: CancellationToken,
}

/// The web server, which may have to wait for its port.
pub(super) struct WebServer {
    pub(super) listen: SocketAddr,
    pub(super) app: Web,
    /// The result of the first attempt to listen.
    pub(super) first: Result<Listening, BindError>,
    /// The address while it listens.
    pub(super) address: watch::Sender<Option<SocketAddr>>,
}

/// All components, those without which nothing works first.
pub(super) fn components(parts: Parts, web: Option<WebServer>) -> Vec<Component> {
    let Parts {
        clock, live, lock, queue, refresher, ticker, maintenance_tasks, maintenance, service, ..
    } = parts;
    let Parts { socket: (bound, limits), telemetry, shutdown, idle, events_over, .. } = parts;
    let faults = service.faults.clone();

    let worker = {
        let queue = queue.clone();
        Component::essential(WORKER, Stop::AfterRun, |heartbeat| async move {
            let ended = run_until_stopped(&queue, &refresher, &idle, &heartbeat).await;
            ended.map_err(|error| WorkerFailed(error).into())
        })
    };
    let schedule = Component::essential("schedule", Stop::AtOnce, |heartbeat| async move {
        ticker.run(heartbeat).await;
        Ok(())
    });
    let socket = {
        let (lock, service, shutdown) = (Weak::clone(&lock), Arc::clone(&service), shutdown.clone());
        Component::essential(SOCKET, Stop::AfterClients, move |heartbeat| async move {
            rpc::serve(bound, lock, service, limits, shutdown, heartbeat).await;
            Ok(())
        })
    };
    let keep_lock = {
        let faults = faults.clone();
        Component::essential(LOCK, Stop::AtOnce, |heartbeat| keep(lock, heartbeat, faults))
    };
    let top_up = {
        let (queue, clock, live) = (queue.clone(), Arc::clone(&clock), Arc::clone(&live));
        side("top-up", Stop::AtOnce, move |heartbeat| planner(&queue, &clock, &live).run(heartbeat))
    };
    let watch = {
        let (queue, clock, live) = (queue.clone(), Arc::clone(&clock), Arc::clone(&live));
        side("watch", Stop::AtOnce, move |heartbeat| watcher(&queue, &clock, &live).run(heartbeat))
    };
    let history = {
        let (queue, clock, live) = (queue.clone(), Arc::clone(&clock), Arc::clone(&live));
        side("history", Stop::AtOnce, move |heartbeat| {
            background::prune_daily(queue.clone(), Arc::clone(&clock), live.configs(), heartbeat)
        })
    };
    let samples = {
        let service = Arc::clone(&service);
        side("samples", Stop::AtOnce, move |heartbeat| background::sample(Arc::clone(&service), heartbeat))
    };
    let notify = {
        let (queue, clock, live) = (queue.clone(), Arc::clone(&clock), Arc::clone(&live));
        side("notify", Stop::Last, move |heartbeat| {
            let (events, sources) = (|| queue.events(), service::sources(&service));
            let configs = live.configs();
            let machine = Machine::of(configs.borrow().instance());
            let notifier = Notifier::new(queue.state(), events, &clock, &configs, sources, &machine);
            notifier.run(events_over.clone(), heartbeat)
        })
    };
    let mut first = Some(maintenance_tasks);
    let maintenance = Component::side("maintenance", Stop::WithDaemon, move |heartbeat| {
        let (first, maintenance) = (first.take(), Arc::clone(&maintenance));
        let (queue, clock, live) = (queue.clone(), Arc::clone(&clock), Arc::clone(&live));
        async move {
            let maintenance_tasks = match first {
                Some(maintenance_tasks) => maintenance_tasks,
                None => ScheduledMaintenance::begin(&queue, &clock, &live).await?,
            };
            Box::pin(maintenance_tasks.run(maintenance, heartbeat)).await;
            Ok(())
        }
    });
    let log = telemetry.map(|telemetry| {
        side("log", Stop::AtOnce, move |heartbeat| {
            let telemetry = telemetry.clone();
            async move { telemetry.tidy_daily(&heartbeat).await }
        })
    });
    // Only process 1 of a container inherits the processes of others.
    let orphans = (std::process::id() == 1).then(|| side("orphans", Stop::AtOnce, background::reap));
    let web = web.map(|web| web.component(shutdown, faults));
    let always = [worker, schedule, socket, keep_lock, top_up, watch, history, samples, notify, maintenance];
    always.into_iter().chain(log).chain(orphans).chain(web).collect()
}

/// A side component that cannot fail other than by a panic.
fn side<F>(name: &'static str, stop: Stop, mut run: impl FnMut(Heartbeat) -> F + Send + 'static) -> Component
where
    F: Future<Output = ()> + Send + 'static,
{
    Component::side(name, stop, move |heartbeat| {
        let run = run(heartbeat);
        async move {
            run.await;
            Ok(())
        }
    })
}

impl WebServer {
    fn component(self, shutdown: Shutdown, faults: Faults) -> Component {
        let Self { listen, app, first, address } = self;
        let mut first = Some(first);
        Component::side(WEB, Stop::AfterClients, move |heartbeat| {
            let first = first.take();
            let (app, shutdown) = (app.clone(), shutdown.clone());
            let (address, faults) = (address.clone(), faults.clone());
            async move {
                address.send_replace(None);
                let listening = match first {
                    Some(first) => first?,
                    None => web::bind(listen).await?,
                };
                faults.clear(WEB);
                address.send_replace(Some(listening.address()));
                web::serve(listening, app, shutdown, heartbeat).await;
                Ok(())
            }
        })
    }
}

/// Keeps the lock file locked for as long as the daemon runs. Ends only if another process works with the state.
async fn keep(lock: Weak<StateLock>, heartbeat: Heartbeat, faults: Faults) -> Result<(), Failure> {
    loop {
        heartbeat.nap(CHECK_INTERVAL).await;
        let Some(lock) = lock.upgrade() else { return Ok(()) };
        let path = lock.path().display().to_string();
        // A network file system may be slow to respond.
        match tokio::task::spawn_blocking(move || lock.keep()).await? {
            Ok(Kept::Held) => {}
            Ok(Kept::TakenAgain) => {
                faults.clear(LOCK);
                warn!("The lock file {path} was gone or another one; it is locked again");
            }
            Err(error @ StateError::Held { .. }) => return Err(LockLost(error).into()),
            Err(error) => {
                let what = format!("{path} is gone, and a second daemon could start: {}", describe(&error));
                if faults.set(LOCK, what.clone()) {
                    error!("The lock of the state is lost, trying again: {what}");
                }
            }
        }
    }
}
