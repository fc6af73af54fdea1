//! Queuing of runs.

use cached_proto::words::{Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::coverage::{AFTER_ONE_RUN, Waiting, is_of_slot, priority};
use super::{Queue, QueueError};
use crate::state::entity::{instant, job, known, micros, run};
use crate::state::{Doing, StateError};

/// A run to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// What triggers the run.
    pub trigger: Trigger,
    /// The slot of a scheduled run, `YYYY-MM-DD HH:MM`.
    pub slot: Option<String>,
    /// Its tables, in the order they are worked on.
    pub tables: Vec<Table>,
    /// Regenerates young entries as well.
    pub force: bool,
    /// Accepts a source that lost suspiciously many rows.
    pub accept: bool,
    /// Generates payloads without the documented deviations.
    pub exact: bool,
    /// The instant used as "now"; `None` for the time of the wall clock.
    pub as_of: Option<DateTime<Utc>>,
    /// For a top-up: entries that last until this instant are left alone.
    pub renew_before: Option<DateTime<Utc>>,
    /// When it may begin; `None` for at once.
    pub not_before: Option<DateTime<Utc>>,
}

impl NewRun {
    /// A run with default options.
    pub const fn new(trigger: Trigger, tables: Vec<Table>) -> Self {
        Self {
            trigger,
            slot: None,
            tables,
            force: false,
            accept: false,
            exact: false,
            as_of: None,
            renew_before: None,
            not_before: None,
        }
    }
}

/// The run that serves a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// Number of the run that does the work.
    pub run: i64,
    /// True when the request joined a run that was already waiting and does all of it.
    pub joined: bool,
}

impl Queue {
    /// Queues a run, or joins a queued one that has not begun and does the same work. The request is durable
    /// on return.
    ///
    /// A run that has begun is never joined: it may have read the source before the change that caused the
    /// request.
    pub async fn enqueue(&self, new: NewRun) -> Result<Enqueued, QueueError> {
        let tx = self.state.begin().await?;
        let enqueued = match covering(&tx, &new).await? {
            Some(waiting) => {
                let run = waiting.id;
                hurry(&tx, waiting, &new).await?;
                Enqueued { run, joined: true }
            }
            None => Enqueued { run: insert(&tx, new, self.clock.now()).await?, joined: false },
        };
        tx.commit().await.doing("queue a run")?;
        self.announce_work();
        Ok(enqueued)
    }
}

/// Finds a queued run that has not begun and does all of `new`.
async fn covering(tx: &impl ConnectionTrait, new: &NewRun) -> Result<Option<run::Model>, StateError> {
    let rows = run::Entity::find()
        .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
        .filter(run::Column::Started.is_null())
        .order_by_asc(run::Column::Priority)
        .order_by_asc(run::Column::Id)
        .all(tx)
        .await
        .doing("look for a run to join")?;
    for row in rows {
        // Cancelled jobs are left out.
        let jobs = job::Entity::find()
            .filter(job::Column::RunId.eq(row.id))
            .filter(job::Column::Phase.eq(Phase::Queued.as_str()))
            .order_by_asc(job::Column::Ordinal)
            .all(tx)
            .await
            .doing("look for a run to join")?;
        let tables = jobs.into_iter().filter_map(|job| known(job.table_name)).collect();
        let Some(trigger) = known(&row.trigger) else { continue };
        let waiting = Waiting {
            trigger,
            tables,
            force: row.force,
            accept: row.accept,
            exact: row.exact,
            as_of: row.as_of.map(instant),
        };
        if !new.tables.is_empty() && waiting.covers(new) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Raises the priority of a joined run and makes it due, so that a request does not wait longer than for a run
/// of its own.
async fn hurry(tx: &impl ConnectionTrait, waiting: run::Model, new: &NewRun) -> Result<(), StateError> {
    let not_before = waiting.not_before.filter(|_| new.not_before.is_some());
    let priority = priority(new.trigger).min(waiting.priority);
    if (priority, not_before) != (waiting.priority, waiting.not_before) {
        let row = run::ActiveModel {
            id: Set(waiting.id),
            priority: Set(priority),
            not_before: Set(not_before),
            parked: Set(waiting.parked.filter(|_| not_before.is_some())),
            ..Default::default()
        };
        run::Entity::update(row).exec(tx).await.doing("join a run")?;
    }
    Ok(())
}

/// Inserts a run with its jobs in the caller's transaction.
pub(super) async fn insert(
    tx: &impl ConnectionTrait,
    new: NewRun,
    now: DateTime<Utc>,
) -> Result<i64, QueueError> {
    if new.tables.is_empty() {
        return Err(QueueError::NoTables);
    }
    // A run in progress is the one run that a slot waits for.
    let waits_already = is_of_slot(new.trigger) && is_running(tx).await?;
    let priority = if waits_already { AFTER_ONE_RUN } else { priority(new.trigger) };
    let id = insert_run(tx, &new, priority, now).await?;
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

async fn is_running(tx: &impl ConnectionTrait) -> Result<bool, StateError> {
    let running = run::Entity::find().filter(run::Column::Phase.eq(Phase::Running.as_str()));
    Ok(running.one(tx).await.doing("look for a run in progress")?.is_some())
}

async fn insert_run(
    tx: &impl ConnectionTrait,
    new: &NewRun,
    priority: i64,
    now: DateTime<Utc>,
) -> Result<i64, StateError> {
    let row = run::ActiveModel {
        id: NotSet,
        trigger: Set(new.trigger.as_str().to_owned()),
        slot: Set(new.slot.clone()),
        priority: Set(priority),
        force: Set(new.force),
        accept: Set(new.accept),
        exact: Set(new.exact),
        as_of: Set(new.as_of.map(micros)),
        renew_before: Set(new.renew_before.map(micros)),
        phase: Set(Phase::Queued.as_str().to_owned()),
        queued: Set(micros(now)),
        not_before: Set(new.not_before.map(micros)),
        // A pause that was recorded by a clock that was ahead is found by when it was recorded.
        parked: Set(new.not_before.map(|_| micros(now))),
        ..Default::default()
    };
    Ok(run::Entity::insert(row).exec(tx).await.doing("queue a run")?.last_insert_id)
}
