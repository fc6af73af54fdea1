//! The configuration in effect, and how it is reloaded: on SIGHUP and on the verb `reload`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cached_proto::verb::reload::{ChangedKey, ReloadReply, WaitingKey};
use cached_proto::words::MaintenanceTask;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Changed, Config, ConfigErrors, RestartNeeded};
use crate::describe::describe;
use crate::refresh::{ConfigureError, RefreshConfig};
use crate::reports::{Reports, report};
use crate::rng::{Rng, SystemRng};
use crate::rpc::Inherited;
use crate::schedule::{Schedule, ScheduleError};
use crate::service::Reloads;
use crate::telemetry::Telemetry;
use crate::vms::LOCK_TIMEOUT;
use crate::web::auth::Authority;

/// Why a configuration that is valid in itself cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A data file named by the configuration cannot be used.
    #[error(transparent)]
    Reports(#[from] ConfigureError),
    /// Clients of the web page cannot be identified.
    #[error("the web page cannot be served: {0}")]
    Visitors(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The refresh schedule cannot be used.
    #[error("the [schedule] section cannot be used: {0}")]
    Schedule(#[from] ScheduleError),
}

/// Dependencies of a daemon's components that are passed in.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Source of time.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness.
    pub rng: Arc<dyn Rng>,
    /// How long to wait for a lock of another connection on VMS's database.
    pub lock_timeout: Duration,
    /// Returns the report of a table.
    pub reports: Reports,
}

impl Environment {
    /// The environment of a daemon in production.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, rng: Arc::new(SystemRng), lock_timeout: LOCK_TIMEOUT, reports: report }
    }
}

/// The maintenance tasks that can have a schedule.
const SCHEDULED: [MaintenanceTask; 3] =
    [MaintenanceTask::Analyze, MaintenanceTask::Prune, MaintenanceTask::Backup];

/// The configuration in effect and the values derived from it, published to the components over watch
/// channels.
#[derive(Debug)]
pub(super) struct LiveConfig {
    /// How long to wait for a lock of another connection on VMS's database.
    lock_timeout: Duration,
    config: watch::Sender<Arc<Config>>,
    refresh: watch::Sender<Arc<RefreshConfig>>,
    schedule: watch::Sender<Arc<Schedule>>,
    /// Those of [`SCHEDULED`].
    maintenance_schedules: [watch::Sender<Arc<Schedule>>; SCHEDULED.len()],
    authority: watch::Sender<Arc<Authority>>,
    reports: Reports,
}

impl LiveConfig {
    pub(super) fn new(config: Config, environment: &Environment) -> Result<Self, Unusable> {
        let Environment { lock_timeout, reports, .. } = *environment;
        let authority = Authority::new(&config.http, Arc::clone(&environment.clock));
        let authority = authority.map_err(|error| Unusable::Visitors(Box::new(error)))?;
        let refresh = configured(&config, reports, lock_timeout)?;
        Ok(Self {
            lock_timeout,
            reports,
            refresh: watch::Sender::new(Arc::new(refresh)),
            schedule: watch::Sender::new(Arc::new(Schedule::configured(&config.schedule)?)),
            maintenance_schedules: SCHEDULED
                .map(|task| watch::Sender::new(Arc::new(maintenance_schedule(&config, task)))),
            authority: watch::Sender::new(Arc::new(authority)),
            config: watch::Sender::new(Arc::new(config)),
        })
    }

    /// Applies a new configuration completely or not at all. Returns the keys that need a restart.
    pub(super) fn reload(&self, new: Config) -> Result<Vec<RestartNeeded>, Unusable> {
        let running = self.config();
        let (new, waiting) = running.reload(new);
        let refresh = configured(&new, self.reports, self.lock_timeout)?;
        // An unchanged schedule is not replaced, because a ticker does not run slots that passed before it
        // received a new schedule.
        let schedule =
            (new.schedule != running.schedule).then(|| Schedule::configured(&new.schedule)).transpose()?;
        let zone_changed = new.schedule.timezone != running.schedule.timezone;
        let maintenance_changed = zone_changed || new.maintenance != running.maintenance;
        self.refresh.send_replace(Arc::new(refresh));
        if maintenance_changed {
            for (task, schedule) in SCHEDULED.into_iter().zip(&self.maintenance_schedules) {
                schedule.send_replace(Arc::new(maintenance_schedule(&new, task)));
            }
        }
        if let Some(schedule) = schedule {
            self.schedule.send_replace(Arc::new(schedule));
        }
        let authority = self.authority.borrow().rebuilt(&new.http);
        self.authority.send_replace(Arc::new(authority));
        self.config.send_replace(Arc::new(new));
        Ok(waiting)
    }

    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    pub(super) fn authorities(&self) -> watch::Receiver<Arc<Authority>> {
        self.authority.subscribe()
    }

    pub(super) fn configs(&self) -> watch::Receiver<Arc<Config>> {
        self.config.subscribe()
    }

    pub(super) fn refreshes(&self) -> watch::Receiver<Arc<RefreshConfig>> {
        self.refresh.subscribe()
    }

    /// The schedule of each maintenance task that can have one; without a configured one it never fires.
    pub(super) fn maintenance_schedules(
        &self,
    ) -> impl Iterator<Item = (MaintenanceTask, watch::Receiver<Arc<Schedule>>)> {
        SCHEDULED.into_iter().zip(self.maintenance_schedules.iter().map(watch::Sender::subscribe))
    }

    pub(super) fn schedules(&self) -> watch::Receiver<Arc<Schedule>> {
        self.schedule.subscribe()
    }
}

fn configured(config: &Config, reports: Reports, lock_timeout: Duration) -> Result<RefreshConfig, Unusable> {
    let refresh = RefreshConfig::of(config)?;
    let vms = refresh.vms.with_lock_timeout(lock_timeout);
    Ok(RefreshConfig { vms, reports, ..refresh })
}

fn maintenance_schedule(config: &Config, task: MaintenanceTask) -> Schedule {
    let zone = config.schedule.timezone;
    let cron = match task {
        MaintenanceTask::Analyze => &config.maintenance.analyze,
        MaintenanceTask::Backup => &config.maintenance.backup,
        _ => &config.maintenance.prune,
    };
    cron.as_ref().map_or_else(|| Schedule::never(zone), |cron| Schedule::cron(cron, zone))
}

/// Loads the configuration from the same sources as at the start.
type Load = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// What the surrounding process provides to a daemon; by default, only the built-in reports.
pub struct ProcessHandles {
    /// Returns the report of a table; tests replace it.
    pub reports: Reports,
    /// Loads the configuration again; if absent, reloading is not possible.
    pub load: Option<Load>,
    /// The log of the process; if absent, clients cannot read the log through the daemon.
    pub telemetry: Option<Telemetry>,
    /// The control socket, if the service manager already listens on it.
    pub inherited: Option<Inherited>,
    /// Notified of reloads.
    pub manager: Option<Box<dyn ReloadObserver>>,
}

impl Default for ProcessHandles {
    fn default() -> Self {
        Self { reports: report, load: None, telemetry: None, manager: None, inherited: None }
    }
}

/// An observer of reloads, such as the service manager.
pub trait ReloadObserver: Send + Sync {
    /// Called before a reload; [`ready`](Self::ready) follows.
    fn reloading(&self);
    /// Called after a reload, whether it succeeded or failed.
    fn ready(&self);
}

/// What a reload changed.
#[derive(Debug)]
pub struct Reloaded {
    /// Keys whose new value is in effect.
    pub changed: Vec<Changed>,
    /// Keys whose new value takes effect after a restart.
    pub waiting: Vec<RestartNeeded>,
    /// The error if log settings could not be applied, as one line.
    pub log: Option<String>,
}

/// Why nothing was reloaded; the running configuration stays in effect.
#[derive(Debug, thiserror::Error)]
pub enum NotReloaded {
    /// The daemon was started without a way to load its configuration again.
    #[error("this daemon was started without a configuration that could be read again; restart it instead")]
    NoSource,
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The configuration is valid but cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl NotReloaded {
    /// All errors, one per line.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Config(errors) => errors.iter().map(|error| describe(error)).collect(),
            other => vec![describe(other)],
        }
    }
}

/// Reloads the daemon's configuration.
pub(super) struct Reloader {
    live: Arc<LiveConfig>,
    host: ProcessHandles,
    /// Serialises reloads; two at once would send the service manager contradictory states.
    one: Mutex<()>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    pub(super) fn new(live: Arc<LiveConfig>, host: ProcessHandles) -> Self {
        Self { live, host, one: Mutex::new(()) }
    }

    /// Loads the configuration and applies what can be applied without a restart; an unusable one changes
    /// nothing. Logs the result in either case. Blocks while it reads some small files.
    pub(super) fn read_again(&self) -> Result<Reloaded, NotReloaded> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = &self.host.manager {
            manager.reloading();
        }
        let result = self.take_over();
        if let Some(manager) = &self.host.manager {
            manager.ready();
        }
        log(&result);
        result
    }

    fn take_over(&self) -> Result<Reloaded, NotReloaded> {
        let telemetry = self.host.telemetry.as_ref();
        // Reopen the log file even if the reload fails, since log rotation relies on it.
        telemetry.inspect(|telemetry| telemetry.reopen());
        let new = self.host.load.as_ref().ok_or(NotReloaded::NoSource)?()?;
        let before = self.live.config();
        let waiting = self.live.reload(new)?;
        let config = self.live.config();
        let log = telemetry.and_then(|telemetry| telemetry.reload(&config).err());
        Ok(Reloaded { changed: before.changes(&config), waiting, log: log.map(|error| describe(&error)) })
    }
}

impl Reloads for Reloader {
    fn reload(&self) -> ReloadReply {
        let changed = |Changed { key, from, to }| ChangedKey { key, from, to };
        let waits = |RestartNeeded { key, running, wanted }| WaitingKey { key, running, wanted };
        match self.read_again() {
            Ok(reloaded) => ReloadReply {
                reloaded: true,
                changed: reloaded.changed.into_iter().map(changed).collect(),
                waiting: reloaded.waiting.into_iter().map(waits).collect(),
                errors: reloaded.log.into_iter().collect(),
            },
            Err(error) => ReloadReply {
                reloaded: false,
                changed: Vec::new(),
                waiting: Vec::new(),
                errors: error.lines(),
            },
        }
    }
}

fn log(result: &Result<Reloaded, NotReloaded>) {
    match result {
        Ok(reloaded) => {
            if let Some(trouble) = &reloaded.log {
                error!("{trouble}");
            }
            for key in &reloaded.waiting {
                warn!("{key}");
            }
            info!("Configuration reloaded");
        }
        Err(errors) => {
            for line in errors.lines() {
                error!("{line}");
            }
            error!("Configuration not reloaded: the running one stays in effect");
        }
    }
}
