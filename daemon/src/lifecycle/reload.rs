//! Reading the configuration again: one piece for the signal and for the verb.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cached_proto::verb::reload::{ChangedKey, ReloadReply, WaitingKey};
use tracing::{error, info, warn};

use super::Unusable;
use super::live_config::LiveConfig;
use crate::config::{Changed, Config, ConfigErrors, RestartNeeded};
use crate::describe::describe;
use crate::reports::{Reports, report};
use crate::rpc::{Inherited, Reloads};
use crate::telemetry::Telemetry;

/// Reads the configuration from where it was read at the start.
type Load = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// What the process around a daemon gives it; by default, nothing but the reports there are.
pub struct ProcessHandles {
    /// The reports by table; tests give others.
    pub reports: Reports,
    /// Reads the configuration again; without it there is nothing to reload.
    pub load: Option<Load>,
    /// The log of the process; without it nobody can read the log through the daemon.
    pub telemetry: Option<Telemetry>,
    /// The control socket, if the service manager listens on it already.
    pub inherited: Option<Inherited>,
    /// Hears of reloads.
    pub manager: Option<Box<dyn ReloadObserver>>,
}

impl Default for ProcessHandles {
    fn default() -> Self {
        Self { reports: report, load: None, telemetry: None, manager: None, inherited: None }
    }
}

/// Who wants to know that the configuration is being read.
pub trait ReloadObserver: Send + Sync {
    /// It is; [`ready`](Self::ready) follows.
    fn reloading(&self);
    /// It was, whatever came of it.
    fn ready(&self);
}

/// What a reload changed.
#[derive(Debug)]
pub struct Reloaded {
    /// What is in effect now.
    pub changed: Vec<Changed>,
    /// What waits for a restart.
    pub waiting: Vec<RestartNeeded>,
    /// Settings of the log that could not take effect, one line.
    pub log: Option<String>,
}

/// Why nothing was reloaded; the running configuration stays in effect.
#[derive(Debug, thiserror::Error)]
pub enum NotReloaded {
    /// Nobody said where the configuration comes from.
    #[error("this daemon was started without a configuration that could be read again; restart it instead")]
    NoSource,
    /// It is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// It is of no use.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl NotReloaded {
    /// Everything that is wrong, each on one line.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Config(errors) => errors.iter().map(|error| describe(error)).collect(),
            other => vec![describe(other)],
        }
    }
}

/// Reloads the configuration of a daemon.
pub(super) struct Reloader {
    live: Arc<LiveConfig>,
    host: ProcessHandles,
    /// Two reloads at once would tell the service manager nonsense.
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

    /// Reads the configuration again and takes over what can be; one that is of no use changes nothing. The log
    /// tells about it either way. Blocks for as long as it takes to read some small files.
    pub(super) fn read_again(&self) -> Result<Reloaded, NotReloaded> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manager) = &self.host.manager {
            manager.reloading();
        }
        let result = self.take_over();
        if let Some(manager) = &self.host.manager {
            manager.ready();
        }
        tell(&result);
        result
    }

    fn take_over(&self) -> Result<Reloaded, NotReloaded> {
        let telemetry = self.host.telemetry.as_ref();
        // Whatever becomes of the configuration, what rotates logs wants this.
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

fn tell(result: &Result<Reloaded, NotReloaded>) {
    match result {
        Ok(reloaded) => {
            if let Some(trouble) = &reloaded.log {
                error!("{trouble}");
            }
            for key in &reloaded.waiting {
                warn!("{key}");
            }
            info!("The configuration is reloaded");
        }
        Err(errors) => {
            for line in errors.lines() {
                error!("{line}");
            }
            error!("The configuration is not reloaded: the running one stays in effect");
        }
    }
}
