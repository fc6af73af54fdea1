//! Notifies the operator of a change of health, and a monitoring service of the nightly refresh.
//!
//! All of this runs in a task of its own and is bounded: a receiver that hangs, fails or sends false answers
//! costs its own notice and nothing else. Refreshes neither wait for notifications nor depend on them.
//!
//! Each channel reads the latest judgement and stores on disk what it announced last. So notices do not queue
//! up for a receiver that is down, changes that were reverted in the meantime are not announced, and a
//! restart repeats nothing.

mod announcer;
mod channel;
mod health_monitor;
mod notice;
mod ping;
mod send;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;

use std::sync::Arc;

use announcer::Announcer;
use cached_proto::verb::refresh::Progress;
use channel::Channel;
use health_monitor::HealthMonitor;
use ping::Pinger;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::heartbeat::Heartbeat;
use crate::state::State;

pub(crate) use channel::try_all;
pub(crate) use health_monitor::Judge;
pub(crate) use notice::host_name;

/// Monitors the health, announces changes, and pings the monitoring service.
#[derive(Debug)]
pub(crate) struct Notifier {
    health_monitor: HealthMonitor,
    command: Announcer,
    webhook: Announcer,
    pinger: Pinger,
}

impl Notifier {
    /// Subscribes to events, so that nothing that happens before [`run`](Self::run) is missed.
    pub(crate) fn new(
        state: &State,
        events: impl Fn() -> Receiver<Progress>,
        clock: &Arc<dyn Clock>,
        configs: &watch::Receiver<Arc<Config>>,
        judge: Judge,
        host: &str,
    ) -> Self {
        let (clock, configs) = (|| Arc::clone(clock), || configs.clone());
        let latest = watch::Sender::new(None);
        let announcer = |channel| Announcer {
            channel,
            host: host.to_owned(),
            state: state.clone(),
            clock: clock(),
            configs: configs(),
            latest: latest.subscribe(),
        };
        Self {
            command: announcer(Channel::Command),
            webhook: announcer(Channel::Webhook),
            pinger: Pinger { clock: clock(), configs: configs(), events: events() },
            health_monitor: HealthMonitor {
                judge,
                clock: clock(),
                configs: configs(),
                events: events(),
                latest,
            },
        }
    }

    /// Runs until `stop` is cancelled, and a few seconds longer if a scheduled run has just ended, since its
    /// end is signalled only once. Announcements need no extra time; the next start makes those that are due.
    pub(crate) async fn run(self, stop: CancellationToken, heartbeat: Heartbeat) {
        let Self { health_monitor, command, webhook, pinger } = self;
        let announce = async { tokio::join!(health_monitor.run(heartbeat), command.run(), webhook.run()) };
        tokio::select! {
            () = pinger.run(stop.clone()) => {}
            // Ends only together with the daemon's other parts; then wait for `stop`.
            () = async { announce.await; stop.cancelled().await } => {}
        }
    }
}
