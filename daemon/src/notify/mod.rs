//! Tells people what happens while nobody looks: a change of health, and that the nightly refresh ran.
//!
//! Everything here happens in a task of its own and is bounded: a receiver that hangs, fails or lies costs a
//! notice and nothing else. Work neither waits for it nor knows of it.
//!
//! Each channel looks at the latest judgement and remembers what it announced last, on disk. So nothing
//! queues up behind a receiver that is down, changes that took themselves back meanwhile are not told, and
//! a restart repeats nothing.

mod announcer;
mod channel;
mod command;
mod error;
mod health_monitor;
mod http;
mod level;
mod notice;
mod notifier;
mod ping;
#[cfg(test)]
mod tests;
mod trial;

pub(crate) use health_monitor::Judge;
pub(crate) use notice::host_name;
pub(crate) use notifier::Notifier;
pub(crate) use trial::try_all;

use std::time::Duration;

/// Pauses before another attempt; after the last one the channel gives up until something changes.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
