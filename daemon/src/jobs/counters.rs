//! Counters of the queue. They survive restarts; these are their names in the state database.
//!
//! | name | counts |
//! |---|---|
//! | `attempts` | attempts that were begun |
//! | `retries` | failed attempts that are followed by another one |
//! | `kills` | attempts whose process died |
//! | `stalls` | times that work stopped because the state database failed |
//! | `jobs.<outcome>` | jobs that ended with the outcome, or `jobs.cancelled` |
//! | `runs.<trigger>.<outcome>` | runs that ended with the verdict, or `runs.<trigger>.cancelled` |
//! | `<measured>.micros` | total duration of everything [`Measured`], in microseconds |
//! | `<measured>.le.<microseconds>` | durations up to this bound and above the next smaller one |
//! | `<measured>.more` | durations above the largest bound |

use std::borrow::Cow;
use std::time::Duration;

use cached_proto::words::{Outcome, Phase, Table, Trigger};
use sea_orm::ConnectionTrait;

use crate::state::{ErrorContext as _, State, StateError, bump};
use crate::vms::{HOLD_BOUNDS, LockHolds};

/// Attempts that were begun.
pub const ATTEMPTS: &str = "attempts";
/// Failed attempts that are followed by another one.
pub const RETRIES: &str = "retries";
/// Attempts whose process died.
pub const KILLS: &str = "kills";
/// Times that work stopped because the state database failed.
pub const STALLS: &str = "stalls";

/// Name of the counter of jobs that ended with an outcome; without one, of cancelled jobs.
pub fn jobs(outcome: Option<Outcome>) -> String {
    format!("jobs.{}", outcome.map_or(Phase::Cancelled.as_str(), Outcome::as_str))
}

/// Name of the counter of a trigger's runs that ended with an outcome; without one, of cancelled runs.
pub fn runs(trigger: Trigger, outcome: Option<Outcome>) -> String {
    format!("runs.{trigger}.{}", outcome.map_or(Phase::Cancelled.as_str(), Outcome::as_str))
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Upper bounds of the buckets in which refreshes are counted.
const REFRESH_BOUNDS: [Duration; 13] = [
    millis(50),
    millis(100),
    millis(250),
    millis(500),
    millis(1_000),
    millis(2_500),
    millis(5_000),
    millis(10_000),
    millis(30_000),
    millis(60_000),
    millis(120_000),
    millis(300_000),
    millis(600_000),
];

/// Durations that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// Holds of VMS's write lock.
    WriteLock,
    /// Runs that ended with a verdict.
    Run,
    /// Jobs of a table that were worked on and not cancelled; the time of their last attempt.
    Refresh(Table),
}

impl Measured {
    /// Upper bounds of its buckets, smallest first; longer durations have a bucket of their own.
    pub const fn bounds(self) -> &'static [Duration] {
        match self {
            Self::WriteLock => &HOLD_BOUNDS,
            Self::Run | Self::Refresh(_) => &REFRESH_BOUNDS,
        }
    }

    /// Name of the counter of the total duration in microseconds.
    pub fn micros(self) -> String {
        format!("{}.micros", self.name())
    }

    /// Name of the counter of one bucket; without a bound, of the bucket for durations above all bounds.
    pub fn bucket(self, bound: Option<Duration>) -> String {
        let name = self.name();
        bound.map_or_else(|| format!("{name}.more"), |bound| format!("{name}.le.{}", bound.as_micros()))
    }

    fn name(self) -> Cow<'static, str> {
        match self {
            Self::WriteLock => "write_lock".into(),
            Self::Run => "run_time".into(),
            Self::Refresh(table) => format!("refresh_time.{table}").into(),
        }
    }
}

/// Counts one duration of `seconds`.
pub(super) async fn count_time(
    tx: &impl ConnectionTrait,
    measured: Measured,
    seconds: f64,
) -> Result<(), StateError> {
    let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let bound = measured.bounds().iter().find(|&&bound| took <= bound).copied();
    count(tx, &measured.bucket(bound), 1).await?;
    count(tx, &measured.micros(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX)).await
}

pub(super) async fn count_holds(tx: &impl ConnectionTrait, held: &LockHolds) -> Result<(), StateError> {
    let micros = u64::try_from(held.total().as_micros()).unwrap_or(u64::MAX);
    count(tx, &Measured::WriteLock.micros(), micros).await?;
    let bounds = HOLD_BOUNDS.into_iter().map(Some).chain([None]);
    for (bound, &number) in bounds.zip(held.buckets()) {
        count(tx, &Measured::WriteLock.bucket(bound), number).await?;
    }
    Ok(())
}

impl State {
    /// Counts holds of VMS's write lock that belong to no job.
    pub(crate) async fn count_holds(&self, held: &LockHolds) -> Result<(), StateError> {
        let tx = self.begin().await?;
        count_holds(&tx, held).await?;
        tx.commit().await.context("count holds of the write lock")
    }
}

pub(super) async fn count(tx: &impl ConnectionTrait, name: &str, by: u64) -> Result<(), StateError> {
    if by == 0 { Ok(()) } else { bump(tx, name, by).await }
}
