//! Signals for a dead man's switch: a service that raises an alarm when it does *not* receive a signal.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, Trigger};
use tokio::sync::broadcast::{Receiver as Events, error::RecvError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::send::{PAUSES, call};
use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::fetch::Call;
use crate::jobs::Policy;

/// Capacity of the queue of signals for a service that hangs; one night has two signals.
const WAITING: usize = 16;

/// Time for sending the remaining signals when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// What happened to a scheduled run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Start,
    Success,
    Fail,
}

impl Signal {
    /// The path suffix of the signal, as defined by healthchecks.io and similar services.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Start => "/start",
            Self::Success => "",
            Self::Fail => "/fail",
        }
    }
}

/// Converts events into signals.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// The run whose start was signalled.
    started: Option<i64>,
}

impl Signals {
    /// The signal for an event. Only scheduled runs count, including late ones: other runs have no deadline.
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
    Policy::of(trigger, false).is_of_slot()
}

#[derive(Debug)]
pub(super) struct Pinger {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) events: Events<Progress>,
}

impl Pinger {
    /// Sends signals until `stop` is cancelled, and after that, for a short time, those of earlier events.
    pub(super) async fn run(self, stop: CancellationToken) {
        let Self { clock, configs, mut events } = self;
        let (queue, mut waiting) = mpsc::channel(WAITING);
        let listen = async {
            let mut signals = Signals::default();
            loop {
                let event = tokio::select! {
                    // Events from before the stop are still signalled.
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

/// Makes a few attempts, but no further ones once a newer signal waits, which makes this one worthless, or
/// the daemon stops.
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
        match call(url, Call::Get(signal.suffix()), config.notify.timeout).await {
            Ok(()) => return debug!("notify.ping_url received {signal:?}"),
            Err(error) => warn!("notify.ping_url failed: {}", describe(&error)),
        }
        let Some(pause) = pause.filter(|_| !outdated()) else { return };
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}
