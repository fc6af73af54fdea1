//! Queries of the queue. The number of statements grows by batches, not with the number of runs.

use std::collections::{HashMap, HashSet};

use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Attempt, Job, UnknownRow};
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::Queue;
use super::model::{
    HeldRun, QueueError, Unfinished, attempt, attempt_of, job, job_of, run, run_of, unknown_job, unknown_run,
};
use crate::state::{Doing, StateError, instant, known};

/// Ids per statement, well below `SQLite`'s limit of bound values.
const BATCH: usize = 1000;

impl Queue {
    /// The run with this id, with its jobs.
    pub async fn run(&self, id: i64) -> Result<Run, QueueError> {
        let view = self.state.view().await?;
        let row = run::Entity::find_by_id(id).one(&view).await.doing("read a run")?;
        Ok(run(&view, row.ok_or(QueueError::NoSuchRun(id))?).await?)
    }

    /// The job with this id, and the earliest instant of its next attempt, if it waits for one.
    pub async fn job(&self, id: i64) -> Result<(Job, Option<DateTime<Utc>>), QueueError> {
        let view = self.state.view().await?;
        let row = job::Entity::find_by_id(id).one(&view).await.doing("read a job")?;
        let row = row.ok_or(QueueError::NoSuchJob(id))?;
        let not_before = row.not_before.map(instant);
        Ok((job(&view, row).await?, not_before))
    }

    /// What the guard needs to know of an earlier scheduled run; `None` once it has been pruned from the
    /// history.
    pub async fn held_run(&self, id: i64) -> Result<Option<HeldRun>, StateError> {
        let row = run::Entity::find_by_id(id);
        let row = row.one(self.state.reader()).await.doing("read a run that was held")?;
        Ok(row.map(|row| HeldRun { slot: row.slot, ended: row.ended.map(instant) }))
    }

    /// The tables that a queued or running job will refresh.
    pub async fn busy_tables(&self) -> Result<HashSet<Table>, QueueError> {
        let tables: Vec<String> = unfinished_jobs()
            .select_only()
            .column(job::Column::TableName)
            .distinct()
            .into_tuple()
            .all(self.state.reader())
            .await
            .doing("look for busy tables")?;
        Ok(tables.into_iter().filter_map(known).collect())
    }

    /// Number of jobs that have not ended.
    pub async fn unfinished(&self) -> Result<Unfinished, QueueError> {
        let tried = Query::select()
            .expr(Expr::value(1))
            .from(attempt::Entity)
            .and_where(
                Expr::col((attempt::Entity, attempt::Column::JobId)).equals((job::Entity, job::Column::Id)),
            )
            .to_owned();
        let rows: Vec<(String, bool, i64)> = unfinished_jobs()
            .select_only()
            .column(job::Column::Phase)
            .column_as(Expr::exists(tried), "tried")
            .column_as(job::Column::Id.count(), "jobs")
            .group_by(job::Column::Phase)
            .group_by(Expr::cust("tried"))
            .into_tuple()
            .all(self.state.reader())
            .await
            .doing("count the unfinished jobs")?;
        let mut unfinished = Unfinished::default();
        for (phase, tried, jobs) in rows {
            let jobs = usize::try_from(jobs).unwrap_or_default();
            *match (known(phase), tried) {
                (Some(Phase::Running), _) => &mut unfinished.running,
                (_, false) => &mut unfinished.pending,
                (_, true) => &mut unfinished.retrying,
            } += jobs;
        }
        Ok(unfinished)
    }

    /// Catch-up runs that have not ended, oldest first.
    pub async fn pending_catch_ups(&self) -> Result<Vec<Run>, QueueError> {
        let view = self.state.view().await?;
        let rows = run::Entity::find()
            .filter(run::Column::Trigger.eq(Trigger::CatchUp.as_str()))
            .filter(run::Column::Phase.is_in([Phase::Queued.as_str(), Phase::Running.as_str()]))
            .order_by_asc(run::Column::Id)
            .all(&view)
            .await
            .doing("look for slots that are caught up")?;
        Ok(runs(&view, rows).await?.0)
    }

    /// Number of unended runs and of jobs that this version cannot work on, since it does not know their
    /// trigger or table.
    pub async fn unknown_count(&self) -> Result<u64, QueueError> {
        let view = self.state.view().await?;
        let doing = "look for words of another version";
        let runs = run::Entity::find()
            .filter(run::Column::Trigger.is_not_in(words(Trigger::ALL, Trigger::as_str)))
            .count(&view)
            .await
            .doing(doing)?;
        let jobs = job::Entity::find()
            .filter(job::Column::TableName.is_not_in(words(Table::ALL, Table::as_str)))
            .count(&view)
            .await
            .doing(doing)?;
        Ok(runs + jobs)
    }

    /// The newest ended job of each table.
    pub async fn last_jobs(&self) -> Result<Vec<Job>, QueueError> {
        self.newest_jobs(Condition::all().add(job::Column::Phase.eq(Phase::Done.as_str()))).await
    }

    /// The newest ended job of each table that shows how the table is. A job that skipped every entry does
    /// not: it leaves open whether entries can be written, and does not supersede an earlier failure.
    pub async fn last_results(&self) -> Result<Vec<Job>, QueueError> {
        self.newest_jobs(has_result()).await
    }

    /// Outcome of the newest ended job of a table, not counting jobs that skipped every entry.
    pub async fn last_outcome(&self, table: Table) -> Result<Option<Outcome>, QueueError> {
        let newest = job::Entity::find()
            .filter(job::Column::TableName.eq(table.as_str()))
            .filter(has_result())
            .order_by_desc(job::Column::Id)
            .one(self.state.reader())
            .await
            .doing("read the newest job of a table")?;
        Ok(newest.and_then(|job| known(job.outcome?)))
    }

    async fn newest_jobs(&self, which: Condition) -> Result<Vec<Job>, QueueError> {
        let newest = Query::select()
            .expr(Expr::col(job::Column::Id).max())
            .from(job::Entity)
            .cond_where(which)
            .group_by_col(job::Column::TableName)
            .to_owned();
        let view = self.state.view().await?;
        let query = job::Entity::find().filter(job::Column::Id.in_subquery(newest));
        let rows = query.all(&view).await.doing("read the newest jobs")?;
        Ok(jobs(&view, rows).await?.0)
    }

    /// The run in progress.
    pub async fn current_run(&self) -> Result<Option<Run>, QueueError> {
        self.newest(Phase::Running).await
    }

    /// The newest run that has ended.
    pub async fn last_run(&self) -> Result<Option<Run>, QueueError> {
        self.newest(Phase::Done).await
    }

    /// Number of queued runs.
    pub async fn queued_count(&self) -> Result<u64, QueueError> {
        let waiting =
            run::Entity::find().filter(run::Column::Phase.eq(Phase::Queued.as_str())).filter(is_known());
        Ok(waiting.count(self.state.reader()).await.doing("count the queued runs")?)
    }

    async fn newest(&self, phase: Phase) -> Result<Option<Run>, QueueError> {
        let view = self.state.view().await?;
        let row = run::Entity::find()
            .filter(run::Column::Phase.eq(phase.as_str()))
            .filter(is_known())
            .filter(run::Column::Outcome.is_null().or(is_known_outcome(run::Column::Outcome)))
            .order_by_desc(run::Column::Id)
            .one(&view)
            .await
            .doing("read the newest run")?;
        match row {
            Some(row) => Ok(Some(run(&view, row).await?)),
            None => Ok(None),
        }
    }
}

fn has_result() -> Condition {
    Condition::all()
        .add(job::Column::Phase.eq(Phase::Done.as_str()))
        .add(job::Column::Outcome.ne(Outcome::Skipped.as_str()))
        .add(is_known_outcome(job::Column::Outcome))
}

/// Whether this version knows what asked for a run, and so may work on it.
pub(super) fn is_known() -> SimpleExpr {
    run::Column::Trigger.is_in(words(Trigger::ALL, Trigger::as_str))
}

fn is_known_outcome(column: impl ColumnTrait) -> SimpleExpr {
    column.is_in(words(Outcome::ALL, Outcome::as_str))
}

fn words<W: Copy>(all: &[W], word: fn(W) -> &'static str) -> impl Iterator<Item = &'static str> {
    all.iter().map(move |&known| word(known))
}

fn unfinished_jobs() -> Select<job::Entity> {
    job::Entity::find().filter(job::Column::Phase.is_in([Phase::Queued.as_str(), Phase::Running.as_str()]))
}

/// One run with its jobs; jobs with unknown words are left out.
pub(super) async fn run(db: &impl ConnectionTrait, row: run::Model) -> Result<Run, StateError> {
    let rows = job::Entity::find()
        .filter(job::Column::RunId.eq(row.id))
        .order_by_asc(job::Column::Ordinal)
        .all(db)
        .await
        .doing("read the jobs of a run")?;
    let attempts = attempts(db, &rows).await?;
    let (jobs, _) = jobs_of(rows, attempts, |_| Some(&row));
    run_of(row, jobs)
}

/// Runs with their jobs, in the order given, and the runs and jobs with unknown words. Attempts are left out:
/// they come with one run.
pub(super) async fn runs(
    db: &impl ConnectionTrait,
    rows: Vec<run::Model>,
) -> Result<(Vec<Run>, Vec<UnknownRow>), StateError> {
    let by_id: HashMap<i64, &run::Model> = rows.iter().map(|row| (row.id, row)).collect();
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
    let (jobs, mut unknown_jobs) = jobs_of(jobs, HashMap::new(), |run| by_id.get(&run).copied());
    let mut by_run: HashMap<i64, Vec<Job>> = HashMap::new();
    for job in jobs {
        by_run.entry(job.run).or_default().push(job);
    }
    let (mut runs, mut unknown) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let jobs = by_run.remove(&row.id).unwrap_or_default();
        if let Ok(run) = run_of(row.clone(), jobs) {
            runs.push(run);
        } else {
            // What is unknown about a run covers its jobs.
            unknown_jobs.retain(|job| job.run != row.id);
            unknown.push(unknown_run(row));
        }
    }
    unknown.extend(unknown_jobs);
    unknown.sort_by_key(|row| std::cmp::Reverse(row.run));
    Ok((runs, unknown))
}

/// One job with its attempts.
pub(super) async fn job(db: &impl ConnectionTrait, row: job::Model) -> Result<Job, StateError> {
    let run = run::Entity::find_by_id(row.run_id).one(db).await.doing("read the run of a job")?;
    let missing = || StateError::UnknownWord { column: "jobs.run_id", value: row.run_id.to_string() };
    let run = run.ok_or_else(missing)?;
    let mut attempts = attempts(db, std::slice::from_ref(&row)).await?;
    let attempts = attempts.remove(&row.id).unwrap_or_default();
    job_of(row, &run, attempts)
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
    let mut runs: HashMap<i64, run::Model> = HashMap::new();
    for batch in rows.chunks(BATCH) {
        let found = run::Entity::find()
            .filter(run::Column::Id.is_in(batch.iter().map(|row| row.run_id)))
            .all(db)
            .await
            .doing("read the runs of jobs")?;
        runs.extend(found.into_iter().map(|run| (run.id, run)));
    }
    Ok(jobs_of(rows, attempts, |run| runs.get(&run)))
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
    run: impl Fn(i64) -> Option<&'a run::Model>,
) -> (Vec<Job>, Vec<UnknownRow>) {
    let (mut known, mut unknown) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        // The foreign key makes a job without a run impossible.
        let Some(run) = run(row.run_id) else { continue };
        let attempts = attempts.remove(&row.id).unwrap_or_default();
        match job_of(row.clone(), run, attempts) {
            Ok(job) => known.push(job),
            Err(_) => unknown.push(unknown_job(row, run.trigger.clone())),
        }
    }
    (known, unknown)
}
