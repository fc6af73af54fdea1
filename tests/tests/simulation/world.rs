//! A daemon, its VMS and a clock, and the invariants that are checked after every operation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cached::clock::Clock as _;
use cached::config::Config;
use cached::refresh::RefreshConfig;
use cached::schedule::Schedule;
use cached::vms::Vms;
use cached::vms::tables::Table;
use cached_tests::directory::directory;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tempfile::TempDir;

use crate::actor::Actor;
use crate::daemon::{Choices, Daemon};
use crate::hook::{Hook, HookedClock, Killed};
use crate::jobs::{self, JobWatch};
use crate::loss::LossWatch;
use crate::op::{STARTS, Setting, TIMES, ZONES};
use crate::random::Random;
use crate::rows::{self, RowWatch, Rows};
use crate::slots::SlotWatch;
use crate::template;

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) setting: Setting,
    pub(crate) choices: Choices,
    pub(crate) refresh: RefreshConfig,
    pub(crate) clock: Arc<HookedClock>,
    pub(crate) hook: Arc<Hook>,
    rng: Arc<Random>,
    pub(crate) vms: Arc<Actor>,
    /// Independent reader of VMS's database and the state.
    pub(crate) reader: Vms,
    pub(crate) state: DatabaseConnection,
    pub(crate) daemon: Daemon,
    /// Tables that this VMS has.
    pub(crate) tables: Vec<Table>,
    pub(crate) rows: RowWatch,
    pub(crate) slots: SlotWatch,
    pub(crate) jobs: JobWatch,
    pub(crate) loss: LossWatch,
    /// Lock that another process holds on VMS's database, and whether it blocks readers.
    pub(crate) locked: Option<bool>,
    /// Whether the daemon was asked to stop.
    pub(crate) leaving: bool,
    /// Whether work was deferred until the nightly run.
    pub(crate) deferred: bool,
}

impl World {
    pub(crate) async fn begin(setting: Setting) -> Result<Self, String> {
        let directory = directory();
        let start: DateTime<Utc> = STARTS[setting.start].parse().unwrap();
        let begin = Box::pin(template::begin(setting)).await?;
        std::fs::write(directory.path().join("vms.db"), &begin.vms).unwrap();
        if let Some(state) = &begin.state {
            std::fs::write(directory.path().join("state.db"), state).unwrap();
        }
        let choices = Choices { time: 0, zone: 0, catch_up: true, grace: 30, more: &[] };
        let mut world = Self::over(directory, setting, choices, start).await;
        if setting.lived_in {
            world.loss.know(world.vms.number("SELECT count(*) FROM event_participation"));
        }
        world.touched().await;
        Ok(world)
    }

    /// Boots a daemon on the files of a directory.
    pub(crate) async fn over(
        directory: TempDir,
        setting: Setting,
        choices: Choices,
        start: DateTime<Utc>,
    ) -> Self {
        let (hook, rng) = (Hook::new(), Arc::new(Random::new(setting.seed)));
        let clock = Arc::new(HookedClock::new(start, hook.clone()));
        let database = directory.path().join("vms.db");
        let vms = Arc::new(Actor::open(&database));
        let daemon = Daemon::boot(directory.path(), choices, &clock, &rng, &hook).await;
        let reader = Vms::open(&database).await.unwrap();
        let mut options =
            ConnectOptions::new(format!("sqlite://{}", directory.path().join("state.db").display()));
        options.max_connections(1).sqlx_logging(false);
        let state = Database::connect(options).await.unwrap();
        let tables: Vec<Table> = Table::ALL.iter().copied().filter(|&table| exists(&vms, table)).collect();
        let refresh = refresh_config(&choices.config(directory.path()));
        let slots = SlotWatch::new(schedule(choices), start);
        Self {
            directory,
            setting,
            choices,
            refresh,
            clock,
            hook,
            rng,
            vms,
            reader,
            state,
            daemon,
            tables,
            rows: RowWatch::default(),
            slots,
            jobs: JobWatch::default(),
            loss: LossWatch::default(),
            locked: None,
            leaving: false,
            deferred: false,
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns whether VMS's database cannot be read.
    pub(crate) fn is_opaque(&self) -> bool {
        self.locked == Some(true) && !self.setting.wal
    }

    pub(crate) async fn read(&self, tables: &[Table]) -> Rows {
        rows::read(&self.reader, tables).await
    }

    /// Records a write of another process.
    pub(crate) async fn touched(&mut self) {
        let rows = self.read(&self.tables).await;
        self.rows.touch(rows);
    }

    /// Checks the state after work of the daemon that may have written anything.
    async fn worked(&mut self) -> Result<(), String> {
        if self.is_opaque() {
            return Ok(());
        }
        let (rows, now) = (self.read(&self.tables).await, self.now());
        self.rows.stepped(&self.tables, rows, &self.refresh, now, false).await
    }

    /// Runs one iteration of each loop.
    pub(crate) async fn iterate(&mut self) -> Result<(), String> {
        self.daemon.iterate().await?;
        self.slots.check(&self.state).await
    }

    /// Advances the clock while the daemon is awake: it wakes up for every slot.
    pub(crate) async fn pass(&mut self, seconds: u64) -> Result<(), String> {
        self.iterate().await?;
        let until = self.now() + Duration::from_secs(seconds);
        while let Some(fire) = self.slots.next_fire(self.now()).filter(|&fire| fire <= until) {
            self.clock.manual.advance((fire - self.now()).to_std().unwrap());
            self.iterate().await?;
            self.slots.attended(fire)?;
        }
        self.clock.manual.advance((until - self.now()).to_std().unwrap());
        self.iterate().await
    }

    /// Kills the daemon, unless it is dead already, and starts it again after a while.
    pub(crate) async fn reboot(&mut self, down: u64) -> Result<(), String> {
        self.clock.manual.advance(Duration::from_secs(down));
        let directory = self.directory.path();
        self.daemon = Daemon::boot(directory, self.choices, &self.clock, &self.rng, &self.hook).await;
        self.jobs.recovered(&self.state).await?;
        self.slots.check(&self.state).await
    }

    /// Kills the daemon and its workers, and records which jobs were in progress.
    pub(crate) async fn die(&mut self, down: u64) -> Result<(), String> {
        self.daemon.workers = [None, None];
        if !std::mem::take(&mut self.leaving) {
            self.jobs.died(jobs::running(&self.state).await);
        }
        self.reboot(down).await
    }

    /// Executes a step of a worker; returns false when it has nothing to do. If killed in the middle, the
    /// daemon is down for `down` seconds.
    pub(crate) async fn step(&mut self, worker: usize, down: u64) -> Result<bool, String> {
        match AssertUnwindSafe(self.daemon.step(worker)).catch_unwind().await {
            Ok(stepped) => {
                let stepped = stepped.map_err(|error| format!("the queue fails: {error}"))?;
                self.judge(stepped, worker).await
            }
            Err(unwound) if unwound.is::<Killed>() => {
                self.die(down).await?;
                self.worked().await?;
                Ok(false)
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

pub(crate) fn schedule(choices: Choices) -> Schedule {
    Schedule::every(TIMES[choices.time], 24, ZONES[choices.zone].parse().unwrap()).unwrap()
}

pub(crate) fn refresh_config(config: &Config) -> RefreshConfig {
    let config = RefreshConfig::of(config).unwrap();
    RefreshConfig { vms: config.vms.with_lock_timeout(Duration::ZERO), ..config }
}

fn exists(vms: &Actor, table: Table) -> bool {
    vms.number(&format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'")) > 0
}
