//! Sends a message every morning, once on each civil date.
//!
//! Its time of day is a slot of a daily schedule, which clock changes neither skip nor repeat. A slot that passed while
//! the daemon was not running is made up for on the same date, and never later: the next one is not far. The state
//! records the slot before the first attempt, so that no restart sends it twice.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cached_present::moment;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::future::join_all;
use tokio::sync::watch;
use tracing::{info, warn};

use super::channel::Channel;
use super::health_monitor::Ask;
use super::messenger::{Delivery, Messenger};
use super::night::Morning;
use super::notice::Notice;
use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::schedule::{Fire, Schedule};
use crate::state::{State, StateError};

/// Longest sleep: the wall clock may be set, and timers stop while the machine is suspended.
const SLICE: Duration = Duration::from_mins(1);

/// How late a message may be without saying so.
const PUNCTUAL: TimeDelta = TimeDelta::minutes(15);

/// A record of a later slot than this from now on is of a clock that was ahead.
const AHEAD: TimeDelta = TimeDelta::hours(25);

#[derive(Debug)]
pub(super) struct Mornings {
    messengers: Vec<Messenger>,
    state: State,
    clock: Arc<dyn Clock>,
    configs: watch::Receiver<Arc<Config>>,
    morning: Ask<Morning>,
    plan: Plan,
    /// When the last slot of each channel was, as far as this process knows.
    told: BTreeMap<&'static str, DateTime<Utc>>,
}

/// The parts of the configuration that decide which slots there are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    time: Option<NaiveTime>,
    zone: Tz,
    channels: Vec<Channel>,
}

impl Plan {
    fn of(config: &Config) -> Self {
        let configured = |channel: &Channel| channel.is_configured(&config.notify);
        Self {
            time: config.notify.morning,
            zone: config.schedule.timezone,
            channels: Channel::ALL.into_iter().filter(configured).collect(),
        }
    }

    /// The slots; none if nothing is to be sent.
    fn schedule(&self) -> Option<Schedule> {
        let time = self.time.filter(|_| !self.channels.is_empty())?;
        Schedule::every(&time.format("%H:%M").to_string(), 24, self.zone).ok()
    }

    /// Whether a channel has slots that it did not have under an earlier plan.
    fn is_new_for(&self, channel: Channel, earlier: &Self) -> bool {
        (self.time, self.zone) != (earlier.time, earlier.zone) || !earlier.channels.contains(&channel)
    }
}

impl Mornings {
    pub(super) fn new(
        messengers: Vec<Messenger>,
        state: State,
        clock: Arc<dyn Clock>,
        configs: watch::Receiver<Arc<Config>>,
        morning: Ask<Morning>,
    ) -> Self {
        let plan = Plan::of(&configs.borrow());
        Self { messengers, state, clock, configs, morning, plan, told: BTreeMap::new() }
    }

    /// Runs until the daemon stops.
    pub(super) async fn run(mut self) {
        loop {
            let plan = Plan::of(&self.configs.borrow_and_update());
            let earlier = std::mem::replace(&mut self.plan, plan);
            let wait = match self.plan.schedule() {
                Some(schedule) => {
                    self.tell(&schedule, &earlier).await;
                    Some(self.wait(&schedule))
                }
                None => None,
            };
            let sleep = async {
                match wait {
                    Some(wait) => self.clock.sleep(wait).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = sleep => {}
                changed = self.configs.changed() => if changed.is_err() { return },
            }
        }
    }

    fn wait(&self, schedule: &Schedule) -> Duration {
        let now = self.clock.now();
        let next = schedule.fires_after(now, 1).first().and_then(|fire| (fire.at - now).to_std().ok());
        next.map_or(SLICE, |until| until.min(SLICE))
    }

    /// Sends the message over every channel that it is due for.
    async fn tell(&mut self, schedule: &Schedule, earlier: &Plan) {
        let now = self.clock.now();
        let Some(fire) = schedule.due(now) else { return };
        let mut due = Vec::new();
        for channel in self.plan.channels.clone() {
            let told = match self.told(channel, now).await {
                Ok(told) => told,
                Err(error) => {
                    warn!("whether a morning message is due is not known: {}", describe(&error));
                    continue;
                }
            };
            // Nothing was ever sent, or this slot had passed when it was configured: begin with the next one.
            let begins = told.is_none() || self.plan.is_new_for(channel, earlier);
            if let Some(told) = told.filter(|_| !begins) {
                if is_due(&fire, told, now, schedule.zone()) {
                    due.push(channel);
                }
            } else if told.is_none_or(|told| told < fire.at) {
                self.record(channel, fire.at).await;
            }
        }
        if !due.is_empty() {
            self.send(&due, &fire, now).await;
        }
    }

    async fn send(&mut self, channels: &[Channel], fire: &Fire, now: DateTime<Utc>) {
        let morning = self.morning.answer().await;
        let late = (now - fire.at > PUNCTUAL)
            .then(|| format!("This message was due {}", moment(fire.at.into(), &self.plan.zone, now, "%Z")));
        for channel in channels {
            self.record(*channel, fire.at).await;
        }
        let told = self.messengers.iter().filter(|messenger| channels.contains(&messenger.channel));
        join_all(told.map(|messenger| {
            let notice = Notice::morning(&morning, late.as_deref(), &messenger.machine.host, now);
            async move {
                if messenger.deliver(&notice, pending()).await == Delivery::Arrived {
                    info!("Told over notify.{}: {}", messenger.channel.as_str(), notice.title());
                }
            }
        }))
        .await;
    }

    /// When the last slot of a channel was.
    async fn told(&self, channel: Channel, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StateError> {
        let told = match self.told.get(channel.as_str()) {
            Some(told) => Some(*told),
            None => self.state.told(channel.as_str()).await?,
        };
        Ok(told.filter(|told| *told <= now + AHEAD))
    }

    async fn record(&mut self, channel: Channel, at: DateTime<Utc>) {
        self.told.insert(channel.as_str(), at);
        if let Err(error) = self.state.set_told(channel.as_str(), at).await {
            warn!("a restart on the same day may send the morning message once more: {}", describe(&error));
        }
    }
}

/// Whether the message of a slot is due, where `told` is the last slot that was. A time of day that is changed later on
/// the same date makes no second message.
fn is_due(fire: &Fire, told: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> bool {
    let date = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    fire.at > told && date(fire.at) != date(told) && date(fire.at) == date(now)
}
