//! Queries of the queue on behalf of clients.

use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFilter};
use cached_proto::words::{Outcome, Phase, Table};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Queue, QueueError, assemble};
use crate::state::Doing;
use crate::state::entity::{instant, job, micros, run, word};

impl Queue {
    /// The run with this id, with its jobs.
    pub async fn run(&self, id: i64) -> Result<Run, QueueError> {
        let view = self.state.view().await?;
        let row = run::Entity::find_by_id(id).one(&view).await.doing("read a run")?;
        Ok(assemble::run(&view, row.ok_or(QueueError::NoSuchRun(id))?).await?)
    }

    /// The job with this id, and the earliest instant of its next attempt, if it waits for one.
    pub async fn job(&self, id: i64) -> Result<(Job, Option<DateTime<Utc>>), QueueError> {
        let view = self.state.view().await?;
        let row = job::Entity::find_by_id(id).one(&view).await.doing("read a job")?;
        let row = row.ok_or(QueueError::NoSuchJob(id))?;
        let not_before = row.not_before.map(instant);
        Ok((assemble::job(&view, row).await?, not_before))
    }

    /// Jobs, newest first.
    pub async fn jobs(&self, filter: JobFilter, limit: u64) -> Result<Vec<Job>, QueueError> {
        let query = job::Entity::find().order_by_desc(job::Column::Id).limit(limit);
        let query = match filter {
            JobFilter::All => query,
            JobFilter::Failed => {
                let bad = Outcome::ALL.iter().filter(|o| !o.is_good()).map(|o| o.as_str());
                query.filter(job::Column::Outcome.is_in(bad))
            }
            JobFilter::Running => {
                query.filter(job::Column::Phase.is_in([Phase::Queued.as_str(), Phase::Running.as_str()]))
            }
        };
        let view = self.state.view().await?;
        let rows = query.all(&view).await.doing("read the jobs")?;
        Ok(assemble::jobs(&view, rows).await?)
    }

    /// Runs queued since an instant, newest first, at most `limit`.
    pub async fn history(&self, since: DateTime<Utc>, limit: u64) -> Result<Vec<Run>, QueueError> {
        let view = self.state.view().await?;
        let rows = run::Entity::find()
            .filter(run::Column::Queued.gte(micros(since)))
            .order_by_desc(run::Column::Id)
            .limit(limit)
            .all(&view)
            .await
            .doing("read the history")?;
        Ok(assemble::runs(&view, rows).await?)
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
        let outcome = newest.and_then(|job| job.outcome);
        Ok(outcome.map(|outcome| word("jobs.outcome", outcome)).transpose()?)
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
        Ok(assemble::jobs(&view, rows).await?)
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
        let waiting = run::Entity::find().filter(run::Column::Phase.eq(Phase::Queued.as_str()));
        Ok(waiting.count(self.state.reader()).await.doing("count the queued runs")?)
    }

    async fn newest(&self, phase: Phase) -> Result<Option<Run>, QueueError> {
        let view = self.state.view().await?;
        let row = run::Entity::find()
            .filter(run::Column::Phase.eq(phase.as_str()))
            .order_by_desc(run::Column::Id)
            .one(&view)
            .await
            .doing("read the newest run")?;
        match row {
            Some(row) => Ok(Some(assemble::run(&view, row).await?)),
            None => Ok(None),
        }
    }
}

fn has_result() -> Condition {
    Condition::all()
        .add(job::Column::Phase.eq(Phase::Done.as_str()))
        .add(job::Column::Outcome.ne(Outcome::Skipped.as_str()))
}
