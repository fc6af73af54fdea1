//! Maintenance tasks queued by schedules. Each is kept until it has ended, so that none is lost when the daemon is
//! killed.

use cached_proto::words::MaintenanceTask;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
};

use super::{ErrorContext, State, StateError, known, micros, table, word};

// The table is named `chores`: migrations that have landed never change, and `MaintenanceReport` has the same word as a
// key of its JSON.
table!(task, "chores", {
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
pub struct DueTask {
    /// Number of the task.
    pub id: i64,
    /// The task.
    pub task: MaintenanceTask,
    /// Its slot.
    pub slot: String,
    /// How often it was attempted.
    pub attempts: u32,
}

/// A scheduled task that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTask {
    /// The task.
    pub task: MaintenanceTask,
    /// Its slot.
    pub slot: String,
    /// Why it failed.
    pub error: String,
}

impl State {
    /// The longest-waiting task.
    pub async fn due_task(&self) -> Result<Option<DueTask>, StateError> {
        let row = task::Entity::find()
            .filter(task::Column::Ended.is_null())
            // Tasks that only another version knows wait for it.
            .filter(task::Column::Task.is_in(MaintenanceTask::ALL.iter().map(|task| task.as_str())))
            .order_by_asc(task::Column::Id)
            .one(self.reader())
            .await
            .context("look for due maintenance tasks")?;
        row.map(|row| {
            Ok(DueTask {
                id: row.id,
                task: word("chores.task", row.task)?,
                slot: row.slot,
                attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            })
        })
        .transpose()
    }

    /// The tasks whose last execution failed, with its slot and error.
    pub async fn failed_tasks(&self) -> Result<Vec<FailedTask>, StateError> {
        let rows = task::Entity::find()
            .filter(task::Column::Ended.is_not_null())
            .order_by_desc(task::Column::Id)
            .all(self.reader())
            .await
            .context("look for failed maintenance tasks")?;
        let mut newest: Vec<FailedTask> = Vec::new();
        let mut seen = Vec::new();
        for row in rows {
            let Some(task) = known::<MaintenanceTask>(row.task).filter(|task| !seen.contains(task)) else {
                continue;
            };
            seen.push(task);
            newest.extend(row.error.map(|error| FailedTask { task, slot: row.slot, error }));
        }
        Ok(newest)
    }

    /// Adds to the number of attempts of a task: one before it is attempted, or a negative number to take back an
    /// attempt that failed through no fault of the task.
    pub async fn count_task(&self, id: i64, attempts: i64) -> Result<(), StateError> {
        task::Entity::update_many()
            .col_expr(task::Column::Attempts, Expr::col(task::Column::Attempts).add(attempts))
            .filter(task::Column::Id.eq(id))
            .exec(&self.write)
            .await
            .context("begin a maintenance task")?;
        Ok(())
    }

    /// Ends a task for good.
    pub async fn end_task(
        &self,
        id: i64,
        now: DateTime<Utc>,
        error: Option<String>,
    ) -> Result<(), StateError> {
        task::Entity::update_many()
            .col_expr(task::Column::Ended, Expr::value(micros(now)))
            .col_expr(task::Column::Error, Expr::value(error))
            .filter(task::Column::Id.eq(id))
            .exec(&self.write)
            .await
            .context("end a maintenance task")?;
        Ok(())
    }

    /// Deletes tasks that ended before an instant.
    pub async fn prune_tasks(&self, before: DateTime<Utc>) -> Result<(), StateError> {
        let old = task::Entity::delete_many().filter(task::Column::Ended.lt(micros(before)));
        old.exec(&self.write).await.context("delete old maintenance tasks")?;
        Ok(())
    }
}

/// Queues a task in the transaction that decides its slot.
pub(crate) async fn insert_task(
    tx: &impl ConnectionTrait,
    task: MaintenanceTask,
    slot: &str,
    now: DateTime<Utc>,
) -> Result<(), StateError> {
    let row = task::ActiveModel {
        task: Set(task.as_str().to_owned()),
        slot: Set(slot.to_owned()),
        queued: Set(micros(now)),
        ..task::ActiveModel::default()
    };
    task::Entity::insert(row).exec_without_returning(tx).await.context("queue a maintenance task")?;
    Ok(())
}
