//! The history: its pages, newest first, and its pruning. A page ends at its limit or before the bytes of an
//! answer, whichever comes first, so that no history is too long to be shown.

use std::collections::HashMap;

use cached_proto::verb::history::{HistoryPage, Run};
use cached_proto::verb::jobs::{Job, JobFilter, JobsPage, UnknownRow};
use cached_proto::words::{Outcome, Phase};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait as _,
};

use super::Queue;
use super::model::{QueueError, job, run};
use super::read::{self, Attempts, is_unfinished};
use crate::state::{ErrorContext, StateError, micros};

/// Most runs or jobs of a page.
pub const MOST_LISTED: u32 = 500;

/// Most bytes of a page as JSON; an answer of 1 MiB has room for a little more.
const MOST_BYTES: usize = 1000 * 1024;

/// Number of runs whose jobs are read at a time: about half a page if each run has all tables.
const BATCH: usize = 50;

/// Slots are small, and a deleted slot could run again if the clock is set back to it.
const SLOTS_KEPT: TimeDelta = TimeDelta::days(400);

/// Bytes of a job or a run as indented JSON, apart from its texts.
const ENTRY: usize = 1024;

impl Queue {
    /// Jobs with their newest attempt, newest first, at most `limit`; jobs with unknown words are left out.
    pub async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<Job>, QueueError> {
        Ok(self.jobs_page(filter, None, limit, Attempts::Newest).await?.jobs)
    }

    /// A page of jobs with a number below `before`.
    pub async fn jobs_page(
        &self,
        filter: JobFilter,
        before: Option<i64>,
        limit: u32,
        attempts: Attempts,
    ) -> Result<JobsPage, QueueError> {
        let limit = u64::from(limit.clamp(1, MOST_LISTED));
        let view = self.state.view().await?;
        let query = job::Entity::find().order_by_desc(job::Column::Id).limit(limit);
        let query = query.apply_if(before, |query, before| query.filter(job::Column::Id.lt(before)));
        let query = match filter {
            JobFilter::All => query,
            JobFilter::Failed => {
                let bad = Outcome::ALL.iter().filter(|o| !o.is_good()).map(|o| o.as_str());
                query.filter(job::Column::Outcome.is_in(bad))
            }
            JobFilter::Running => query.filter(is_unfinished()),
        };
        let rows = query.all(&view).await.context("read the jobs")?;
        let mut next = next(rows.len(), limit, rows.last().map(|row| row.id));
        let (mut jobs, mut unknown) = read::jobs(&view, rows, attempts).await?;
        let sizes = jobs.iter().map(|job| (job.id, job_bytes(job)));
        let sizes = sizes.chain(unknown.iter().map(|row| (row.job.unwrap_or(row.run), unknown_bytes(row))));
        if let Some(last) = Room::default().last_that_fits(sizes) {
            jobs.retain(|job| job.id >= last);
            unknown.retain(|row| row.job.is_none_or(|job| job >= last));
            next = Some(last);
        }
        Ok(JobsPage { jobs, unknown, next })
    }

    /// Runs queued since an instant, newest first, at most `limit`, their jobs without attempts; runs with
    /// unknown words are left out.
    pub async fn history(&self, since: DateTime<Utc>, limit: u64) -> Result<Vec<Run>, QueueError> {
        let view = self.state.view().await?;
        let rows = run_rows(&view, since, None, limit).await?;
        Ok(read::runs(&view, rows).await?.0)
    }

    /// A page of the runs queued since an instant, with a number below `before`, their jobs without attempts.
    pub async fn history_page(
        &self,
        since: DateTime<Utc>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<HistoryPage, QueueError> {
        let limit = u64::from(limit.clamp(1, MOST_LISTED));
        let view = self.state.view().await?;
        let rows = run_rows(&view, since, before, limit).await?;
        let next = next(rows.len(), limit, rows.last().map(|row| row.id));
        let mut page = HistoryPage { runs: Vec::new(), unknown: Vec::new(), next };
        let mut room = Room::default();
        for batch in rows.chunks(BATCH) {
            let (mut runs, mut unknown) = read::runs(&view, batch.to_vec()).await?;
            let sizes = runs.iter().map(|run| (run.id, run_bytes(run)));
            let sizes = sizes.chain(unknown.iter().map(|row| (row.run, unknown_bytes(row))));
            let last = room.last_that_fits(sizes);
            if let Some(last) = last {
                runs.retain(|run| run.id >= last);
                unknown.retain(|row| row.run >= last);
                page.next = Some(last);
            }
            page.runs.append(&mut runs);
            page.unknown.append(&mut unknown);
            if last.is_some() {
                break;
            }
        }
        Ok(page)
    }

    /// Removes everything older than `kept` at `now` that accumulates over time: runs, readiness samples
    /// and maintenance tasks; slots are kept for longer. Returns the number of removed runs.
    pub async fn prune(&self, now: DateTime<Utc>, kept: TimeDelta) -> Result<u64, QueueError> {
        self.prune_slots(now - kept.max(SLOTS_KEPT)).await?;
        self.state.prune_readiness(now - kept).await?;
        self.state.prune_tasks(now - kept).await?;
        self.prune_runs(now - kept).await
    }

    /// Removes runs that ended before an instant, with their jobs and attempts; returns the number of removed
    /// runs.
    pub async fn prune_runs(&self, before: DateTime<Utc>) -> Result<u64, QueueError> {
        let tx = self.state.begin().await?;
        let runs = run::Entity::delete_many()
            .filter(run::Column::Phase.is_in([Phase::Done.as_str(), Phase::Cancelled.as_str()]))
            .filter(run::Column::Ended.lt(micros(before)))
            .exec(&tx)
            .await
            .context("prune the history")?;
        tx.commit().await.context("prune the history")?;
        Ok(runs.rows_affected)
    }
}

async fn run_rows(
    view: &impl ConnectionTrait,
    since: DateTime<Utc>,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<run::Model>, StateError> {
    run::Entity::find()
        .filter(run::Column::Queued.gte(micros(since)))
        .apply_if(before, |query, before| query.filter(run::Column::Id.lt(before)))
        .order_by_desc(run::Column::Id)
        .limit(limit)
        .all(view)
        .await
        .context("read the history")
}

/// Where the page after one of `rows` rows begins; a full page may be followed by another one.
fn next(rows: usize, limit: u64, last: Option<i64>) -> Option<i64> {
    last.filter(|_| rows as u64 >= limit)
}

/// The bytes that are left in a page.
struct Room {
    left: usize,
    /// The number of the last item in it.
    last: Option<i64>,
}

impl Default for Room {
    fn default() -> Self {
        Self { left: MOST_BYTES, last: None }
    }
}

impl Room {
    /// Adds items, given with their numbers and sizes, to the page. Returns the number of the last one
    /// that fits; none if all of them do. The first item always fits: with an empty page, paging would never end.
    fn last_that_fits(&mut self, sizes: impl Iterator<Item = (i64, usize)>) -> Option<i64> {
        let mut by_number: HashMap<i64, usize> = HashMap::new();
        for (number, bytes) in sizes {
            *by_number.entry(number).or_default() += bytes;
        }
        let mut newest_first: Vec<(i64, usize)> = by_number.into_iter().collect();
        newest_first.sort_unstable_by_key(|&(number, _)| std::cmp::Reverse(number));
        for (number, bytes) in newest_first {
            match (self.left.checked_sub(bytes), self.last) {
                (None, Some(last)) => return Some(last),
                (left, _) => (self.left, self.last) = (left.unwrap_or_default(), Some(number)),
            }
        }
        None
    }
}

/// Quotes and backslashes take two bytes each in JSON.
fn text_bytes(text: &str) -> usize {
    2 * text.len()
}

fn job_bytes(job: &Job) -> usize {
    ENTRY + job.error.as_deref().map_or(0, text_bytes)
}

fn run_bytes(run: &Run) -> usize {
    ENTRY + run.jobs.iter().map(job_bytes).sum::<usize>()
}

fn unknown_bytes(row: &UnknownRow) -> usize {
    let UnknownRow { trigger, table, phase, outcome, .. } = row;
    let texts = [Some(trigger), table.as_ref(), Some(phase), outcome.as_ref()];
    ENTRY + texts.into_iter().flatten().map(|text| text_bytes(text)).sum::<usize>()
}
