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
//! | `write_lock.micros` | microseconds for which VMS's write lock was held |
//! | `write_lock.le.<microseconds>` | holds that took so long at most, and longer than the next smaller bound |
//! | `write_lock.more` | holds that took longer than the largest bound |

use std::time::Duration;

use cached_proto::words::{Outcome, Phase};
use sea_orm::ConnectionTrait;

use crate::state::{Doing as _, State, StateError, bump};
use crate::vms::{HOLD_BOUNDS, LockHolds};

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

/// Microseconds for which VMS's write lock was held.
pub const LOCK_MICROS: &str = "write_lock.micros";

/// Holds of VMS's write lock within one bound of [`HOLD_BOUNDS`]; without a bound, those that are longer than all.
pub fn holds(bound: Option<Duration>) -> String {
    bound.map_or_else(|| "write_lock.more".to_owned(), |bound| format!("write_lock.le.{}", bound.as_micros()))
}

pub(super) async fn count_holds(tx: &impl ConnectionTrait, held: &LockHolds) -> Result<(), StateError> {
    let micros = u64::try_from(held.total().as_micros()).unwrap_or(u64::MAX);
    count(tx, LOCK_MICROS, micros).await?;
    let bounds = HOLD_BOUNDS.into_iter().map(Some).chain([None]);
    for (bound, &number) in bounds.zip(held.buckets()) {
        count(tx, &holds(bound), number).await?;
    }
    Ok(())
}

impl State {
    /// Counts holds of VMS's write lock that belong to no job.
    pub(crate) async fn count_holds(&self, held: &LockHolds) -> Result<(), StateError> {
        let tx = self.begin().await?;
        count_holds(&tx, held).await?;
        tx.commit().await.doing("count holds of the write lock")
    }
}

pub(super) async fn count(tx: &impl ConnectionTrait, name: &str, by: u64) -> Result<(), StateError> {
    if by == 0 { Ok(()) } else { bump(tx, name, by).await }
}
