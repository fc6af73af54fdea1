//! Queries of the queue. The number of statements grows by batches, not with the number of runs.

use std::collections::{HashMap, HashSet};

use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Attempt, Job, UnknownRow};
use cached_proto::verb::status::Computed;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::Queue;
use super::model::{
    HeldRun, QueueError, Unfinished, attempt, attempt_of, job, job_of, run, run_of, unknown_job, unknown_run,
};
use crate::state::{ErrorContext, StateError, instant, known};

/// Ids per statement, well below `SQLite`'s limit of bound values.
const BATCH: usize = 1000;

/// Which attempts are read with a job. There may be many: only the views of a single job or run show them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// None of them.
    None,
    /// The newest one, whose number is the count of attempts.
    Newest,
    /// All of them.
    All,
}

impl Queue {
    /// The run with this id, with its jobs.
    pub async fn run(&self, id: i64) -> Result<Run, QueueError> {
        let view = self.state.view().await?;
        let row = run::Entity::find_by_id(id).one(&view).await.context("read a run")?;
        Ok(run(&view, row.ok_or(QueueError::NoSuchRun(id))?).await?)
    }

    /// The job with this id, and the earliest instant of its next attempt, if it waits for one.
    pub async fn job(&self, id: i64) -> Result<(Job, Option<DateTime<Utc>>), QueueError> {
        let view = self.state.view().await?;
        let row = job::Entity::find_by_id(id).one(&view).await.context("read a job")?;
        let row = row.ok_or(QueueError::NoSuchJob(id))?;
        let not_before = row.not_before.map(instant);
        Ok((job(&view, row).await?, not_before))
    }

    /// The data of an earlier scheduled run that the guard needs; `None` once it has been pruned from the
    /// history.
    pub async fn held_run(&self, id: i64) -> Result<Option<HeldRun>, StateError> {
        let row = run::Entity::find_by_id(id);
        let row = row.one(self.state.reader()).await.context("read a run that was held")?;
        Ok(row.map(|row| HeldRun { slot: row.slot, ended: row.ended.map(instant) }))
    }

    /// The tables that a queued or running job will refresh.
    pub async fn busy_tables(&self) -> Result<HashSet<Table>, QueueError> {
        let tables: Vec<String> = job::Entity::find()
            .filter(is_unfinished())
            .select_only()
            .column(job::Column::TableName)
            .distinct()
            .into_tuple()
            .all(self.state.reader())
            .await
            .context("look for busy tables")?;
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
        let rows: Vec<(String, bool, i64)> = job::Entity::find()
            .filter(is_unfinished())
            .select_only()
            .column(job::Column::Phase)
            .column_as(Expr::exists(tried), "tried")
            .column_as(job::Column::Id.count(), "jobs")
            .group_by(job::Column::Phase)
            .group_by(Expr::cust("tried"))
            .into_tuple()
            .all(self.state.reader())
            .await
            .context("count the unfinished jobs")?;
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
            .context("look for slots that are caught up")?;
        Ok(runs(&view, rows).await?.0)
    }

    /// Number of unended runs and of jobs that this version cannot work on, since it does not know their
    /// trigger or table.
    pub async fn unknown_count(&self) -> Result<u64, QueueError> {
        let view = self.state.view().await?;
        let action = "look for words of another version";
        let runs = run::Entity::find()
            .filter(run::Column::Trigger.is_not_in(words(Trigger::ALL, Trigger::as_str)))
            .count(&view)
            .await
            .context(action)?;
        let jobs = job::Entity::find()
            .filter(job::Column::TableName.is_not_in(words(Table::ALL, Table::as_str)))
            .count(&view)
            .await
            .context(action)?;
        Ok(runs + jobs)
    }

    /// The newest ended job of each table.
    pub async fn last_jobs(&self) -> Result<Vec<Job>, QueueError> {
        self.newest_jobs(Condition::all().add(job::Column::Phase.eq(Phase::Done.as_str()))).await
    }

    /// The newest ended job of each table that shows the state of the table. A job that skipped every entry does
    /// not: it does not show whether entries can be written, and does not supersede an earlier failure.
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
            .context("read the newest job of a table")?;
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
        let rows = query.all(&view).await.context("read the newest jobs")?;
        Ok(jobs(&view, rows, Attempts::None).await?.0)
    }

    /// The run in progress.
    pub async fn current_run(&self) -> Result<Option<Run>, QueueError> {
        self.newest(Phase::Running).await
    }

    /// The newest run that has ended.
    pub async fn last_run(&self) -> Result<Option<Run>, QueueError> {
        self.newest(Phase::Done).await
    }

    /// How much of each of its tables a run computed, in their order.
    pub async fn computed(&self, run: i64) -> Result<Vec<Computed>, QueueError> {
        let jobs = job::Entity::find().filter(job::Column::RunId.eq(run)).order_by_asc(job::Column::Ordinal);
        let jobs = jobs.all(self.state.reader()).await.context("read what a run computed")?;
        Ok(jobs.iter().filter_map(job::Model::computed).collect())
    }

    /// Number of queued runs.
    pub async fn queued_count(&self) -> Result<u64, QueueError> {
        let waiting =
            run::Entity::find().filter(run::Column::Phase.eq(Phase::Queued.as_str())).filter(is_known());
        Ok(waiting.count(self.state.reader()).await.context("count the queued runs")?)
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
            .context("read the newest run")?;
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

/// Whether this version knows the trigger of a run, and may therefore work on it.
pub(super) fn is_known() -> SimpleExpr {
    run::Column::Trigger.is_in(words(Trigger::ALL, Trigger::as_str))
}

fn is_known_outcome(column: impl ColumnTrait) -> SimpleExpr {
    column.is_in(words(Outcome::ALL, Outcome::as_str))
}

fn words<W: Copy>(all: &[W], word: fn(W) -> &'static str) -> impl Iterator<Item = &'static str> {
    all.iter().map(move |&known| word(known))
}

pub(super) fn is_unfinished() -> SimpleExpr {
    job::Column::Phase.is_in([Phase::Queued.as_str(), Phase::Running.as_str()])
}

/// One run with its jobs and all their attempts; jobs with unknown words are left out.
pub(super) async fn run(db: &impl ConnectionTrait, row: run::Model) -> Result<Run, StateError> {
    let rows = job_rows(db, vec![row.id]).await?;
    let attempts = read_attempts(db, &rows, Attempts::All).await?;
    let (jobs, _) = jobs_of(rows, attempts, |_| Some(&row));
    run_of(row, jobs)
}

/// Runs with their jobs, without attempts, in the order given, and the runs and jobs with unknown words.
pub(super) async fn runs(
    db: &impl ConnectionTrait,
    rows: Vec<run::Model>,
) -> Result<(Vec<Run>, Vec<UnknownRow>), StateError> {
    let jobs = job_rows(db, rows.iter().map(|row| row.id).collect()).await?;
    let by_id: HashMap<i64, &run::Model> = rows.iter().map(|row| (row.id, row)).collect();
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
            // An unknown run makes its jobs unknown, too.
            unknown_jobs.retain(|job| job.run != row.id);
            unknown.push(unknown_run(row));
        }
    }
    unknown.extend(unknown_jobs);
    unknown.sort_by_key(|row| std::cmp::Reverse(row.run));
    Ok((runs, unknown))
}

/// One job with all its attempts.
pub(super) async fn job(db: &impl ConnectionTrait, row: job::Model) -> Result<Job, StateError> {
    let run = run::Entity::find_by_id(row.run_id).one(db).await.context("read the run of a job")?;
    let missing = || StateError::UnknownWord { column: "jobs.run_id", value: row.run_id.to_string() };
    let run = run.ok_or_else(missing)?;
    let mut attempts = read_attempts(db, std::slice::from_ref(&row), Attempts::All).await?;
    let attempts = attempts.remove(&row.id).unwrap_or_default();
    job_of(row, &run, attempts)
}

/// Jobs in the order given, and those with unknown words.
pub(super) async fn jobs(
    db: &impl ConnectionTrait,
    rows: Vec<job::Model>,
    which: Attempts,
) -> Result<(Vec<Job>, Vec<UnknownRow>), StateError> {
    let attempts = read_attempts(db, &rows, which).await?;
    let ids = rows.iter().map(|row| row.run_id).collect();
    let runs = in_batches(db, run::Entity::find(), run::Column::Id, ids, "read the runs of jobs").await?;
    let runs: HashMap<i64, run::Model> = runs.into_iter().map(|run| (run.id, run)).collect();
    Ok(jobs_of(rows, attempts, |run| runs.get(&run)))
}

/// The jobs of runs, those of a run in the order in which they are worked on.
async fn job_rows(db: &impl ConnectionTrait, runs: Vec<i64>) -> Result<Vec<job::Model>, StateError> {
    let query = job::Entity::find().order_by_asc(job::Column::Ordinal);
    in_batches(db, query, job::Column::RunId, runs, "read the jobs of runs").await
}

/// The attempts of jobs, oldest first.
async fn read_attempts(
    db: &impl ConnectionTrait,
    jobs: &[job::Model],
    which: Attempts,
) -> Result<HashMap<i64, Vec<Attempt>>, StateError> {
    let all = attempt::Entity::find().order_by_asc(attempt::Column::Number);
    let query = match which {
        Attempts::None => return Ok(HashMap::new()),
        Attempts::All => all,
        Attempts::Newest => {
            let other = Alias::new("other");
            let of_same = Expr::col((other.clone(), attempt::Column::JobId));
            let newest = Query::select()
                .expr(Expr::col((other.clone(), attempt::Column::Number)).max())
                .from_as(attempt::Entity, other)
                .and_where(of_same.equals((attempt::Entity, attempt::Column::JobId)))
                .to_owned();
            all.filter(attempt::Column::Number.in_subquery(newest))
        }
    };
    let ids = jobs.iter().map(|job| job.id).collect();
    let rows = in_batches(db, query, attempt::Column::JobId, ids, "read the attempts of jobs").await?;
    let mut attempts: HashMap<i64, Vec<Attempt>> = HashMap::new();
    for row in rows {
        attempts.entry(row.job_id).or_default().push(attempt_of(row));
    }
    Ok(attempts)
}

/// The rows of a query whose column has one of these ids, however many there are.
async fn in_batches<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
    column: E::Column,
    ids: Vec<i64>,
    action: &'static str,
) -> Result<Vec<E::Model>, StateError> {
    let mut rows = Vec::new();
    for batch in ids.chunks(BATCH) {
        let query = query.clone().filter(column.is_in(batch.iter().copied()));
        rows.extend(query.all(db).await.context(action)?);
    }
    Ok(rows)
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
