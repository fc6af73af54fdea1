//! The configuration in effect, and what is made of it: parts take what they need when they need it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Unusable;
use crate::config::{self, Config, RestartNeeded};
use crate::refresh::RefreshConfig;
use crate::schedule::{Schedule, ScheduleError};

#[derive(Debug)]
pub(super) struct Live {
    /// How long whoever holds a lock on VMS's file is waited for.
    patience: Duration,
    config: watch::Sender<Arc<Config>>,
    refresh: watch::Sender<Arc<RefreshConfig>>,
    schedule: watch::Sender<Arc<Schedule>>,
}

impl Live {
    pub(super) fn new(config: Config, patience: Duration) -> Result<Self, Unusable> {
        let refresh = RefreshConfig { patience, ..RefreshConfig::of(&config)? };
        Ok(Self {
            patience,
            refresh: watch::Sender::new(Arc::new(refresh)),
            schedule: watch::Sender::new(Arc::new(schedule(&config.schedule)?)),
            config: watch::Sender::new(Arc::new(config)),
        })
    }

    /// All or nothing; says what has to wait for a restart.
    pub(super) fn reload(&self, new: Config) -> Result<Vec<RestartNeeded>, Unusable> {
        let running = self.config();
        let (new, waiting) = running.reload(new);
        let refresh = RefreshConfig { patience: self.patience, ..RefreshConfig::of(&new)? };
        // A schedule that did not change is not replaced: one that was just taken over lets passed slots be.
        let schedule = (new.schedule != running.schedule).then(|| schedule(&new.schedule)).transpose()?;
        self.refresh.send_replace(Arc::new(refresh));
        if let Some(schedule) = schedule {
            self.schedule.send_replace(Arc::new(schedule));
        }
        self.config.send_replace(Arc::new(new));
        Ok(waiting)
    }

    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    pub(super) fn configs(&self) -> watch::Receiver<Arc<Config>> {
        self.config.subscribe()
    }

    pub(super) fn refreshes(&self) -> watch::Receiver<Arc<RefreshConfig>> {
        self.refresh.subscribe()
    }

    pub(super) fn schedules(&self) -> watch::Receiver<Arc<Schedule>> {
        self.schedule.subscribe()
    }
}

fn schedule(config: &config::Schedule) -> Result<Schedule, ScheduleError> {
    if let Some(cron) = &config.cron {
        return Schedule::cron(cron.as_str(), config.timezone);
    }
    let time = config.refresh_time.format("%H:%M").to_string();
    Schedule::every(&time, config.refresh_interval_hours, config.timezone)
}
