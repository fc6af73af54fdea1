//! Pruning of old runs and slots.

use cached_proto::words::Phase;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::{Queue, QueueError};
use crate::state::Doing;
use crate::state::entity::{micros, run};

/// Slots are small, and a deleted slot could run again if the clock is set back to it.
const SLOTS_KEPT: TimeDelta = TimeDelta::days(400);

impl Queue {
    /// Removes what is older than `kept` at `now` of everything that grows with time: runs, readiness samples and
    /// maintenance; slots are kept for longer. Returns the number of removed runs.
    pub async fn prune(&self, now: DateTime<Utc>, kept: TimeDelta) -> Result<u64, QueueError> {
        self.prune_slots(now - kept.max(SLOTS_KEPT)).await?;
        self.state.prune_readiness(now - kept).await?;
        self.state.prune_chores(now - kept).await?;
        self.prune_runs(now - kept).await
    }

    /// Removes runs that ended before an instant, with their jobs and attempts; returns the number of removed
    /// runs.
    pub async fn prune_runs(&self, before: DateTime<Utc>) -> Result<u64, QueueError> {
        let tx = self.state.begin().await?;
        let runs = run::Entity::delete_many()
            .filter(run::Column::Phase.is_in([Phase::Done.as_str(), Phase::Cancelled.as_str()]))
            .filter(run::Column::Ended.lt(micros(before)))
            .exec(&tx)
            .await
            .doing("prune the history")?;
        tx.commit().await.doing("prune the history")?;
        Ok(runs.rows_affected)
    }

    /// Removes slots decided before an instant. The newest slot of each schedule is kept, whatever its age:
    /// the missed slots are determined from it. A removed slot would run again if the clock were set back to
    /// it.
    pub async fn prune_slots(&self, before: DateTime<Utc>) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        let slots = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "DELETE FROM slots WHERE decided < ? AND slot < \
             (SELECT max(newest.slot) FROM slots newest WHERE newest.schedule = slots.schedule)",
            [micros(before).into()],
        );
        tx.execute_raw(slots).await.doing("prune the slots")?;
        tx.commit().await.doing("prune the slots")?;
        Ok(())
    }
}
