//! Maintenance tasks queued by schedules: each is kept until it has ended, so that a kill loses none.

use cached_proto::words::Chore;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
};

use super::{Doing, State, StateError, known, micros, table, word};

table!(chore, "chores", {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) task: String,
    pub(crate) slot: String,
    pub(crate) queued: i64,
    pub(crate) attempts: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) error: Option<String>,
});

/// A task that waits to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChore {
    /// Number of the task.
    pub id: i64,
    /// The task.
    pub chore: Chore,
    /// The slot that asked for it.
    pub slot: String,
    /// How often it was attempted.
    pub attempts: u32,
}

/// A scheduled task that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedChore {
    /// The task.
    pub chore: Chore,
    /// The slot that asked for it.
    pub slot: String,
    /// Why it failed.
    pub error: String,
}

impl State {
    /// The longest-waiting task.
    pub async fn due_chore(&self) -> Result<Option<DueChore>, StateError> {
        let row = chore::Entity::find()
            .filter(chore::Column::Ended.is_null())
            // Tasks that only another version knows wait for it.
            .filter(chore::Column::Task.is_in(Chore::ALL.iter().map(|chore| chore.as_str())))
            .order_by_asc(chore::Column::Id)
            .one(self.reader())
            .await
            .doing("look for maintenance to do")?;
        row.map(|row| {
            Ok(DueChore {
                id: row.id,
                chore: word("chores.task", row.task)?,
                slot: row.slot,
                attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            })
        })
        .transpose()
    }

    /// The tasks whose last execution failed, with its slot and error.
    pub async fn failed_chores(&self) -> Result<Vec<FailedChore>, StateError> {
        let rows = chore::Entity::find()
            .filter(chore::Column::Ended.is_not_null())
            .order_by_desc(chore::Column::Id)
            .all(self.reader())
            .await
            .doing("look for maintenance that failed")?;
        let mut newest: Vec<FailedChore> = Vec::new();
        let mut seen = Vec::new();
        for row in rows {
            let Some(chore) = known::<Chore>(row.task).filter(|chore| !seen.contains(chore)) else {
                continue;
            };
            seen.push(chore);
            newest.extend(row.error.map(|error| FailedChore { chore, slot: row.slot, error }));
        }
        Ok(newest)
    }

    /// Adds to the attempts of a task: one before it is attempted, or a negative number to take back an
    /// attempt that failed through no fault of the task.
    pub async fn count_chore(&self, id: i64, attempts: i64) -> Result<(), StateError> {
        chore::Entity::update_many()
            .col_expr(chore::Column::Attempts, Expr::col(chore::Column::Attempts).add(attempts))
            .filter(chore::Column::Id.eq(id))
            .exec(&self.write)
            .await
            .doing("begin maintenance")?;
        Ok(())
    }

    /// Ends a task for good.
    pub async fn end_chore(
        &self,
        id: i64,
        now: DateTime<Utc>,
        error: Option<String>,
    ) -> Result<(), StateError> {
        chore::Entity::update_many()
            .col_expr(chore::Column::Ended, Expr::value(micros(now)))
            .col_expr(chore::Column::Error, Expr::value(error))
            .filter(chore::Column::Id.eq(id))
            .exec(&self.write)
            .await
            .doing("end maintenance")?;
        Ok(())
    }

    /// Deletes tasks that ended before an instant.
    pub async fn prune_chores(&self, before: DateTime<Utc>) -> Result<(), StateError> {
        let old = chore::Entity::delete_many().filter(chore::Column::Ended.lt(micros(before)));
        old.exec(&self.write).await.doing("forget old maintenance")?;
        Ok(())
    }
}

/// Queues a task in the transaction that decides its slot.
pub(crate) async fn insert_chore(
    tx: &impl ConnectionTrait,
    chore: Chore,
    slot: &str,
    now: DateTime<Utc>,
) -> Result<(), StateError> {
    let row = chore::ActiveModel {
        task: Set(chore.as_str().to_owned()),
        slot: Set(slot.to_owned()),
        queued: Set(micros(now)),
        ..chore::ActiveModel::default()
    };
    chore::Entity::insert(row).exec_without_returning(tx).await.doing("ask for maintenance")?;
    Ok(())
}
