//! Announces changes of health over one channel.

use std::future::pending;
use std::sync::Arc;

use cached_proto::words::HealthLevel;
use tokio::sync::watch;
use tracing::{info, warn};

use super::health_monitor::{Judgement, Latest};
use super::messenger::{Delivery, Messenger};
use super::notice::Notice;
use crate::config::Config;
use crate::describe::describe;
use crate::state::State;

#[derive(Debug)]
pub(super) struct Announcer {
    pub(super) messenger: Messenger,
    pub(super) state: State,
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) latest: watch::Receiver<Latest>,
}

impl Announcer {
    /// Runs until the daemon stops.
    pub(super) async fn run(mut self) {
        let mut announced = Announced::new(self.announced_before().await);
        loop {
            let judgement = self.latest.borrow_and_update().clone();
            let configured = self.messenger.channel.is_configured(&self.configs.borrow_and_update().notify);
            if let Some(judgement) = judgement.filter(|_| configured) {
                let level = judgement.health.health;
                if let Some(previous) = announced.due(level) {
                    match self.announce(previous, &judgement).await {
                        Delivery::Arrived => {
                            announced.arrived(level);
                            self.remember(level).await;
                        }
                        Delivery::GivenUp => announced.give_up(level),
                        // The level or the configuration has changed: evaluate again.
                        Delivery::Abandoned => continue,
                    }
                }
            }
            tokio::select! {
                changed = self.latest.changed() => if changed.is_err() { return },
                changed = self.configs.changed() => match changed {
                    Ok(()) => announced.allow_retry(),
                    Err(_) => return,
                },
            }
        }
    }

    /// Sends the notice, unless the level changes before it arrives: another one is due then.
    async fn announce(&mut self, previous: HealthLevel, judgement: &Judgement) -> Delivery {
        let Self { messenger, latest, .. } = self;
        let level = judgement.health.health;
        let notice = Notice::change(previous, &judgement.health, &messenger.machine.host, judgement.at);
        let moved = |latest: &Latest| latest.as_ref().is_some_and(|now| now.health.health != level);
        let outdated = async {
            // No further judgement means that the daemon stops.
            if latest.wait_for(moved).await.is_err() {
                pending::<()>().await;
            }
        };
        let delivery = messenger.deliver(&notice, outdated).await;
        if delivery == Delivery::Arrived {
            info!("Announced over notify.{}: {level}, {previous} before", messenger.channel.as_str());
        }
        delivery
    }

    async fn announced_before(&self) -> HealthLevel {
        // A repeated announcement is better than a lost one.
        self.state.announced(self.messenger.channel.as_str()).await.unwrap_or_else(|error| {
            warn!("the last announcement is not known: {}", describe(&error));
            HealthLevel::Healthy
        })
    }

    async fn remember(&self, level: HealthLevel) {
        if let Err(error) = self.state.set_announced(self.messenger.channel.as_str(), level).await {
            warn!("the next start will announce {level} once more: {}", describe(&error));
        }
    }
}

/// What one channel has announced.
#[derive(Debug)]
pub(super) struct Announced {
    announced: HealthLevel,
    given_up: Option<HealthLevel>,
}

impl Announced {
    pub(super) const fn new(announced: HealthLevel) -> Self {
        Self { announced, given_up: None }
    }

    /// The previously announced level, if `level` is to be announced. A level whose announcement failed
    /// counts as never announced, so its recovery is not announced either.
    pub(super) fn due(&mut self, level: HealthLevel) -> Option<HealthLevel> {
        self.given_up = self.given_up.filter(|&given_up| given_up == level);
        (level != self.announced && self.given_up.is_none()).then_some(self.announced)
    }

    /// Records that the announcement arrived.
    pub(super) const fn arrived(&mut self, level: HealthLevel) {
        self.announced = level;
    }

    /// Records that the announcement failed and is not repeated before the level changes.
    pub(super) const fn give_up(&mut self, level: HealthLevel) {
        self.given_up = Some(level);
    }

    /// Allows another attempt after a change of the configuration, which may have fixed the cause.
    pub(super) const fn allow_retry(&mut self) {
        self.given_up = None;
    }
}
