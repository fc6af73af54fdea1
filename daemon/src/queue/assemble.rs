//! Assembles rows into the values that clients receive. The number of statements grows by batches, not with
//! the number of runs.

use std::collections::HashMap;

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Attempt, Job};
use cached_proto::words::{Table, Trigger};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::state::entity::{attempt, job, run, word};
use crate::state::{Doing, StateError};

/// Ids per statement, well below `SQLite`'s limit of bound values.
const BATCH: usize = 1000;

/// Fields of a run that are shown with each of its jobs.
#[derive(Clone, Copy)]
struct Asked {
    trigger: Trigger,
    queued: Timestamp,
}

/// One run with its jobs.
pub(super) async fn run(db: &impl ConnectionTrait, row: run::Model) -> Result<Run, StateError> {
    let asked = asked(&row)?;
    let rows = job::Entity::find()
        .filter(job::Column::RunId.eq(row.id))
        .order_by_asc(job::Column::Ordinal)
        .all(db)
        .await
        .doing("read the jobs of a run")?;
    whole(row, jobs_of(db, rows, |_| Some(asked)).await?)
}

/// Runs with their jobs, in the order given.
pub(super) async fn runs(db: &impl ConnectionTrait, rows: Vec<run::Model>) -> Result<Vec<Run>, StateError> {
    let asked =
        rows.iter().map(|row| Ok((row.id, asked(row)?))).collect::<Result<HashMap<_, _>, StateError>>()?;
    let mut jobs = Vec::new();
    for batch in rows.chunks(BATCH) {
        let found = job::Entity::find()
            .filter(job::Column::RunId.is_in(batch.iter().map(|row| row.id)))
            .order_by_asc(job::Column::Ordinal)
            .all(db)
            .await
            .doing("read the jobs of runs")?;
        jobs.extend(found);
    }
    let mut by_run: HashMap<i64, Vec<Job>> = HashMap::new();
    for job in jobs_of(db, jobs, |run| asked.get(&run).copied()).await? {
        by_run.entry(job.run).or_default().push(job);
    }
    rows.into_iter()
        .map(|row| {
            let jobs = by_run.remove(&row.id).unwrap_or_default();
            whole(row, jobs)
        })
        .collect()
}

/// One job with its attempts.
pub(super) async fn job(db: &impl ConnectionTrait, row: job::Model) -> Result<Job, StateError> {
    let run = run::Entity::find_by_id(row.run_id).one(db).await.doing("read the run of a job")?;
    let asked = run.as_ref().map(asked).transpose()?;
    let missing = || StateError::UnknownWord { column: "jobs.run_id", value: row.run_id.to_string() };
    let mut jobs = jobs_of(db, vec![row.clone()], |_| asked).await?;
    jobs.pop().ok_or_else(missing)
}

/// Jobs with their attempts, in the order given.
pub(super) async fn jobs(db: &impl ConnectionTrait, rows: Vec<job::Model>) -> Result<Vec<Job>, StateError> {
    let mut asked_by = HashMap::new();
    for batch in rows.chunks(BATCH) {
        let found = run::Entity::find()
            .filter(run::Column::Id.is_in(batch.iter().map(|row| row.run_id)))
            .all(db)
            .await
            .doing("read the runs of jobs")?;
        for run in &found {
            asked_by.insert(run.id, asked(run)?);
        }
    }
    jobs_of(db, rows, |run| asked_by.get(&run).copied()).await
}

async fn jobs_of(
    db: &impl ConnectionTrait,
    rows: Vec<job::Model>,
    asked: impl Fn(i64) -> Option<Asked>,
) -> Result<Vec<Job>, StateError> {
    let mut attempts: HashMap<i64, Vec<Attempt>> = HashMap::new();
    for batch in rows.chunks(BATCH) {
        let found = attempt::Entity::find()
            .filter(attempt::Column::JobId.is_in(batch.iter().map(|row| row.id)))
            .order_by_asc(attempt::Column::Number)
            .all(db)
            .await
            .doing("read the attempts of jobs")?;
        for row in found {
            attempts.entry(row.job_id).or_default().push(attempt_of(row)?);
        }
    }
    // The foreign key makes a job without a run impossible.
    let with_run = rows.into_iter().filter_map(|row| asked(row.run_id).map(|asked| (row, asked)));
    with_run
        .map(|(row, asked)| {
            let attempts = attempts.remove(&row.id).unwrap_or_default();
            job_of(row, asked, attempts)
        })
        .collect()
}

fn asked(row: &run::Model) -> Result<Asked, StateError> {
    let trigger = word("runs.trigger", row.trigger.clone())?;
    Ok(Asked { trigger, queued: Timestamp::from_micros(row.queued) })
}

fn whole(row: run::Model, jobs: Vec<Job>) -> Result<Run, StateError> {
    let Asked { trigger, queued } = asked(&row)?;
    Ok(Run {
        id: row.id,
        trigger,
        slot: row.slot,
        phase: word("runs.phase", row.phase)?,
        queued,
        started: row.started.map(Timestamp::from_micros),
        ended: row.ended.map(Timestamp::from_micros),
        seconds: row.seconds,
        outcome: row.outcome.map(|o| word("runs.outcome", o)).transpose()?,
        write_lock: jobs.iter().map(|job| job.write_lock).sum(),
        jobs,
    })
}

fn job_of(row: job::Model, asked: Asked, attempts: Vec<Attempt>) -> Result<Job, StateError> {
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let table: Table = word("jobs.table_name", row.table_name)?;
    Ok(Job {
        id: row.id,
        run: row.run_id,
        trigger: asked.trigger,
        cache_type: table.cache_type(),
        table,
        phase: word("jobs.phase", row.phase)?,
        outcome: row.outcome.map(|o| word("jobs.outcome", o)).transpose()?,
        queued: asked.queued,
        attempts,
        entries: count(row.entries),
        rebuilt: count(row.rebuilt),
        verified: count(row.verified),
        skipped: count(row.skipped),
        pruned: count(row.pruned),
        failed: count(row.failed),
        warnings: count(row.warnings),
        bytes: count(row.bytes),
        seconds: row.seconds,
        error: row.error,
        write_lock: WriteLock {
            count: count(row.lock_count),
            seconds: row.lock_seconds,
            longest: row.lock_longest,
        },
    })
}

fn attempt_of(row: attempt::Model) -> Result<Attempt, StateError> {
    Ok(Attempt {
        number: u32::try_from(row.number).unwrap_or(u32::MAX),
        started: Timestamp::from_micros(row.started),
        ended: row.ended.map(Timestamp::from_micros),
        snapshot: row.snapshot.map(Timestamp::from_micros),
        seconds: row.seconds,
        outcome: row.outcome.map(|o| word("attempts.outcome", o)).transpose()?,
        error: row.error,
    })
}
