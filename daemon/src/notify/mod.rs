//! Notifies the operator of a change of health, and a monitoring service of the nightly refresh.
//!
//! All of this runs in a task of its own and is bounded: a receiver that hangs, fails or sends false answers
//! costs a notice and nothing else. Refreshes neither wait for notifications nor depend on them.
//!
//! Each channel reads the latest judgement and stores on disk what it announced last. So notices do not queue
//! up for a receiver that is down, changes that were reverted in the meantime are not announced, and a
//! restart repeats nothing.

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
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;
mod trial;

pub(crate) use health_monitor::Judge;
pub(crate) use notice::host_name;
pub(crate) use notifier::Notifier;
pub(crate) use trial::try_all;

use std::time::Duration;

/// Pauses before another attempt; after the last one the channel gives up until something changes.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
