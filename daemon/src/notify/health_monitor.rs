//! Evaluates the health periodically and after every run.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::health::HealthReply;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::HealthLevel;
use chrono::{DateTime, Utc};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::watch;

use super::channel::Channel;
use crate::clock::Clock;
use crate::config::Config;
use crate::heartbeat::Heartbeat;

/// Time between two evaluations.
const BETWEEN: Duration = Duration::from_mins(1);

/// Upper bound of the time for one evaluation, which reads VMS's database and may have to wait for its locks.
const LONGEST_JUDGEMENT: Duration = Duration::from_hours(1);

/// Reads what notices tell, as the verbs do.
pub(crate) struct Ask<T>(Box<dyn Fn() -> Pin<Box<dyn Future<Output = T> + Send>> + Send + Sync>);

impl<T> Ask<T> {
    pub(crate) fn new<F>(read: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self(Box::new(move || Box::pin(read())))
    }

    pub(super) async fn answer(&self) -> T {
        (self.0)().await
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

/// A settled health evaluation.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) health: HealthReply,
    pub(super) at: DateTime<Utc>,
}

/// The latest judgement, if there is one.
pub(super) type Latest = Option<Arc<Judgement>>;

#[derive(Debug)]
pub(super) struct HealthMonitor {
    pub(super) health: Ask<HealthReply>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) events: Receiver<Progress>,
    pub(super) latest: watch::Sender<Latest>,
}

impl HealthMonitor {
    /// Runs until the daemon stops. Beats `heartbeat` in every iteration.
    pub(super) async fn run(mut self, heartbeat: Heartbeat) {
        let mut settling = Settling::new();
        let mut after_run = false;
        loop {
            if !self.has_channel(&heartbeat).await {
                return;
            }
            heartbeat.beat(LONGEST_JUDGEMENT);
            let health = self.health.answer().await;
            if settling.counts(health.health, after_run) {
                let judgement = Judgement { health, at: self.clock.now() };
                self.latest.send_replace(Some(Arc::new(judgement)));
            }
            after_run = tokio::select! {
                () = heartbeat.nap(BETWEEN) => false,
                ended = run_ended(&mut self.events) => match ended {
                    Some(()) => true,
                    None => return,
                },
            };
        }
    }

    /// Waits until a channel is configured, since an evaluation costs a read of VMS's database and is made
    /// only if its result is used. Returns false once the daemon has stopped.
    async fn has_channel(&mut self, heartbeat: &Heartbeat) -> bool {
        let listens =
            |config: &Arc<Config>| Channel::ALL.iter().any(|channel| channel.is_configured(&config.notify));
        loop {
            if listens(&self.configs.borrow_and_update()) {
                return true;
            }
            // A channel that is configured later must not be sent what was judged long before.
            self.latest.send_replace(None);
            tokio::select! {
                () = heartbeat.nap(BETWEEN) => {}
                changed = self.configs.changed() => if changed.is_err() { return false },
            }
        }
    }
}

/// Waits until a run ends. Returns none if there will be no more runs.
async fn run_ended(events: &mut Receiver<Progress>) -> Option<()> {
    loop {
        match events.recv().await {
            // The missed events may include the end of a run.
            Ok(Progress::RunDone(_)) | Err(RecvError::Lagged(_)) => return Some(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// Decides which judgements count.
///
/// An import that replaces rows, or a database that is locked for a moment, makes one evaluation worse than
/// the next. A worse judgement therefore counts only if it follows a run, or if the evaluation before it was
/// worse, too.
#[derive(Debug)]
pub(super) struct Settling {
    settled: HealthLevel,
    is_unconfirmed: bool,
}

impl Settling {
    pub(super) const fn new() -> Self {
        Self { settled: HealthLevel::Healthy, is_unconfirmed: false }
    }

    /// Whether this judgement counts. `definite` means that it was made because a run ended.
    pub(super) fn counts(&mut self, level: HealthLevel, definite: bool) -> bool {
        let worse = level > self.settled;
        let counts = !worse || definite || self.is_unconfirmed;
        self.is_unconfirmed = worse && !counts;
        if counts {
            self.settled = level;
        }
        counts
    }
}
