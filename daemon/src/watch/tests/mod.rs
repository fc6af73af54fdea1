//! Which changes are detected and how they are handled, with real databases and a manual clock.

mod left_to_vms;
mod pauses;
mod rows;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::words::{Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::clock::{Clock, ManualClock};
use crate::config::{Config, Instance, Overrides, ProcessEnvironment};
use crate::directory::{directory, prepared, unpacked};
use crate::jobs::{NewRun, Queue, Settled};
use crate::refresh::{RefreshConfig, Refresher};
use crate::reports;
use crate::reports::{REPORTS, report};
use crate::snapshot::Source;
use crate::state::State;
use crate::watch::Watcher;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_mins(1);
/// The default configuration.
pub(super) const QUIET: Duration = Duration::from_secs(30);
pub(super) const MAX_DELAY: Duration = Duration::from_mins(5);

pub(super) struct World {
    dir: TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) configs: watch::Sender<Arc<Config>>,
    pub(super) live: watch::Sender<Arc<RefreshConfig>>,
    pub(super) queue: Queue,
    refresher: Refresher,
    pub(super) watcher: Watcher,
}

const FILES: [&str; 2] = ["vms.db", "state.db"];

/// Makes VMS's database and the state after a refresh.
async fn refreshed(directory: &Path) {
    let world = World::boot(unpacked("tiny1"), Arc::new(ManualClock::new(now()))).await;
    // Computing the long lists of candidates is not what is tested here.
    world.vms("UPDATE contact SET do_not_contact = 1 WHERE id % 10").await;
    world.refresh().await;
    world.queue.state().clone().close().await.unwrap();
    for name in FILES {
        std::fs::copy(world.path(name), directory.join(name)).unwrap();
    }
}

impl World {
    /// Everything is refreshed, and the watcher has made its first check.
    pub(super) async fn settled() -> Self {
        let (files, dir) = (prepared("refreshed", refreshed).await, directory());
        for name in FILES {
            std::fs::copy(files.join(name), dir.path().join(name)).unwrap();
        }
        let mut world = Self::boot(dir, Arc::new(ManualClock::new(now()))).await;
        assert!(world.pass(MINUTE).await.is_empty(), "a refreshed database needs no refresh");
        world
    }

    /// A second daemon on the same database, with a state of its own, that has refreshed everything.
    pub(super) async fn beside(&self) -> Self {
        let dir = directory();
        std::os::unix::fs::symlink(self.database(), dir.path().join("vms.db")).unwrap();
        let mut other = Self::boot(dir, self.clock.clone()).await;
        other.refresh().await;
        assert!(other.watcher.tick().await.unwrap().is_none());
        other
    }

    async fn boot(dir: TempDir, clock: Arc<ManualClock>) -> Self {
        let state = State::open(&dir.path().join("state.db"), clock.now()).await.unwrap();
        Self::on(state, dir, clock)
    }

    /// Stops the daemon, and starts it again so that nothing waits longer than `timeout` for a connection to
    /// its state.
    async fn with_state_timeout(self, timeout: Duration) -> Self {
        let Self { dir, clock, queue, .. } = self;
        queue.state().clone().close().await.unwrap();
        let path = dir.path().join("state.db");
        let state = State::open_waiting(&path, clock.now(), timeout, timeout).await.unwrap();
        Self::on(state, dir, clock)
    }

    fn on(state: State, dir: TempDir, clock: Arc<ManualClock>) -> Self {
        let queue = Queue::new(state, clock.clone());
        let config = config(&dir);
        let live = watch::Sender::new(Arc::new(RefreshConfig::of(&config).unwrap()));
        let configs = watch::Sender::new(Arc::new(config));
        let refresher = Refresher::new(queue.clone(), clock.clone(), live.subscribe());
        let watcher = Watcher::new(queue.clone(), clock.clone(), configs.subscribe(), live.subscribe());
        Self { dir, clock, configs, live, queue, refresher, watcher }
    }

    /// Stops the daemon, executes `meanwhile` on VMS's database, and starts the daemon again.
    pub(super) async fn down(self, meanwhile: &str) -> Self {
        let Self { dir, clock, queue, .. } = self;
        queue.state().clone().close().await.unwrap();
        execute(&dir.path().join("vms.db"), meanwhile).await;
        Self::boot(dir, clock).await
    }

    /// Stops the daemon, deletes its state, and starts it again.
    pub(super) async fn forgetful(self) -> Self {
        let Self { dir, clock, queue, .. } = self;
        queue.state().clone().close().await.unwrap();
        std::fs::remove_file(dir.path().join("state.db")).unwrap();
        Self::boot(dir, clock).await
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path("vms.db")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Executes SQL on VMS's database, as VMS or any other process would.
    pub(super) async fn vms(&self, sql: &str) {
        execute(&self.database(), sql).await;
    }

    /// Executes SQL on the daemon's own database.
    pub(super) async fn state(&self, sql: &str) {
        execute(&self.path("state.db"), sql).await;
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        number(&self.database(), sql).await
    }

    pub(super) async fn rows(&self, table: Table) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// Returns the refreshed tables that have rows, with the number of rows.
    pub(super) async fn filled(&self) -> Vec<(Table, i64)> {
        let mut filled = Vec::new();
        for report in REPORTS {
            let rows = self.rows(report.table()).await;
            if rows > 0 {
                filled.push((report.table(), rows));
            }
        }
        filled
    }

    /// Returns the tables of [`filled`](Self::filled) that are generated from a source.
    pub(super) async fn made_of(&self, source: Source) -> Vec<Table> {
        let tables = self.filled().await.into_iter().map(|(table, _)| table);
        tables.filter(|&table| report(table).unwrap().sources().contains(&source)).collect()
    }

    /// Advances the clock second by second and executes queued runs; returns the tables of the watcher's
    /// runs.
    pub(super) async fn pass(&mut self, time: Duration) -> Vec<Vec<Table>> {
        self.pass_with(time, async |_, _| {}).await
    }

    /// Like [`pass`](Self::pass), and calls `each` every second.
    pub(super) async fn pass_with(
        &mut self,
        time: Duration,
        each: impl AsyncFn(&Self, u64),
    ) -> Vec<Vec<Table>> {
        let mut runs = Vec::new();
        for second in 0..time.as_secs() {
            self.clock.advance(SECOND);
            each(self, second).await;
            self.watcher.tick().await.unwrap();
            runs.extend(self.work().await);
        }
        let watched = runs.into_iter().filter(|run| run.trigger == Trigger::Watch);
        watched.map(|run| run.jobs.iter().map(|job| job.table).collect()).collect()
    }

    /// Executes all queued runs.
    pub(super) async fn work(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        while let Some(settled) = self.step().await {
            match settled {
                Settled::Ended(run) => runs.push(run),
                Settled::Waits(until) => panic!("a run waits until {until}"),
            }
        }
        runs
    }

    /// Executes the next run that is due, if there is one.
    pub(super) async fn step(&self) -> Option<Settled> {
        let claimed = self.queue.claim().await.unwrap()?;
        Some(self.refresher.run(&claimed).await.unwrap())
    }

    /// Refreshes everything, as the schedule does.
    pub(super) async fn refresh(&self) {
        self.run(Trigger::Schedule).await;
    }

    /// Runs all tables.
    pub(super) async fn run(&self, trigger: Trigger) {
        let new = NewRun::new(trigger, reports::tables(&[], &[]));
        self.queue.enqueue(new).await.unwrap();
        for run in self.work().await {
            assert!(run.outcome.unwrap().is_good(), "{run:?}");
        }
    }
}

/// Far from the beginning of any event, so that reports do not change with time.
fn now() -> DateTime<Utc> {
    "2026-03-15T05:00:00Z".parse().unwrap()
}

pub(super) fn tables(runs: &[Vec<Table>]) -> Vec<Table> {
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs[0].clone()
}

fn config(dir: &TempDir) -> Config {
    let mut overrides = Overrides::default();
    overrides.set("--database", "database", "url", dir.path().join("vms.db").to_string_lossy());
    overrides.set("--state", "state", "url", dir.path().join("state.db").to_string_lossy());
    // The grace period for VMS has tests of its own.
    overrides.set("--district-grace", "cache", "district_grace", "0s");
    let environment = ProcessEnvironment {
        env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        cwd: "/".into(),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        instance: Instance::default(),
        system_zone: crate::config::SystemZone::linked("UTC"),
        default_file: dir.path().join("cached.toml"),
    };
    Config::load(&overrides, &environment).unwrap()
}

pub(super) async fn other(path: &std::path::Path) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", path.display()));
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(|sqlite| sqlite.foreign_keys(false));
    Database::connect(options).await.unwrap()
}

pub(super) async fn execute(path: &std::path::Path, sql: &str) {
    let connection = other(path).await;
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

async fn number(path: &std::path::Path, sql: &str) -> i64 {
    let connection = other(path).await;
    let statement = Statement::from_string(DbBackend::Sqlite, sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let number = row.try_get_by_index(0).unwrap();
    connection.close().await.unwrap();
    number
}
