//! Recovery of runs whose worker is gone.

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

/// Number of process deaths after which a job is set aside; otherwise it would kill its worker for ever.
const KILLS_ALLOWED: i64 = 2;

const SET_ASIDE: &str = "the daemon died twice while it worked on this table, so the table is set aside; \
                         look at the log of cached and the memory of the machine, then use `cachectl retry`";

impl Queue {
    /// Puts the runs that the previous process left running back into the queue, and returns their number. To
    /// be called once, by the holder of the state's lock, before anything is claimed: the owner of every
    /// remaining lease is dead by then.
    pub async fn recover(&self) -> Result<u64, QueueError> {
        let tx = self.state.begin().await?;
        let runs = ids(run::Entity::find().filter(running()), &tx).await?;
        // A run that was interrupted by a deliberate stop did not kill its process.
        let stopped = take_leaving(&tx).await?;
        let interruption = if stopped { Interruption::Stop } else { Interruption::Death };
        put_back(&tx, &runs, self.clock.now(), &interruption).await?;
        tx.commit().await.doing("put interrupted runs back")?;
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

    /// Records that this process ends on purpose. Attempts that are interrupted by its end do not count
    /// against their jobs.
    pub async fn leave(&self) -> Result<(), QueueError> {
        Ok(self.state.set_leaving().await?)
    }

    /// Puts back the runs that this process was working on when the state database failed. To be called by
    /// the only worker, while it holds no run. Succeeds only when the database can be written again.
    pub(crate) async fn release(&self) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        // When there is nothing to put back, this write tests whether the database can be written.
        count(&tx, STALLS, 1).await?;
        let runs = ids(run::Entity::find().filter(running()), &tx).await?;
        put_back(&tx, &runs, self.clock.now(), &Interruption::StateFailed).await?;
        tx.commit().await.doing("put interrupted runs back")?;
        Ok(())
    }

    /// Puts back runs whose lease another process has not renewed in time.
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
