//! Assembles rows into the values that clients receive. The number of statements grows by batches, not with
//! the number of runs.

use std::cmp::Reverse;
use std::collections::HashMap;

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Attempt, Job, UnknownRow};
use cached_proto::words::{Outcome, Table};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::state::entity::{attempt, job, known, run, word};
use crate::state::{Doing, StateError};

/// Ids per statement, well below `SQLite`'s limit of bound values.
const BATCH: usize = 1000;

/// Fields of a run that are shown with each of its jobs.
#[derive(Clone)]
struct Asked {
    trigger: String,
    queued: Timestamp,
}

/// A row with a word that this version does not know, and the error for a client that asked for just this one.
struct Unknown {
    row: UnknownRow,
    error: StateError,
}

/// One run with its jobs; jobs with unknown words are left out.
pub(super) async fn run(db: &impl ConnectionTrait, row: run::Model) -> Result<Run, StateError> {
    let rows = job::Entity::find()
        .filter(job::Column::RunId.eq(row.id))
        .order_by_asc(job::Column::Ordinal)
        .all(db)
        .await
        .doing("read the jobs of a run")?;
    let asked = asked(&row);
    let attempts = attempts(db, &rows).await?;
    let (jobs, _) = parted(jobs_of(rows, attempts, |_| Some(&asked)));
    whole(row, jobs)
}

/// Runs with their jobs, in the order given, and the runs and jobs with unknown words. Attempts are left out:
/// they come with one run.
pub(super) async fn runs(
    db: &impl ConnectionTrait,
    rows: Vec<run::Model>,
) -> Result<(Vec<Run>, Vec<UnknownRow>), StateError> {
    let asked: HashMap<i64, Asked> = rows.iter().map(|row| (row.id, asked(row))).collect();
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
    let (jobs, mut unknown_jobs) = parted(jobs_of(jobs, HashMap::new(), |run| asked.get(&run)));
    let mut by_run: HashMap<i64, Vec<Job>> = HashMap::new();
    for job in jobs {
        by_run.entry(job.run).or_default().push(job);
    }
    let (mut runs, mut unknown) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let jobs = by_run.remove(&row.id).unwrap_or_default();
        if let Ok(run) = whole(row.clone(), jobs) {
            runs.push(run);
        } else {
            // What is unknown about a run covers its jobs.
            unknown_jobs.retain(|job| job.run != row.id);
            unknown.push(unknown_run(row));
        }
    }
    unknown.extend(unknown_jobs);
    unknown.sort_by_key(|row| Reverse(row.run));
    Ok((runs, unknown))
}

/// One job with its attempts.
pub(super) async fn job(db: &impl ConnectionTrait, row: job::Model) -> Result<Job, StateError> {
    let run = run::Entity::find_by_id(row.run_id).one(db).await.doing("read the run of a job")?;
    let asked = run.as_ref().map(asked);
    let missing = || StateError::UnknownWord { column: "jobs.run_id", value: row.run_id.to_string() };
    let attempts = attempts(db, std::slice::from_ref(&row)).await?;
    let mut jobs = jobs_of(vec![row.clone()], attempts, |_| asked.as_ref());
    jobs.pop().ok_or_else(missing)?.map_err(|unknown| unknown.error)
}

/// Jobs with their attempts, in the order given, and the jobs with unknown words.
pub(super) async fn jobs(
    db: &impl ConnectionTrait,
    rows: Vec<job::Model>,
) -> Result<(Vec<Job>, Vec<UnknownRow>), StateError> {
    let attempts = attempts(db, &rows).await?;
    with_attempts(db, rows, attempts).await
}

/// Jobs as [`jobs`] returns them, but without their attempts, of which each may have many.
pub(super) async fn listed_jobs(
    db: &impl ConnectionTrait,
    rows: Vec<job::Model>,
) -> Result<(Vec<Job>, Vec<UnknownRow>), StateError> {
    with_attempts(db, rows, HashMap::new()).await
}

async fn with_attempts(
    db: &impl ConnectionTrait,
    rows: Vec<job::Model>,
    attempts: HashMap<i64, Vec<Attempt>>,
) -> Result<(Vec<Job>, Vec<UnknownRow>), StateError> {
    let mut asked_by = HashMap::new();
    for batch in rows.chunks(BATCH) {
        let found = run::Entity::find()
            .filter(run::Column::Id.is_in(batch.iter().map(|row| row.run_id)))
            .all(db)
            .await
            .doing("read the runs of jobs")?;
        asked_by.extend(found.iter().map(|run| (run.id, asked(run))));
    }
    Ok(parted(jobs_of(rows, attempts, |run| asked_by.get(&run))))
}

fn parted(jobs: Vec<Result<Job, Box<Unknown>>>) -> (Vec<Job>, Vec<UnknownRow>) {
    let (mut known, mut unknown) = (Vec::with_capacity(jobs.len()), Vec::new());
    for job in jobs {
        match job {
            Ok(job) => known.push(job),
            Err(job) => unknown.push(job.row),
        }
    }
    (known, unknown)
}

/// The attempts of jobs, oldest first.
async fn attempts(
    db: &impl ConnectionTrait,
    rows: &[job::Model],
) -> Result<HashMap<i64, Vec<Attempt>>, StateError> {
    let mut attempts: HashMap<i64, Vec<Attempt>> = HashMap::new();
    for batch in rows.chunks(BATCH) {
        let found = attempt::Entity::find()
            .filter(attempt::Column::JobId.is_in(batch.iter().map(|row| row.id)))
            .order_by_asc(attempt::Column::Number)
            .all(db)
            .await
            .doing("read the attempts of jobs")?;
        for row in found {
            attempts.entry(row.job_id).or_default().push(attempt_of(row));
        }
    }
    Ok(attempts)
}

fn jobs_of<'a>(
    rows: Vec<job::Model>,
    mut attempts: HashMap<i64, Vec<Attempt>>,
    asked: impl Fn(i64) -> Option<&'a Asked>,
) -> Vec<Result<Job, Box<Unknown>>> {
    // The foreign key makes a job without a run impossible.
    let with_run = rows.into_iter().filter_map(|row| asked(row.run_id).map(|asked| (row, asked)));
    let jobs = with_run.map(|(row, asked)| {
        let attempts = attempts.remove(&row.id).unwrap_or_default();
        job_of(row.clone(), asked, attempts)
            .map_err(|error| Box::new(Unknown { row: unknown_job(row, asked.trigger.clone()), error }))
    });
    jobs.collect()
}

fn asked(row: &run::Model) -> Asked {
    Asked { trigger: row.trigger.clone(), queued: Timestamp::from_micros(row.queued) }
}

fn unknown_run(row: run::Model) -> UnknownRow {
    let run::Model { id: run, trigger, phase, outcome, .. } = row;
    UnknownRow { run, job: None, trigger, table: None, phase, outcome }
}

fn unknown_job(row: job::Model, trigger: String) -> UnknownRow {
    let job::Model { id, run_id: run, table_name, phase, outcome, .. } = row;
    UnknownRow { run, job: Some(id), trigger, table: Some(table_name), phase, outcome }
}

fn whole(row: run::Model, jobs: Vec<Job>) -> Result<Run, StateError> {
    Ok(Run {
        id: row.id,
        trigger: word("runs.trigger", row.trigger)?,
        slot: row.slot,
        phase: word("runs.phase", row.phase)?,
        queued: Timestamp::from_micros(row.queued),
        started: row.started.map(Timestamp::from_micros),
        ended: row.ended.map(Timestamp::from_micros),
        seconds: row.seconds,
        outcome: row.outcome.map(|o| word("runs.outcome", o)).transpose()?,
        write_lock: jobs.iter().map(|job| job.write_lock).sum(),
        jobs,
    })
}

fn job_of(row: job::Model, asked: &Asked, attempts: Vec<Attempt>) -> Result<Job, StateError> {
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let table: Table = word("jobs.table_name", row.table_name)?;
    Ok(Job {
        id: row.id,
        run: row.run_id,
        trigger: word("runs.trigger", asked.trigger.clone())?,
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

/// An attempt whose outcome is unknown is shown without one, and the word in its error.
fn attempt_of(row: attempt::Model) -> Attempt {
    let outcome: Option<Outcome> = row.outcome.as_ref().and_then(known);
    let unknown = row.outcome.filter(|_| outcome.is_none());
    let unknown = unknown.map(|word| format!("outcome \"{word}\", which this version does not know"));
    let error: Vec<String> = unknown.into_iter().chain(row.error).collect();
    Attempt {
        number: u32::try_from(row.number).unwrap_or(u32::MAX),
        started: Timestamp::from_micros(row.started),
        ended: row.ended.map(Timestamp::from_micros),
        snapshot: row.snapshot.map(Timestamp::from_micros),
        seconds: row.seconds,
        outcome,
        error: (!error.is_empty()).then(|| error.join(": ")),
    }
}
