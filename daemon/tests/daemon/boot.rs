//! A daemon with a small VMS database and a clock that stands still.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cached::clock::{Clock, ManualClock};
use cached::config::{Config, Instance, Overrides, ProcessEnvironment};
use cached::daemon::{Daemon, ProcessHandles, StartError};
use cached::rpc::{ConnectionLimits, Inherited};
use cached::web;
use cached_proto::client::{Client, ClientError, Events, Timeouts};
use cached_proto::fault::Fault;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::health::Reason;
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::{Progress, RefreshRequest};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;

use crate::directory::{directory, prepared, unpacked};

/// Timeout that only a hanging daemon reaches.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

pub(crate) const TIMEOUTS: Timeouts = Timeouts { connect: TIMEOUT, answer: TIMEOUT };

/// What a stopped daemon leaves.
const FILES: [&str; 2] = ["vms.db", "state.db"];

/// Directory, clock and settings: they outlive a daemon and may be given to the next one.
pub(crate) struct Home {
    dir: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) limits: ConnectionLimits,
    pub(crate) web: web::HttpLimits,
    settings: Vec<(&'static str, &'static str, String)>,
    pub(crate) instance: Instance,
}

impl Home {
    /// Returns a home without any state, at noon in Chicago.
    pub(crate) fn new() -> Self {
        Self::within(unpacked("tiny1"))
    }

    /// Returns a home after a first start and the run that it makes.
    pub(crate) async fn lived_in() -> Self {
        let first = async |directory: &Path| {
            let home = Self::new();
            let booted = home.boot().await;
            finished(&booted, 1).await;
            booted.stop().await.unwrap();
            for name in FILES {
                std::fs::copy(home.path(name), directory.join(name)).unwrap();
            }
        };
        let files = prepared("lived-in", first).await;
        let home = Self::within(directory());
        for name in FILES {
            std::fs::copy(files.join(name), home.path(name)).unwrap();
        }
        home
    }

    fn within(dir: TempDir) -> Self {
        let noon: DateTime<Utc> = "2026-03-10T17:00:00Z".parse().unwrap();
        Self {
            dir,
            clock: Arc::new(ManualClock::new(noon)),
            limits: ConnectionLimits::default(),
            web: web::HttpLimits::default(),
            settings: Vec::new(),
            instance: Instance::default(),
        }
    }

    pub(crate) fn set(&mut self, section: &'static str, key: &'static str, value: &str) {
        self.settings.push((section, key, value.to_owned()));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/cached.sock")
    }

    pub(crate) fn config(&self) -> Config {
        let mut overrides = Overrides::default();
        let path = |name| self.path(name).to_string_lossy().into_owned();
        overrides.set("--database", "database", "url", path("vms.db"));
        overrides.set("--state", "state", "url", path("state.db"));
        overrides.set("--socket", "socket", "path", path("run/cached.sock"));
        // Daemons that run in parallel cannot share a port; tests that need the web side give each its own.
        overrides.set("--http", "http", "listen", "");
        for (section, key, value) in &self.settings {
            overrides.set("--set", section, key, value.as_str());
        }
        let environment = ProcessEnvironment {
            env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
            cwd: "/".into(),
            uid: 1000,
            now: chrono::DateTime::UNIX_EPOCH,
            instance: self.instance.clone(),
            system_zone: cached::config::SystemZone::linked("America/Chicago"),
            default_file: self.path("cached.toml"),
        };
        Config::load(&overrides, &environment).unwrap()
    }

    pub(crate) async fn try_boot(&self) -> Result<Daemon, StartError> {
        self.boot_in(ProcessHandles::default()).await
    }

    pub(crate) async fn boot_on(&self, inherited: Inherited) -> Daemon {
        self.boot_in(ProcessHandles { inherited: Some(inherited), ..ProcessHandles::default() })
            .await
            .unwrap()
    }

    async fn boot_in(&self, host: ProcessHandles) -> Result<Daemon, StartError> {
        self.boot_with(self.clock.clone(), host).await
    }

    pub(crate) async fn boot_with(
        &self,
        clock: Arc<dyn Clock>,
        host: ProcessHandles,
    ) -> Result<Daemon, StartError> {
        let started = Daemon::start_with(self.config(), clock, self.limits, self.web, host);
        // The started daemon is a large value; boxed, it does not enlarge the future of every test.
        Box::pin(started).await
    }

    pub(crate) async fn boot(&self) -> Daemon {
        self.try_boot().await.unwrap()
    }
}

pub(crate) async fn connect(daemon: &Daemon) -> Client {
    Client::connect(daemon.socket(), TIMEOUTS).await.unwrap()
}

/// Sends one request on a connection of its own.
pub(crate) async fn ask(daemon: &Daemon, request: Request) -> Reply {
    connect(daemon).await.call(&request).await.unwrap()
}

pub(crate) async fn served(daemon: &Daemon) {
    assert!(matches!(ask(daemon, Request::Ping).await, Reply::Pong(_)));
}

/// Requests a refresh of everything and subscribes to its events.
pub(crate) async fn follow(daemon: &Daemon, force: bool) -> (i64, Events) {
    let request = Request::Refresh(RefreshRequest { force, wait: true, ..RefreshRequest::default() });
    let (reply, events) = connect(daemon).await.follow(&request).await.unwrap();
    let Reply::Refresh(reply) = reply else { panic!("{reply:?}") };
    (reply.run, events)
}

/// Waits until a run has ended.
pub(crate) async fn finished(daemon: &Daemon, run: i64) -> Run {
    let (_, mut following) = daemon.queue().subscribe(run).await.unwrap();
    loop {
        let event = within("the run ends", following.next()).await.unwrap();
        if let Progress::RunDone(run) = event.unwrap() {
            return run;
        }
    }
}

/// Waits for what only a hanging daemon never does.
pub(crate) async fn within<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(TIMEOUT, waiting).await else { panic!("timed out: {what}") };
    value
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, waiting).await;
}

/// Waits until a run is in progress.
pub(crate) async fn working(daemon: &Daemon) -> Run {
    let waiting = async {
        loop {
            match daemon.queue().current_run().await.unwrap() {
                Some(run) => return run,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    within("a run begins", waiting).await
}

/// Waits until a run exists.
pub(crate) async fn queued(daemon: &Daemon, run: i64) {
    let mut work = daemon.queue().work();
    while daemon.queue().run(run).await.is_err() {
        assert!(within("the run is queued", work.arrived()).await);
    }
}

/// Returns the reason of health with that code, if there is one.
pub(crate) async fn reason(daemon: &Daemon, code: &str) -> Option<Reason> {
    let Reply::Health(health) = ask(daemon, Request::Health).await else { panic!("no health") };
    health.reasons.into_iter().find(|reason| reason.code == code)
}

pub(crate) fn fault(result: Result<Reply, ClientError>) -> Fault {
    match result {
        Err(ClientError::Fault(fault)) => fault,
        other => panic!("no fault but {other:?}"),
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Executes a statement on VMS's database from another connection.
pub(crate) async fn execute(home: &Home, sql: &str) {
    let db = Database::connect(format!("sqlite://{}", home.path("vms.db").display())).await.unwrap();
    db.execute_unprepared("PRAGMA foreign_keys = OFF").await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}
