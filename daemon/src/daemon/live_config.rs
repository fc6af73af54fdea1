//! The configuration in effect and the values derived from it, published to the components over watch
//! channels.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::Chore;
use tokio::sync::watch;

use super::{Environment, Unusable};
use crate::config::{Config, RestartNeeded};
use crate::refresh::RefreshConfig;
use crate::reports::Reports;
use crate::schedule::Schedule;
use crate::web::auth::Authority;

#[derive(Debug)]
pub(super) struct LiveConfig {
    /// How long to wait for a lock of another connection on VMS's database.
    patience: Duration,
    config: watch::Sender<Arc<Config>>,
    refresh: watch::Sender<Arc<RefreshConfig>>,
    schedule: watch::Sender<Arc<Schedule>>,
    analyze: watch::Sender<Arc<Schedule>>,
    prune: watch::Sender<Arc<Schedule>>,
    backup: watch::Sender<Arc<Schedule>>,
    authority: watch::Sender<Arc<Authority>>,
    reports: Reports,
}

impl LiveConfig {
    pub(super) fn new(config: Config, around: &Environment) -> Result<Self, Unusable> {
        let Environment { patience, reports, .. } = *around;
        let authority = Authority::new(&config.http, Arc::clone(&around.clock));
        let authority = authority.map_err(|error| Unusable::Visitors(Box::new(error)))?;
        let refresh = RefreshConfig { reports, patience, ..RefreshConfig::of(&config)? };
        Ok(Self {
            patience,
            reports,
            refresh: watch::Sender::new(Arc::new(refresh)),
            schedule: watch::Sender::new(Arc::new(Schedule::configured(&config.schedule)?)),
            analyze: watch::Sender::new(Arc::new(chore_schedule(&config, Chore::Analyze))),
            prune: watch::Sender::new(Arc::new(chore_schedule(&config, Chore::Prune))),
            backup: watch::Sender::new(Arc::new(chore_schedule(&config, Chore::Backup))),
            authority: watch::Sender::new(Arc::new(authority)),
            config: watch::Sender::new(Arc::new(config)),
        })
    }

    /// Applies a new configuration completely or not at all. Returns the keys that need a restart.
    pub(super) fn reload(&self, new: Config) -> Result<Vec<RestartNeeded>, Unusable> {
        let running = self.config();
        let (new, waiting) = running.reload(new);
        let (patience, reports) = (self.patience, self.reports);
        let refresh = RefreshConfig { reports, patience, ..RefreshConfig::of(&new)? };
        // An unchanged schedule is not replaced, because a ticker does not run slots that passed before it
        // received a new schedule.
        let schedule =
            (new.schedule != running.schedule).then(|| Schedule::configured(&new.schedule)).transpose()?;
        let zone_moved = new.schedule.timezone != running.schedule.timezone;
        let chores_moved = zone_moved || new.maintenance != running.maintenance;
        self.refresh.send_replace(Arc::new(refresh));
        if chores_moved {
            self.analyze.send_replace(Arc::new(chore_schedule(&new, Chore::Analyze)));
            self.prune.send_replace(Arc::new(chore_schedule(&new, Chore::Prune)));
            self.backup.send_replace(Arc::new(chore_schedule(&new, Chore::Backup)));
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

    /// The schedule of a maintenance task; without a configured one it never fires.
    pub(super) fn chore_schedules(&self, chore: Chore) -> watch::Receiver<Arc<Schedule>> {
        match chore {
            Chore::Analyze => self.analyze.subscribe(),
            Chore::Backup => self.backup.subscribe(),
            _ => self.prune.subscribe(),
        }
    }

    pub(super) fn schedules(&self) -> watch::Receiver<Arc<Schedule>> {
        self.schedule.subscribe()
    }
}

fn chore_schedule(config: &Config, chore: Chore) -> Schedule {
    let zone = config.schedule.timezone;
    let cron = match chore {
        Chore::Analyze => &config.maintenance.analyze,
        Chore::Backup => &config.maintenance.backup,
        _ => &config.maintenance.prune,
    };
    cron.as_ref().map_or_else(|| Schedule::never(zone), |cron| Schedule::cron(cron, zone))
}
