//! Putting back what a worker left that is no more.

use cached_proto::words::{Outcome, Phase};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect, UpdateMany,
};

use super::counters::{KILLS, STALLS, count, jobs};
use super::{Queue, QueueError};
use crate::state::entity::{attempt, job, micros, run};
use crate::state::{Doing, StateError, take_leaving};

/// What ended an attempt before its time.
enum Interruption {
    /// Its process died, perhaps of it.
    Death,
    /// Its process was stopped and did not wait for it.
    Stop,
    /// Its result could not be kept, which is not its doing.
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

/// A job that took its worker down with it so often would do it for ever.
const KILLS_ALLOWED: i64 = 2;

const SET_ASIDE: &str = "the daemon died twice while it worked on this table, so the table is set aside; \
                         look at the log of cached and the memory of the machine, then use `cachectl retry`";

impl Queue {
    /// Puts back what the process before this one left running, and returns how many runs that were. To be called
    /// once, by the holder of the state's lock, before anything is claimed: whoever had a lease is dead then.
    pub async fn recover(&self) -> Result<u64, QueueError> {
        let tx = self.state.begin().await?;
        let runs = ids(run::Entity::find().filter(running()), &tx).await?;
        // A run that was broken off by a stop has killed nobody.
        let stopped = take_leaving(&tx).await?;
        let interruption = if stopped { Interruption::Stop } else { Interruption::Death };
        put_back(&tx, &runs, self.clock.now(), &interruption).await?;
        tx.commit().await.doing("put interrupted runs back")?;
        self.announce_work();
        Ok(u64::try_from(runs.len()).unwrap_or(u64::MAX))
    }

    /// Says that this process ends on purpose. What it is killed in until then counts against no job.
    pub async fn leave(&self) -> Result<(), QueueError> {
        Ok(self.state.set_leaving().await?)
    }

    /// Puts back what this process was at work on when the state database failed. To be called by the one worker, with
    /// nothing in hand. It succeeds only when the database can be written again.
    pub(crate) async fn release(&self) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        // Where there is nothing to put back, this is the write that shows whether writing works.
        count(&tx, STALLS, 1).await?;
        let runs = ids(run::Entity::find().filter(running()), &tx).await?;
        put_back(&tx, &runs, self.clock.now(), &Interruption::StateFailed).await?;
        tx.commit().await.doing("put interrupted runs back")?;
        Ok(())
    }

    /// Puts back what another process has not renewed in time.
    pub(super) async fn take_up_expired(
        &self,
        tx: &DatabaseTransaction,
        now: DateTime<Utc>,
    ) -> Result<(), QueueError> {
        let expired = run::Entity::find().filter(running()).filter(run::Column::LeaseUntil.lt(micros(now)));
        let runs = ids(expired, tx).await?;
        Ok(put_back(tx, &runs, now, &Interruption::Death).await?)
    }
}

fn running() -> sea_orm::sea_query::SimpleExpr {
    run::Column::Phase.eq(Phase::Running.as_str())
}

async fn ids(runs: sea_orm::Select<run::Entity>, tx: &DatabaseTransaction) -> Result<Vec<i64>, StateError> {
    let ids = runs.select_only().column(run::Column::Id).into_tuple();
    ids.all(tx).await.doing("look for interrupted runs")
}

/// Closes the attempts in progress and queues their jobs again, except those that somebody cancelled or that have
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
        .doing("close interrupted attempts")?;
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
        killed.exec(tx).await.doing("count interrupted jobs")?;
    }
    let cancelled = of_those(Phase::Cancelled).filter(job::Column::Cancel.eq(true)).exec(tx).await;
    count(tx, &jobs(None), cancelled.doing("cancel interrupted jobs")?.rows_affected).await?;
    let set_aside = of_those(Phase::Done)
        .col_expr(job::Column::Outcome, Expr::value(Outcome::Failed.as_str()))
        .col_expr(job::Column::Error, Expr::value(SET_ASIDE))
        .filter(job::Column::Kills.gte(KILLS_ALLOWED))
        .exec(tx)
        .await
        .doing("set interrupted jobs aside")?;
    count(tx, &jobs(Some(Outcome::Failed)), set_aside.rows_affected).await?;
    of_those(Phase::Queued).exec(tx).await.doing("put interrupted jobs back")?;

    run::Entity::update_many()
        .col_expr(run::Column::Phase, Expr::value(Phase::Queued.as_str()))
        .col_expr(run::Column::Lease, Expr::value(None::<String>))
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<i64>))
        .filter(run::Column::Id.is_in(runs.iter().copied()))
        .exec(tx)
        .await
        .doing("put interrupted runs back")?;
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
        .doing("look for interrupted jobs")
}
