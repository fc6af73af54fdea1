//! Signals for a dead man's switch: a service that raises the alarm when it does *not* hear of us.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, Trigger};
use tokio::sync::broadcast::{Receiver as Events, error::RecvError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::PAUSES;
use super::http::{self, Call};
use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;

/// Signals that may wait behind a service that hangs; a night has two.
const WAITING: usize = 16;

/// For what is still to be told when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// What happened to a scheduled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Start,
    Success,
    Fail,
}

impl Signal {
    /// What stands behind the path, as healthchecks.io and its kin have it.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Start => "/start",
            Self::Success => "",
            Self::Fail => "/fail",
        }
    }
}

/// Turns events into signals.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// The run whose start was told.
    started: Option<i64>,
}

impl Signals {
    /// Runs that nobody expects have no deadline, so only scheduled ones count, late ones included.
    pub(super) fn of(&mut self, event: &Progress) -> Option<Signal> {
        match event {
            Progress::JobStarted(job) if is_expected(job.trigger) && self.started != Some(job.run) => {
                self.started = Some(job.run);
                Some(Signal::Start)
            }
            Progress::RunDone(run) if is_expected(run.trigger) => {
                let good = run.phase == Phase::Done && run.outcome.is_none_or(Outcome::is_good);
                Some(if good { Signal::Success } else { Signal::Fail })
            }
            _ => None,
        }
    }
}

const fn is_expected(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Schedule | Trigger::CatchUp)
}

#[derive(Debug)]
pub(super) struct Pinger {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) events: Events<Progress>,
}

impl Pinger {
    /// Signals until `stop` is cancelled, and what has happened until then shortly after.
    pub(super) async fn run(self, stop: CancellationToken) {
        let Self { clock, configs, mut events } = self;
        let (queue, mut waiting) = mpsc::channel(WAITING);
        let listen = async {
            let mut signals = Signals::default();
            loop {
                let event = tokio::select! {
                    // What happened before the stop is still told.
                    biased;
                    event = events.recv() => event,
                    () = stop.cancelled() => break,
                };
                let signal = match event {
                    Ok(event) => signals.of(&event),
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => break,
                };
                if let Some(signal) = signal.filter(|_| configs.borrow().notify.ping_url.is_some())
                    && queue.try_send(signal).is_err()
                {
                    warn!("notify.ping_url is too slow: a signal was dropped");
                }
            }
            drop(queue);
        };
        let send = async {
            while let Some(signal) = waiting.recv().await {
                send(signal, &configs, &*clock, &stop, || !waiting.is_empty()).await;
            }
        };
        let end = async {
            stop.cancelled().await;
            clock.sleep(FAREWELL).await;
        };
        tokio::select! {
            _ = async { tokio::join!(listen, send) } => {}
            () = end => {}
        }
    }
}

/// Tries a few times, but not when there is newer news, which makes this one worthless, or no time.
async fn send(
    signal: Signal,
    configs: &watch::Receiver<Arc<Config>>,
    clock: &dyn Clock,
    stop: &CancellationToken,
    outdated: impl Fn() -> bool,
) {
    for pause in PAUSES.into_iter().map(Some).chain([None]) {
        let config = Arc::clone(&configs.borrow());
        let Some(url) = &config.notify.ping_url else { return };
        match http::call(url, Call::Get(signal.suffix()), config.notify.timeout).await {
            Ok(()) => return debug!("notify.ping_url was told: {signal:?}"),
            Err(error) => warn!("notify.ping_url failed: {}", describe(&error)),
        }
        let Some(pause) = pause.filter(|_| !outdated()) else { return };
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}
