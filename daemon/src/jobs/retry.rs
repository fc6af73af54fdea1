//! Retries: the pause before the next attempt of a failed job, and recovery of jobs whose attempt was interrupted.

use std::time::Duration;

use cached_proto::words::{Outcome, Phase};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect, UpdateMany,
};

use super::Queue;
use super::counters::{KILLS, STALLS, count, jobs};
use super::model::{QueueError, attempt, job, run};
use crate::state::{ErrorContext, StateError, micros, take_recorded_stop};

/// How often and how soon a failed job is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Maximum number of attempts, including the first one.
    pub attempts: u32,
    /// Longest pause before the second attempt; it doubles with each further one.
    pub base_delay: Duration,
    /// Upper bound of every pause.
    pub max_delay: Duration,
}

impl RetryPolicy {
    /// The pause before the next attempt after `failures` failed ones; `None` when no attempt is left.
    ///
    /// Exponential backoff with full jitter: `random` picks uniformly between zero and `base_delay` doubled
    /// with each failure, `max_delay` at most. Jobs that were blocked by the same cause at once are thereby
    /// retried one by one.
    pub fn pause(&self, failures: u32, random: u64) -> Option<Duration> {
        (failures < self.attempts).then(|| share(self.longest_pause(failures), random))
    }

    /// Upper bound of the pause after `failures` failed attempts.
    pub fn longest_pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.checked_pow(failures.saturating_sub(1));
        doubled
            .and_then(|times| self.base_delay.checked_mul(times))
            .unwrap_or(Duration::MAX)
            .min(self.max_delay)
    }
}

/// Scales `whole` by `random` as a fraction of its range; both ends can be reached.
fn share(whole: Duration, random: u64) -> Duration {
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    let part = u128::from(micros) * u128::from(random) / u128::from(u64::MAX);
    Duration::from_micros(u64::try_from(part).unwrap_or(micros))
}

/// What interrupted an attempt.
enum Interruption {
    /// The process died, possibly because of the attempt.
    Death,
    /// The process was stopped and did not wait for the attempt.
    Stop,
    /// The result could not be stored, through no fault of the attempt.
    StateFailed,
}

impl Interruption {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Death | Self::Stop => "interrupted by a stop of the daemon",
            Self::StateFailed => "interrupted by a failure of the state database",
        }
    }
}

/// Number of process deaths after which a job is set aside; otherwise it would kill its worker again and again.
const KILLS_ALLOWED: i64 = 2;

const SET_ASIDE: &str = "the daemon died twice while working on this table, so the table is set aside; \
                         check the log of cached and the memory of the machine, then use `cachectl retry`";

impl Queue {
    /// Puts the runs that the previous process left running back into the queue, and returns their number. To
    /// be called once, by the holder of the state's lock, before anything is claimed: the process that had claimed
    /// them is dead by then.
    pub async fn recover(&self) -> Result<u64, QueueError> {
        let tx = self.state.begin().await?;
        let runs = running(&tx).await?;
        // A run that was interrupted by a deliberate stop did not kill its process.
        let stopped = take_recorded_stop(&tx).await?;
        let interruption = if stopped { Interruption::Stop } else { Interruption::Death };
        put_back(&tx, &runs, self.clock.now(), &interruption).await?;
        tx.commit().await.context("put interrupted runs back")?;
        let unknown = self.unknown_count().await?;
        if unknown > 0 {
            tracing::warn!(
                "{unknown} runs and jobs in {} have a trigger or table that this version does not know; they are \
                 kept and left alone: `cachectl history` shows them",
                self.state.path().display()
            );
        }
        self.announce_work();
        Ok(u64::try_from(runs.len()).unwrap_or(u64::MAX))
    }

    /// Records that this process is about to stop deliberately. Attempts that its end interrupts do not count
    /// against their jobs.
    pub async fn record_stop(&self) -> Result<(), QueueError> {
        Ok(self.state.record_stop().await?)
    }

    /// Puts back the runs that this process was working on when the state database failed. To be called by
    /// the only worker, while it holds no run. Succeeds only when the database can be written again.
    pub(crate) async fn release(&self) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        // When there is nothing to put back, this write tests whether the database can be written.
        count(&tx, STALLS, 1).await?;
        let runs = running(&tx).await?;
        put_back(&tx, &runs, self.clock.now(), &Interruption::StateFailed).await?;
        tx.commit().await.context("put interrupted runs back")?;
        Ok(())
    }
}

async fn running(tx: &DatabaseTransaction) -> Result<Vec<i64>, StateError> {
    let running = run::Entity::find().filter(run::Column::Phase.eq(Phase::Running.as_str()));
    let ids = running.select_only().column(run::Column::Id).into_tuple();
    ids.all(tx).await.context("look for interrupted runs")
}

/// Closes the attempts in progress and queues their jobs again, except those that were cancelled or have
/// killed their worker too often.
async fn put_back(
    tx: &DatabaseTransaction,
    runs: &[i64],
    now: DateTime<Utc>,
    interruption: &Interruption,
) -> Result<(), StateError> {
    if runs.is_empty() {
        return Ok(());
    }
    let interrupted = jobs_running(tx, runs).await?;
    attempt::Entity::update_many()
        .col_expr(attempt::Column::Ended, Expr::value(micros(now)))
        .col_expr(attempt::Column::Outcome, Expr::value(Outcome::Failed.as_str()))
        .col_expr(attempt::Column::Error, Expr::value(interruption.as_str()))
        .filter(attempt::Column::Ended.is_null())
        .filter(attempt::Column::JobId.is_in(interrupted.clone()))
        .exec(tx)
        .await
        .context("close interrupted attempts")?;
    let of_those = |phase: Phase| -> UpdateMany<job::Entity> {
        job::Entity::update_many()
            .col_expr(job::Column::Phase, Expr::value(phase.as_str()))
            .filter(job::Column::Id.is_in(interrupted.clone()))
            .filter(job::Column::Phase.eq(Phase::Running.as_str()))
    };
    if matches!(interruption, Interruption::Death) {
        count(tx, KILLS, u64::try_from(interrupted.len()).unwrap_or_default()).await?;
        let killed =
            of_those(Phase::Running).col_expr(job::Column::Kills, Expr::col(job::Column::Kills).add(1));
        killed.exec(tx).await.context("count interrupted jobs")?;
    }
    let cancelled = of_those(Phase::Cancelled).filter(job::Column::Cancel.eq(true)).exec(tx).await;
    count(tx, &jobs(None), cancelled.context("cancel interrupted jobs")?.rows_affected).await?;
    let set_aside = of_those(Phase::Done)
        .col_expr(job::Column::Outcome, Expr::value(Outcome::Failed.as_str()))
        .col_expr(job::Column::Error, Expr::value(SET_ASIDE))
        .filter(job::Column::Kills.gte(KILLS_ALLOWED))
        .exec(tx)
        .await
        .context("set interrupted jobs aside")?;
    count(tx, &jobs(Some(Outcome::Failed)), set_aside.rows_affected).await?;
    of_those(Phase::Queued).exec(tx).await.context("put interrupted jobs back")?;

    run::Entity::update_many()
        .col_expr(run::Column::Phase, Expr::value(Phase::Queued.as_str()))
        .col_expr(run::Column::Lease, Expr::value(None::<String>))
        .filter(run::Column::Id.is_in(runs.iter().copied()))
        .exec(tx)
        .await
        .context("put interrupted runs back")?;
    Ok(())
}

async fn jobs_running(tx: &DatabaseTransaction, runs: &[i64]) -> Result<Vec<i64>, StateError> {
    job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::RunId.is_in(runs.iter().copied()))
        .filter(job::Column::Phase.eq(Phase::Running.as_str()))
        .into_tuple()
        .all(tx)
        .await
        .context("look for interrupted jobs")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Duration, RetryPolicy};

    const POLICY: RetryPolicy =
        RetryPolicy { attempts: 20, base_delay: Duration::from_secs(2), max_delay: Duration::from_mins(5) };

    #[test]
    fn the_longest_pause_doubles_with_each_failure_up_to_its_limit() {
        let longest = [1, 2, 3, 8, 9, 19, u32::MAX].map(|n| POLICY.longest_pause(n).as_secs());
        assert_eq!(longest, [2, 4, 8, 256, 300, 300, 300]);
    }

    #[test]
    fn a_random_pause_reaches_both_ends_and_the_middle_of_its_range() {
        let pauses = [0, u64::MAX / 2 + 1, u64::MAX].map(|random| POLICY.pause(2, random).unwrap());
        assert_eq!(pauses.map(|pause| pause.as_millis()), [0, 2000, 4000]);
    }

    proptest! {
        #[test]
        fn a_pause_is_within_its_bounds_and_grows_with_the_random_value(
            attempts in 1_u32..30,
            base in 0_u64..4_000_000_000,
            max in 0_u64..100_000_000_000,
            failures in 1_u32..40,
            random in any::<[u64; 2]>(),
        ) {
            let policy = RetryPolicy {
                attempts,
                base_delay: Duration::from_micros(base),
                max_delay: Duration::from_micros(max),
            };
            let [less, more] = [random[0].min(random[1]), random[0].max(random[1])];
            let pauses = (policy.pause(failures, less), policy.pause(failures, more));
            prop_assert_eq!(pauses.0.is_some(), failures < attempts);
            if let (Some(short), Some(long)) = pauses {
                let ceiling = (u128::from(base) << (failures - 1)).min(u128::from(max));
                prop_assert!(short <= long && long.as_micros() <= ceiling);
                prop_assert!(policy.longest_pause(failures + 1) >= policy.longest_pause(failures));
            }
        }
    }
}
