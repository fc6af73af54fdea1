//! A daemon within the test's own process, with a clock that stands still.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use cached::clock::ManualClock;
use cached::config::{Config, Instance, Overrides, ProcessEnvironment};
use cached::daemon::{Daemon, ProcessHandles};
use cached::reports::{Reports, report};
use cached::rpc::ConnectionLimits;
use cached::web;
use cached_proto::client::{Client, Timeouts};
use cached_proto::message::{Reply, Request};
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::JobFilter;
use cached_proto::verb::refresh::Progress;
use cached_tests::golden::Golden;
use cached_tests::passing;
use chrono::{DateTime, Utc};

/// Timeout that only a hanging daemon reaches.
const TIMEOUT: Duration = Duration::from_mins(1);

pub(crate) struct Tamed {
    pub(crate) golden: Golden,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) daemon: Daemon,
}

impl Tamed {
    /// Starts at an instant, with further settings in the syntax of the configuration file, and waits until
    /// everything is refreshed.
    pub(crate) async fn start(
        now: &str,
        settings: &[(&'static str, &'static str, &str)],
        reports: Option<Reports>,
    ) -> Self {
        let golden = Golden::unpack("tiny1");
        let now: DateTime<Utc> = now.parse().unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let config = config(&golden, settings);
        let host = ProcessHandles { reports: reports.unwrap_or(report), ..ProcessHandles::default() };
        let (limits, web) = (ConnectionLimits::default(), web::HttpLimits::default());
        let started = Daemon::start_with(config, clock.clone(), limits, web, host);
        let tamed = Self { daemon: Box::pin(started).await.unwrap(), golden, clock };
        tamed.finished(1).await;
        tamed
    }

    pub(crate) async fn ask(&self, request: Request) -> Reply {
        let timeouts = Timeouts { connect: TIMEOUT, answer: TIMEOUT };
        Client::connect(self.daemon.socket(), timeouts).await.unwrap().call(&request).await.unwrap()
    }

    pub(crate) async fn health(&self) -> HealthReply {
        match self.ask(Request::Health).await {
            Reply::Health(health) => health,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the reason of that code, if there is one.
    pub(crate) async fn reason(&self, code: &str) -> Option<Reason> {
        self.health().await.reasons.into_iter().find(|reason| reason.code == code)
    }

    /// Waits until a run has ended.
    pub(crate) async fn finished(&self, run: i64) -> Run {
        let (_, mut following) = self.daemon.queue().subscribe(run).await.unwrap();
        loop {
            let event = tokio::time::timeout(TIMEOUT, following.next()).await.unwrap().unwrap();
            if let Progress::RunDone(run) = event.unwrap() {
                return run;
            }
        }
    }

    /// Advances the clock by minutes; after each one waits until all loops have acted on it and runs have
    /// ended.
    pub(crate) async fn pass(&self, minutes: u32) {
        for _ in 0..minutes {
            passing::pass(&self.clock, Duration::from_mins(1)).await;
            // Waits also for jobs that are not claimed yet: they must not begin at a later time of the clock.
            while let Some(job) = self.daemon.queue().jobs(JobFilter::Running, 1).await.unwrap().pop() {
                self.finished(job.run).await;
            }
        }
    }
}

fn config(golden: &Golden, settings: &[(&'static str, &'static str, &str)]) -> Config {
    let mut overrides = Overrides::default();
    overrides.set("--database", "database", "url", golden.database().to_string_lossy());
    overrides.set("--state", "state", "url", golden.state().to_string_lossy());
    let socket = golden.directory().join("cached.sock");
    overrides.set("--socket", "socket", "path", socket.to_string_lossy());
    // Daemons that run in parallel cannot share a port.
    overrides.set("--http", "http", "listen", "");
    // A secret is read from a private file only.
    let file = golden.directory().join("cached.toml");
    let lines = settings.iter().map(|(section, key, value)| format!("{section}.{key} = {value}\n"));
    fs::write(&file, lines.collect::<String>()).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let environment = ProcessEnvironment {
        env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        cwd: "/".into(),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        instance: Instance::default(),
        system_zone: cached::config::SystemZone::linked("America/Chicago"),
        default_file: file,
    };
    Config::load(&overrides, &environment).unwrap()
}
