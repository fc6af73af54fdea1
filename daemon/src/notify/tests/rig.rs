//! A notifier whose health, runs and clock are controlled by tests.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_proto::lock::WriteLock;
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{HealthLevel, Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::receiver::PATIENCE;
use crate::clock::{Clock, ManualClock};
use crate::config::{Config, Overrides, Surroundings};
use crate::directory::directory;
use crate::heartbeat::Heartbeat;
use crate::notify::{Judge, Notifier};
use crate::state::State;

/// Loads a private configuration file with these settings in its `[notify]` section.
pub(super) fn config(settings: &[(&'static str, &str)]) -> Arc<Config> {
    let dir = tempfile::tempdir().unwrap();
    let mut text = "[database]\nurl = \"/srv/vms.db\"\n[notify]\n".to_owned();
    for (key, value) in settings {
        writeln!(text, "{key} = {}", toml::Value::from(*value)).unwrap();
    }
    let default_file = dir.path().join("cached.toml");
    std::fs::write(&default_file, text).unwrap();
    std::fs::set_permissions(&default_file, Permissions::from_mode(0o600)).unwrap();
    let around = Surroundings {
        env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        cwd: "/".into(),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        system_zone: crate::config::SystemZone::linked("America/Chicago"),
        default_file,
    };
    Arc::new(Config::load(&Overrides::default(), &around).unwrap())
}

pub(super) struct Rig {
    pub(super) dir: tempfile::TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) configs: watch::Sender<Arc<Config>>,
    health: Arc<Mutex<HealthReply>>,
    events: broadcast::Sender<Progress>,
    running: Option<Running>,
    runs: i64,
}

struct Running {
    state: State,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Rig {
    /// Starts a notifier with healthy state.
    pub(super) async fn new(settings: &[(&'static str, &str)]) -> Self {
        let noon: DateTime<Utc> = "2026-03-10T17:00:00Z".parse().unwrap();
        let mut rig = Self {
            dir: directory(),
            clock: Arc::new(ManualClock::new(noon)),
            configs: watch::Sender::new(config(settings)),
            health: Arc::new(Mutex::new(HealthReply {
                health: HealthLevel::Healthy,
                reasons: Vec::new(),
                vms_page: None,
            })),
            events: broadcast::Sender::new(256),
            running: None,
            runs: 0,
        };
        rig.start().await;
        rig
    }

    pub(super) async fn start(&mut self) {
        let state = State::open(&self.path("state.db"), self.clock.now()).await.unwrap();
        let health = Arc::clone(&self.health);
        let judge = Judge::new(move || std::future::ready(health.lock().unwrap().clone()));
        let clock: Arc<dyn Clock> = self.clock.clone();
        let events = || self.events.subscribe();
        let notifier = Notifier::new(&state, events, &clock, &self.configs.subscribe(), judge, "vps1");
        let stop = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(
            notifier.run(stop.clone(), Heartbeat::new("notify", &clock)),
        ));
        self.running = Some(Running { state, stop, task });
    }

    pub(super) async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        tokio::time::timeout(PATIENCE, running.task).await.expect("the notifier does not stop").unwrap();
        running.state.close().await.unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Sets the result of the next evaluation.
    pub(super) fn is(&self, level: HealthLevel) {
        let reason = |message: &str| Reason {
            code: "database_unreachable".to_owned(),
            level,
            message: message.to_owned(),
            hint: "look at `cached check`".to_owned(),
        };
        let reasons = match level {
            HealthLevel::Healthy => Vec::new(),
            _ => vec![reason("no such file: a\nb\u{202e}")],
        };
        *self.health.lock().unwrap() = HealthReply { health: level, reasons, vms_page: None };
    }

    pub(super) fn begins(&mut self, trigger: Trigger) {
        self.runs += 1;
        // The event occurs once for each table and for each further attempt.
        for _ in 0..2 {
            self.tell(Progress::JobStarted(job(self.runs, trigger)));
        }
    }

    pub(super) fn ends(&self, trigger: Trigger, outcome: Outcome) {
        self.tell(Progress::RunDone(run(self.runs, trigger, outcome)));
    }

    /// Sets the health and reports a run, after which the health is evaluated.
    pub(super) fn ran(&mut self, level: HealthLevel) {
        self.is(level);
        self.begins(Trigger::Manual);
        self.ends(Trigger::Manual, Outcome::Rebuilt);
    }

    fn tell(&self, event: Progress) {
        let _ = self.events.send(event);
    }

    /// Waits until the announced level is stored.
    pub(super) async fn remembers(&self, channel: &str, level: HealthLevel) {
        let state = &self.running.as_ref().unwrap().state;
        let stored = async {
            while state.announced(channel).await.unwrap() != level {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, stored).await;
        assert!(waited.is_ok(), "that {channel} has announced {level} is not stored");
    }

    pub(super) fn second(&self) -> impl Fn() + use<> {
        let clock = Arc::clone(&self.clock);
        move || clock.advance(Duration::from_secs(1))
    }
}

fn job(run: i64, trigger: Trigger) -> Job {
    Job {
        id: run,
        run,
        trigger,
        cache_type: Table::OrganizationSummaryCache.cache_type(),
        table: Table::OrganizationSummaryCache,
        phase: Phase::Running,
        outcome: None,
        queued: DateTime::UNIX_EPOCH.into(),
        attempts: Vec::new(),
        entries: 0,
        rebuilt: 0,
        verified: 0,
        skipped: 0,
        pruned: 0,
        failed: 0,
        warnings: 0,
        bytes: 0,
        seconds: 0.0,
        error: None,
        write_lock: WriteLock::default(),
    }
}

fn run(id: i64, trigger: Trigger, outcome: Outcome) -> Run {
    Run {
        id,
        trigger,
        slot: None,
        phase: Phase::Done,
        queued: DateTime::UNIX_EPOCH.into(),
        started: None,
        ended: None,
        seconds: 0.0,
        outcome: Some(outcome),
        jobs: Vec::new(),
        write_lock: WriteLock::default(),
    }
}
