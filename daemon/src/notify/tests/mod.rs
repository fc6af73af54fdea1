//! Which notices are sent to which channels, and what a faulty receiver cannot cause.

mod announce;
mod format;
mod mail;
mod morning;
mod send;

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_proto::lock::WriteLock;
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{HealthLevel, Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::{Clock, ManualClock};
use crate::config::{Config, Instance, Overrides, ProcessEnvironment};
use crate::directory::directory;
use crate::heartbeat::Heartbeat;
use crate::notify::{Ask, Machine, Morning, Notifier, Sources};
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
    let environment = ProcessEnvironment {
        env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        cwd: "/".into(),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        instance: Instance::default(),
        system_zone: crate::config::SystemZone::linked("America/Chicago"),
        default_file,
    };
    Arc::new(Config::load(&Overrides::default(), &environment).unwrap())
}

pub(super) struct Rig {
    pub(super) dir: tempfile::TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) configs: watch::Sender<Arc<Config>>,
    health: Arc<Mutex<HealthReply>>,
    /// The first line of the status at the next morning message.
    pub(super) summary: Arc<Mutex<String>>,
    events: broadcast::Sender<Progress>,
    running: Option<Running>,
    runs: i64,
}

/// A machine whose `sendmail` is in this directory.
pub(super) fn machine(directory: &Path) -> Machine {
    let sendmail = ["missing", "sendmail"].map(|name| directory.join(name));
    Machine { host: "vps1".to_owned(), sendmail: sendmail.into() }
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
            summary: Arc::new(Mutex::new("All 9 tables are fresh".to_owned())),
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
        let morning = Ask::new({
            let (health, summary) = (Arc::clone(&health), Arc::clone(&self.summary));
            move || {
                let (health, summary) = (health.lock().unwrap().clone(), summary.lock().unwrap().clone());
                std::future::ready(Morning { summary, details: Vec::new(), health })
            }
        });
        let health = Ask::new(move || std::future::ready(health.lock().unwrap().clone()));
        let sources = Sources { health, morning };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let events = || self.events.subscribe();
        let configs = self.configs.subscribe();
        let notifier = Notifier::new(&state, events, &clock, &configs, sources, &machine(self.dir.path()));
        let stop = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(
            notifier.run(stop.clone(), Heartbeat::new("notify", &clock)),
        ));
        self.running = Some(Running { state, stop, task });
    }

    pub(super) async fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        tokio::time::timeout(TIMEOUT, running.task).await.expect("the notifier does not stop").unwrap();
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
            hint: "run `cached check`".to_owned(),
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
            self.publish(Progress::JobStarted(job(self.runs, trigger)));
        }
    }

    pub(super) fn ends(&self, trigger: Trigger, outcome: Outcome) {
        self.publish(Progress::RunDone(run(self.runs, trigger, outcome)));
    }

    /// Sets the health and reports a run, after which the health is evaluated.
    pub(super) fn ran(&mut self, level: HealthLevel) {
        self.is(level);
        self.begins(Trigger::Manual);
        self.ends(Trigger::Manual, Outcome::Rebuilt);
    }

    fn publish(&self, event: Progress) {
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
        let waited = tokio::time::timeout(TIMEOUT, stored).await;
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
        figures: JobFigures::default(),
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

/// Long enough that only a hang exceeds it.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Status(u16),
    Garbage,
    Never,
}

#[derive(Debug)]
pub(super) struct Request {
    /// `METHOD /path`
    pub(super) line: String,
    /// The head in lower case.
    pub(super) head: String,
    /// The lines of the head as they were sent.
    pub(super) sent: Vec<String>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(super) struct Receiver {
    /// `127.0.0.1:PORT`
    pub(super) address: String,
    requests: UnboundedReceiver<Request>,
    _server: AbortOnDropHandle<()>,
}

impl Receiver {
    /// Answers the request with this number, counted from 0.
    pub(super) async fn new(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, requests) = unbounded_channel();
        let answer = Arc::new(answer);
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, answer(number), sender.clone()));
            }
        });
        Self { address, requests, _server: AbortOnDropHandle::new(server) }
    }

    pub(super) async fn always(answer: Answer) -> Self {
        Self::new(move |_| answer).await
    }

    pub(super) fn url(&self, rest: &str) -> String {
        format!("http://{}{rest}", self.address)
    }

    pub(super) async fn next(&mut self) -> Request {
        tokio::time::timeout(TIMEOUT, self.requests.recv()).await.expect("no request arrives").unwrap()
    }

    /// Returns a request that has arrived.
    pub(super) fn next_now(&mut self) -> Option<Request> {
        self.requests.try_recv().ok()
    }

    /// Returns the next request, advancing the time with `pass` until it arrives.
    pub(super) async fn next_while(&mut self, pass: impl Fn()) -> Request {
        let wait = async {
            loop {
                pass();
                let short = tokio::time::timeout(Duration::from_millis(5), self.requests.recv()).await;
                if let Ok(request) = short {
                    return request.unwrap();
                }
            }
        };
        tokio::time::timeout(TIMEOUT, wait).await.expect("no request arrives, however much time passes")
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, sender: UnboundedSender<Request>) {
    let mut bytes = Vec::new();
    let request = loop {
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).await.unwrap_or_default();
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(request) = whole(&String::from_utf8_lossy(&bytes)) {
            break request;
        }
        if count == 0 {
            return;
        }
    };
    let _ = sender.send(request);
    match answer {
        Answer::Status(status) => {
            let text = format!("HTTP/1.1 {status} So\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Answer::Garbage => {
            let _ = stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await;
        }
        Answer::Never => std::future::pending().await,
    }
}

fn whole(text: &str) -> Option<Request> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let sent = head.lines().map(str::to_owned).collect();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |length| length.trim().parse().unwrap());
    let line = text.lines().next()?.rsplit_once(' ')?.0.to_owned();
    (body.len() >= length).then(|| Request { line, head, sent, body: body.to_owned() })
}
