//! A daemon whose components are stepped explicitly instead of running on their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cached::clock::Clock as _;
use cached::config::{Config, Instance, Overrides, ProcessEnvironment};
use cached::daemon::{Components, Environment};
use cached::jobs::{Claimed, QueueError};
use cached::refresh::ActiveRun;
use cached::state::State;
use cached::vms::tables::Table;

use crate::hook::{Hook, HookedClock};
use crate::op::{TIMES, ZONES};
use crate::random::Random;

/// Settings of the configuration file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choices {
    pub(crate) time: usize,
    pub(crate) zone: usize,
    pub(crate) catch_up: bool,
    /// Seconds for which deleted district rows are left to VMS.
    pub(crate) grace: u32,
    /// Further settings: section, key and value.
    pub(crate) more: &'static [(&'static str, &'static str, &'static str)],
}

impl Choices {
    pub(crate) fn config(self, directory: &Path) -> Config {
        let mut overrides = Overrides::default();
        let path = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let mut set = |section, key, value: &str| overrides.set("--set", section, key, value);
        set("database", "url", &path("vms.db"));
        set("state", "url", &path("state.db"));
        set("http", "listen", "");
        set("vms", "timezone", "America/Chicago");
        set("schedule", "refresh_time", TIMES[self.time]);
        set("schedule", "timezone", ZONES[self.zone]);
        set("schedule", "catch_up", if self.catch_up { "true" } else { "false" });
        // The tables of the simulation are small.
        set("guard", "min_rows", "20");
        set("cache", "district_grace", &format!("{}s", self.grace));
        for (section, key, value) in self.more {
            set(section, key, value);
        }
        let environment = ProcessEnvironment {
            env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
            cwd: "/".into(),
            uid: 1000,
            now: chrono::DateTime::UNIX_EPOCH,
            instance: Instance::default(),
            system_zone: cached::config::SystemZone::linked("America/Chicago"),
            default_file: directory.join("cached.toml"),
        };
        Config::load(&overrides, &environment).unwrap()
    }
}

/// State of a worker.
#[derive(Debug)]
pub(crate) enum Stage {
    Claimed,
    /// Works on a run, with this many tables finished.
    Working(Box<ActiveRun>, usize),
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) claimed: Claimed,
    pub(crate) stage: Stage,
}

/// Result of a worker's step.
#[derive(Debug)]
pub(crate) enum Stepped {
    /// There was no work.
    Idle,
    Claimed(Claimed),
    /// It took the run's snapshot.
    Began(Claimed),
    /// It refreshed a table.
    Worked(Claimed, Table),
    Settled,
    /// Another worker owns the run.
    Lost,
}

pub(crate) struct Daemon {
    pub(crate) components: Components,
    pub(crate) state: State,
    pub(crate) workers: [Option<Worker>; 2],
}

impl Daemon {
    pub(crate) async fn boot(
        directory: &Path,
        choices: Choices,
        clock: &Arc<HookedClock>,
        rng: &Arc<Random>,
        hook: &Arc<Hook>,
    ) -> Self {
        let hook = Arc::clone(hook);
        let state = State::open(&directory.join("state.db"), clock.now()).await.unwrap();
        let state = state.observed(move || hook.point());
        // Waiting for a lock would take real time and change nothing.
        let environment =
            Environment { rng: rng.clone(), lock_timeout: Duration::ZERO, ..Environment::new(clock.clone()) };
        let components =
            Components::boot(choices.config(directory), state.clone(), environment).await.unwrap();
        Self { components, state, workers: [None, None] }
    }

    /// Executes one step of a worker.
    pub(crate) async fn step(&mut self, worker: usize) -> Result<Stepped, QueueError> {
        let Some(Worker { claimed, stage }) = self.workers[worker].take() else {
            let Some(claimed) = self.components.queue.claim().await? else { return Ok(Stepped::Idle) };
            self.workers[worker] = Some(Worker { claimed: claimed.clone(), stage: Stage::Claimed });
            return Ok(Stepped::Claimed(claimed));
        };
        let (mut working, at) = match stage {
            Stage::Claimed => {
                let working = Box::new(self.components.refresher.begin(&claimed).await);
                let stage = Stage::Working(working, 0);
                self.workers[worker] = Some(Worker { claimed: claimed.clone(), stage });
                return Ok(Stepped::Began(claimed));
            }
            Stage::Working(working, at) => (working, at),
        };
        match working.step().await {
            Ok(true) => {
                let (_, table) = claimed.jobs[at];
                let stage = Stage::Working(working, at + 1);
                self.workers[worker] = Some(Worker { claimed: claimed.clone(), stage });
                Ok(Stepped::Worked(claimed, table))
            }
            Ok(false) => match working.settle().await {
                Ok(_) => Ok(Stepped::Settled),
                Err(QueueError::LeaseLost(_)) => Ok(Stepped::Lost),
                Err(error) => Err(error),
            },
            Err(QueueError::LeaseLost(_)) => Ok(Stepped::Lost),
            Err(error) => Err(error),
        }
    }

    /// Runs one iteration of each loop.
    pub(crate) async fn iterate(&mut self) -> Result<(), String> {
        self.components.ticker.step().await.map_err(|error| format!("the ticker fails: {error}"))?;
        // VMS's database may be locked; the loops retry later.
        let _ = self.components.watcher.tick().await;
        let _ = self.components.planner.step().await;
        Ok(())
    }
}
