//! Requests to the queue: new runs, cancelling, and retries.

use std::collections::BTreeMap;

use cached_proto::verb::cancel::{CancelReply, Target};
use cached_proto::verb::refresh::Progress;
use cached_proto::verb::retry::RetryReply;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder,
};

use super::counters::{self, count};
use super::model::{Enqueued, NewRun, QueueError, job, run};
use super::policy::{AFTER_ONE_RUN, Policy, RefreshScope, covers};
use super::work::{end, jobs};
use super::{Queue, locked, read};
use crate::state::{ErrorContext, StateError, instant, known, micros};

/// Options of a run: force, accept, exact and as-of instant. Jobs with the same options are retried together.
type Options = (bool, bool, bool, Option<i64>);

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
                raise_priority(&tx, waiting, &new).await?;
                Enqueued { run, joined: true }
            }
            None => Enqueued { run: insert(&tx, new, self.clock.now()).await?, joined: false },
        };
        tx.commit().await.context("queue a run")?;
        self.announce_work();
        Ok(enqueued)
    }

    /// Cancels a job, or all jobs of a run that have not ended, on behalf of `by`. Waiting jobs are
    /// cancelled at once; running ones stop at their next group and keep what they have written until then.
    pub async fn cancel(&self, target: Target, by: &str) -> Result<CancelReply, QueueError> {
        let tx = self.state.begin().await?;
        let (run, targets) = target_of(&tx, target).await?;
        let mut events = Vec::new();
        let mut reply = CancelReply { cancelled: Vec::new(), stopping: Vec::new() };
        for job in targets {
            let id = job.id;
            let mut row = job.clone().into_active_model();
            let reason = Set(Some(format!("cancelled by {by}")));
            if job.phase == Phase::Queued.as_str() {
                row.phase = Set(Phase::Cancelled.as_str().to_owned());
                row.not_before = Set(None);
                row.error = reason;
                let row = row.update(&tx).await.context("cancel a job")?;
                count(&tx, &counters::jobs(None), 1).await?;
                events.extend(shown(read::job(&tx, row).await)?.map(Progress::JobDone));
                reply.cancelled.push(id);
            } else if job.phase == Phase::Running.as_str() {
                row.cancel = Set(true);
                row.error = reason;
                row.update(&tx).await.context("cancel a job")?;
                reply.stopping.push(id);
            }
        }
        if reply.cancelled.is_empty() && reply.stopping.is_empty() {
            return Err(QueueError::Over(target));
        }
        // A run in progress is ended by its worker.
        let jobs = jobs(&tx, run.id).await?;
        let idle = run.phase == Phase::Queued.as_str();
        if idle && jobs.iter().all(|job| job.phase != Phase::Queued.as_str()) {
            let ended = end(&tx, run, &jobs, self.clock.now()).await;
            events.extend(shown(ended)?.map(Progress::RunDone));
        }
        tx.commit().await.context("cancel a job")?;
        for job in &reply.stopping {
            if let Some((_, cancel)) = locked(&self.cancels).get(job) {
                cancel.cancel();
            }
        }
        for event in events {
            if let Progress::RunDone(run) = &event {
                // The end of every other run is logged by its worker.
                tracing::error!(run_id = run.id, "Cache refresh failed: cancelled by {by}");
            }
            self.announce(event);
        }
        Ok(reply)
    }

    /// Retries a job that did not end well, or all such jobs of a run. A new run is queued, so that the
    /// history of the old one stays as it is. Jobs that wait for their next attempt become due at once.
    pub async fn retry(&self, target: Target) -> Result<RetryReply, QueueError> {
        let tx = self.state.begin().await?;
        let (run, jobs) = target_of(&tx, target).await?;
        let waiting: Vec<job::Model> = jobs.iter().filter(|job| waits(job)).cloned().collect();
        let again = jobs.into_iter().filter(is_bad).map(|job| (run.clone(), job)).collect();
        let mut reply = RetryReply { runs: Vec::new(), tables: Vec::new() };
        if !waiting.is_empty() && run.phase == Phase::Queued.as_str() {
            for job in waiting {
                let Some(table) = known(&job.table_name) else { continue };
                reply.tables.push(table);
                let mut row = job.into_active_model();
                row.not_before = Set(None);
                row.update(&tx).await.context("end the pause of a job")?;
            }
            reply.runs.push(run.id);
            let mut row = run.into_active_model();
            row.not_before = Set(None);
            row.parked = Set(None);
            row.update(&tx).await.context("end the pause of a run")?;
        }
        tx.commit().await.context("end the pause of a run")?;
        self.announce_work();
        self.queue_retries(again, &mut reply).await?;
        if reply.runs.is_empty() { Err(QueueError::NothingToRetry(target)) } else { Ok(reply) }
    }

    /// Retries every table whose newest job did not end well.
    pub async fn retry_failed(&self) -> Result<RetryReply, QueueError> {
        let newest: Vec<i64> = self.last_results().await?.into_iter().map(|job| job.id).collect();
        let tx = self.state.begin().await?;
        let jobs = job::Entity::find().filter(job::Column::Id.is_in(newest));
        let jobs = jobs.all(&tx).await.context("read the newest jobs")?;
        let mut again = Vec::new();
        for job in jobs.into_iter().filter(is_bad) {
            again.push((run_of(&tx, &job).await?, job));
        }
        drop(tx);
        let mut reply = RetryReply { runs: Vec::new(), tables: Vec::new() };
        self.queue_retries(again, &mut reply).await?;
        Ok(reply)
    }

    async fn queue_retries(
        &self,
        jobs: Vec<(run::Model, job::Model)>,
        reply: &mut RetryReply,
    ) -> Result<(), QueueError> {
        let mut by_options: BTreeMap<Options, Vec<Table>> = BTreeMap::new();
        for (run, job) in jobs {
            // A trigger or table that only another version knows is left to that version.
            let words = (known(run.trigger), known(job.table_name));
            let (Some::<Trigger>(trigger), Some(table)) = words else { continue };
            // The retry is a manual run, which skips young entries unless it is forced.
            let force = Policy::of(trigger, run.force).scope >= RefreshScope::Every;
            let options = (force, run.accept, run.exact, run.as_of);
            by_options.entry(options).or_default().push(table);
        }
        for ((force, accept, exact, as_of), mut tables) in by_options {
            tables.sort_unstable();
            reply.tables.extend(&tables);
            let as_of = as_of.map(instant);
            let new = NewRun { force, accept, exact, as_of, ..NewRun::new(Trigger::Manual, tables) };
            reply.runs.push(self.enqueue(new).await?.run);
        }
        Ok(())
    }
}

/// Finds a queued run that has not begun and covers `new`.
async fn covering(tx: &impl ConnectionTrait, new: &NewRun) -> Result<Option<run::Model>, StateError> {
    let rows = run::Entity::find()
        .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
        .filter(run::Column::Started.is_null())
        .order_by_asc(run::Column::Priority)
        .order_by_asc(run::Column::Id)
        .all(tx)
        .await
        .context("look for a run to join")?;
    for row in rows {
        // Cancelled jobs are left out.
        let jobs = job::Entity::find()
            .filter(job::Column::RunId.eq(row.id))
            .filter(job::Column::Phase.eq(Phase::Queued.as_str()))
            .order_by_asc(job::Column::Ordinal)
            .all(tx)
            .await
            .context("look for a run to join")?;
        let tables = jobs.into_iter().filter_map(|job| known(job.table_name)).collect();
        let Ok(waiting) = row.request(tables) else { continue };
        if !new.tables.is_empty() && covers(&waiting, new) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Raises the priority of a joined run and makes it due, so that the request waits no longer than for a run
/// of its own.
async fn raise_priority(
    tx: &impl ConnectionTrait,
    waiting: run::Model,
    new: &NewRun,
) -> Result<(), StateError> {
    let not_before = waiting.not_before.filter(|_| new.not_before.is_some());
    let priority = Policy::of(new.trigger, new.force).priority.min(waiting.priority);
    if (priority, not_before) != (waiting.priority, waiting.not_before) {
        let row = run::ActiveModel {
            id: Set(waiting.id),
            priority: Set(priority),
            not_before: Set(not_before),
            parked: Set(waiting.parked.filter(|_| not_before.is_some())),
            ..Default::default()
        };
        run::Entity::update(row).exec(tx).await.context("join a run")?;
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
    // A slot waits for at most one run: the one in progress.
    let policy = Policy::of(new.trigger, new.force);
    let waits_already = policy.is_of_slot() && is_running(tx).await?;
    let row = run::ActiveModel {
        trigger: Set(new.trigger.as_str().to_owned()),
        slot: Set(new.slot),
        priority: Set(if waits_already { AFTER_ONE_RUN } else { policy.priority }),
        force: Set(new.force),
        accept: Set(new.accept),
        exact: Set(new.exact),
        as_of: Set(new.as_of.map(micros)),
        renew_before: Set(new.renew_before.map(micros)),
        phase: Set(Phase::Queued.as_str().to_owned()),
        queued: Set(micros(now)),
        not_before: Set(new.not_before.map(micros)),
        // The time of recording reveals a pause that was recorded by a clock that was ahead.
        parked: Set(new.not_before.map(|_| micros(now))),
        ..Default::default()
    };
    let id = run::Entity::insert(row).exec(tx).await.context("queue a run")?.last_insert_id;
    let jobs = (0..).zip(new.tables).map(|(ordinal, table)| job::ActiveModel {
        run_id: Set(id),
        table_name: Set(table.as_str().to_owned()),
        ordinal: Set(ordinal),
        phase: Set(Phase::Queued.as_str().to_owned()),
        ..Default::default()
    });
    job::Entity::insert_many(jobs).exec_without_returning(tx).await.context("queue the jobs of a run")?;
    Ok(id)
}

async fn is_running(tx: &impl ConnectionTrait) -> Result<bool, StateError> {
    let running = run::Entity::find().filter(run::Column::Phase.eq(Phase::Running.as_str()));
    Ok(running.one(tx).await.context("look for a run in progress")?.is_some())
}

/// The cancelled run or job to announce; one with words of another version has no followers.
fn shown<T, E: Into<QueueError>>(assembled: Result<T, E>) -> Result<Option<T>, QueueError> {
    match assembled.map_err(Into::into) {
        Ok(shown) => Ok(Some(shown)),
        Err(QueueError::State(StateError::UnknownWord { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The run that `target` refers to, and those of its jobs that it covers.
async fn target_of(
    tx: &DatabaseTransaction,
    target: Target,
) -> Result<(run::Model, Vec<job::Model>), QueueError> {
    let (id, job) = match target {
        Target::Run(id) => (id, None),
        Target::Job(id) => {
            let job = job::Entity::find_by_id(id).one(tx).await.context("read a job")?;
            let job = job.ok_or(QueueError::NoSuchJob(id))?;
            (job.run_id, Some(job))
        }
    };
    let run = run::Entity::find_by_id(id).one(tx).await.context("read a run")?;
    let run = run.ok_or(QueueError::NoSuchRun(id))?;
    let jobs = match job {
        Some(job) => vec![job],
        None => jobs(tx, id).await?,
    };
    Ok((run, jobs))
}

fn waits(job: &job::Model) -> bool {
    job.phase == Phase::Queued.as_str() && job.not_before.is_some()
}

fn is_bad(job: &job::Model) -> bool {
    let outcome = job.outcome.as_ref().and_then(|outcome| outcome.parse::<Outcome>().ok());
    job.phase == Phase::Cancelled.as_str() || outcome.is_some_and(|outcome| !outcome.is_good())
}

async fn run_of(tx: &DatabaseTransaction, job: &job::Model) -> Result<run::Model, QueueError> {
    let run = run::Entity::find_by_id(job.run_id).one(tx).await.context("read a run")?;
    run.ok_or(QueueError::NoSuchRun(job.run_id))
}
