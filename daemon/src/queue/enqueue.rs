//! Asking for runs.

use cached_proto::words::{Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
};

use super::{Queue, QueueError};
use crate::state::entity::{job, micros, run, word};
use crate::state::{Doing, StateError};

/// A run to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// What asks for it.
    pub trigger: Trigger,
    /// The slot of a scheduled run, `YYYY-MM-DD HH:MM`.
    pub slot: Option<String>,
    /// Its tables, in the order they are worked on.
    pub tables: Vec<Table>,
    /// Also entries that are young enough.
    pub force: bool,
    /// Accept a source that lost suspiciously many rows.
    pub accept: bool,
    /// Payloads without the documented deviations.
    pub exact: bool,
    /// The instant used as "now"; none for the wall clock's.
    pub as_of: Option<DateTime<Utc>>,
}

impl NewRun {
    /// A run with no special wishes.
    pub const fn new(trigger: Trigger, tables: Vec<Table>) -> Self {
        Self { trigger, slot: None, tables, force: false, accept: false, exact: false, as_of: None }
    }

    /// What an identical request has in common with this one. Runs of the schedule are told apart by their slot
    /// already, so only those that people and changes ask for can be identical.
    fn request_key(&self) -> Option<String> {
        matches!(self.trigger, Trigger::Manual | Trigger::Watch).then(|| {
            let tables: Vec<_> = self.tables.iter().map(|t| t.as_str()).collect();
            let as_of = self.as_of.map_or_else(String::new, |at| micros(at).to_string());
            let Self { trigger, force, accept, exact, .. } = self;
            format!(
                "{trigger} force={force} accept={accept} exact={exact} as_of={as_of} {}",
                tables.join(",")
            )
        })
    }
}

/// Where a request ended up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// Number of the run that does the work.
    pub run: i64,
    /// True when an identical request was waiting already and this one joined it.
    pub joined: bool,
}

impl Queue {
    /// Queues a run, or joins an identical one that nobody has begun. On return it is durable.
    pub async fn enqueue(&self, new: NewRun) -> Result<Enqueued, QueueError> {
        let tx = self.state.begin().await?;
        if let Some(key) = new.request_key() {
            let waiting = run::Entity::find()
                .filter(run::Column::RequestKey.eq(key))
                .one(&tx)
                .await
                .doing("look for an identical request")?;
            if let Some(waiting) = waiting {
                return Ok(Enqueued { run: waiting.id, joined: true });
            }
        }
        let run = insert(&tx, new, self.clock.now()).await?;
        tx.commit().await.doing("queue a run")?;
        self.announce_work();
        Ok(Enqueued { run, joined: false })
    }

    /// Queues the table of a job again, behind what waits already: somebody else wrote while it was being refreshed.
    pub async fn enqueue_again(&self, job: i64) -> Result<Enqueued, QueueError> {
        let view = self.state.view().await?;
        let lost = job::Entity::find_by_id(job).one(&view).await.doing("read a job")?;
        let lost = lost.ok_or(QueueError::NoSuchJob(job))?;
        let asked = run::Entity::find_by_id(lost.run_id).one(&view).await.doing("read a run")?;
        let asked = asked.ok_or(QueueError::NoSuchRun(lost.run_id))?;
        drop(view);
        let table = word("jobs.table_name", lost.table_name)?;
        let new = NewRun::new(Trigger::Watch, vec![table]);
        self.enqueue(NewRun { force: asked.force, accept: asked.accept, exact: asked.exact, ..new }).await
    }
}

/// Inserts a run with its jobs into somebody's transaction.
pub(super) async fn insert(
    tx: &impl ConnectionTrait,
    new: NewRun,
    now: DateTime<Utc>,
) -> Result<i64, QueueError> {
    if new.tables.is_empty() {
        return Err(QueueError::NoTables);
    }
    let id = insert_run(tx, &new, now).await?;
    let jobs = (0..).zip(new.tables).map(|(ordinal, table)| job::ActiveModel {
        run_id: Set(id),
        table_name: Set(table.as_str().to_owned()),
        ordinal: Set(ordinal),
        phase: Set(Phase::Queued.as_str().to_owned()),
        ..Default::default()
    });
    job::Entity::insert_many(jobs).exec_without_returning(tx).await.doing("queue the jobs of a run")?;
    Ok(id)
}

async fn insert_run(tx: &impl ConnectionTrait, new: &NewRun, now: DateTime<Utc>) -> Result<i64, StateError> {
    let row = run::ActiveModel {
        id: NotSet,
        trigger: Set(new.trigger.as_str().to_owned()),
        slot: Set(new.slot.clone()),
        request_key: Set(new.request_key()),
        force: Set(new.force),
        accept: Set(new.accept),
        exact: Set(new.exact),
        as_of: Set(new.as_of.map(micros)),
        phase: Set(Phase::Queued.as_str().to_owned()),
        queued: Set(micros(now)),
        ..Default::default()
    };
    Ok(run::Entity::insert(row).exec(tx).await.doing("queue a run")?.last_insert_id)
}
