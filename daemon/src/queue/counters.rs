//! What the queue counts. Counters survive restarts; these are their names in the state database.
//!
//! | name | counts |
//! |---|---|
//! | `attempts` | attempts at jobs that were begun |
//! | `retries` | failed attempts that another one follows |
//! | `kills` | attempts that died with their process |
//! | `stalls` | times that work stood still because the state database failed |
//! | `jobs.<outcome>` | jobs that ended with the outcome, or `jobs.cancelled` |
//! | `runs.<outcome>` | runs that ended with the verdict, or `runs.cancelled` |

use cached_proto::words::{Outcome, Phase};
use sea_orm::ConnectionTrait;

use crate::state::{StateError, bump};

/// Attempts that were begun.
pub const ATTEMPTS: &str = "attempts";
/// Failed attempts that another one follows.
pub const RETRIES: &str = "retries";
/// Attempts that died with their process.
pub const KILLS: &str = "kills";
/// Times that work stood still because the state database failed.
pub const STALLS: &str = "stalls";

/// Jobs that ended so; without an outcome, cancelled ones.
pub fn jobs(outcome: Option<Outcome>) -> String {
    format!("jobs.{}", outcome.map_or(Phase::Cancelled.as_str(), Outcome::as_str))
}

/// Runs that ended so; without an outcome, cancelled ones.
pub fn runs(outcome: Option<Outcome>) -> String {
    format!("runs.{}", outcome.map_or(Phase::Cancelled.as_str(), Outcome::as_str))
}

pub(super) async fn count(tx: &impl ConnectionTrait, name: &str, by: u64) -> Result<(), StateError> {
    if by == 0 { Ok(()) } else { bump(tx, name, by).await }
}
