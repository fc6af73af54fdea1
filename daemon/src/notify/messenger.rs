//! Sends a notice over one channel, with a few attempts.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::warn;

use super::channel::Channel;
use super::machine::Machine;
use super::notice::Notice;
use super::send::PAUSES;
use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Arrived,
    /// Every attempt failed.
    GivenUp,
    /// It was outdated before it arrived, or the channel was removed from the configuration.
    Abandoned,
}

#[derive(Debug)]
pub(super) struct Messenger {
    pub(super) channel: Channel,
    pub(super) machine: Machine,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) configs: watch::Receiver<Arc<Config>>,
}

impl Messenger {
    /// Sends the notice, unless `outdated` is ready before an attempt succeeds.
    pub(super) async fn deliver(&self, notice: &Notice, outdated: impl Future<Output = ()>) -> Delivery {
        let (channel, mut outdated) = (self.channel.as_str(), pin!(outdated));
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            // Read the configuration before each attempt, since the operator may have corrected it.
            let config = Arc::clone(&self.configs.borrow());
            if !self.channel.is_configured(&config.notify) {
                return Delivery::Abandoned;
            }
            match self.channel.send(&config.notify, notice, &self.machine, &*self.clock).await {
                Ok(()) => return Delivery::Arrived,
                Err(error) => warn!("notify.{channel} failed: {}", describe(&error)),
            }
            let Some(pause) = pause else { break };
            tokio::select! {
                () = self.clock.sleep(pause) => {}
                () = &mut outdated => return Delivery::Abandoned,
            }
        }
        let name = notice.name();
        warn!(
            "No notification of {name} was sent over notify.{channel}; test it with `cachectl notify --test`"
        );
        Delivery::GivenUp
    }
}
