//! Combines all parts of the notification into one task.

use std::sync::Arc;

use cached_proto::verb::refresh::Progress;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::announcer::Announcer;
use super::channel::Channel;
use super::health_monitor::{HealthMonitor, Judge};
use super::ping::Pinger;
use crate::clock::Clock;
use crate::config::Config;
use crate::heartbeat::Heartbeat;
use crate::state::State;

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
