//! Notifies the operator of a change of health and, once a day, of what the night did, and a monitoring service of the
//! nightly refresh.
//!
//! All of this runs in a task of its own and is bounded: a receiver that hangs, fails or sends false answers
//! costs its own notice and nothing else. Refreshes neither wait for notifications nor depend on them.
//!
//! Each channel reads the latest judgement and stores on disk what it announced last. So notices do not queue
//! up for a receiver that is down, changes that were reverted in the meantime are not announced, and a
//! restart repeats nothing.

mod announcer;
mod channel;
mod format;
mod health_monitor;
mod machine;
mod mail;
mod messenger;
mod morning;
mod night;
mod notice;
mod ping;
mod send;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;

use std::sync::Arc;

use announcer::Announcer;
use cached_proto::verb::health::HealthReply;
use cached_proto::verb::refresh::Progress;
use channel::Channel;
use futures_util::future::join_all;
use health_monitor::HealthMonitor;
use messenger::Messenger;
use morning::Mornings;
use ping::Pinger;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::heartbeat::Heartbeat;
use crate::state::State;

pub(crate) use channel::try_all;
pub(crate) use health_monitor::Ask;
pub(crate) use machine::Machine;
pub(crate) use night::{Morning, NIGHT};

/// What notices are made of.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The verb `health`.
    pub(crate) health: Ask<HealthReply>,
    /// The content of a morning message.
    pub(crate) morning: Ask<Morning>,
}

/// Monitors the health, announces changes, sends the morning message, and pings the monitoring service.
#[derive(Debug)]
pub(crate) struct Notifier {
    health_monitor: HealthMonitor,
    announcers: Vec<Announcer>,
    mornings: Mornings,
    pinger: Pinger,
}

impl Notifier {
    /// Subscribes to events, so that nothing that happens before [`run`](Self::run) is missed.
    pub(crate) fn new(
        state: &State,
        events: impl Fn() -> Receiver<Progress>,
        clock: &Arc<dyn Clock>,
        configs: &watch::Receiver<Arc<Config>>,
        sources: Sources,
        machine: &Machine,
    ) -> Self {
        let Sources { health, morning } = sources;
        let (clock, configs) = (|| Arc::clone(clock), || configs.clone());
        let latest = watch::Sender::new(None);
        let messenger =
            |channel| Messenger { channel, machine: machine.clone(), clock: clock(), configs: configs() };
        let announcer = |channel| Announcer {
            messenger: messenger(channel),
            state: state.clone(),
            configs: configs(),
            latest: latest.subscribe(),
        };
        Self {
            announcers: Channel::ALL.map(announcer).into(),
            mornings: Mornings::new(
                Channel::ALL.map(messenger).into(),
                state.clone(),
                clock(),
                configs(),
                morning,
            ),
            pinger: Pinger { clock: clock(), configs: configs(), events: events() },
            health_monitor: HealthMonitor {
                health,
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
        let Self { health_monitor, announcers, mornings, pinger } = self;
        let announce = async {
            let announcers = join_all(announcers.into_iter().map(Announcer::run));
            tokio::join!(health_monitor.run(heartbeat), announcers, mornings.run())
        };
        tokio::select! {
            () = pinger.run(stop.clone()) => {}
            // Ends only together with the daemon's other parts; then wait for `stop`.
            () = async { announce.await; stop.cancelled().await } => {}
        }
    }
}
