//! Reads the past from the state database: a few columns of many rows.

use std::collections::HashMap;

use cached_proto::lock::WriteLock;
use cached_proto::words::{Outcome, Phase};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{Past, PastJob, PastRun};
use crate::jobs::model::{job, run};
use crate::state::{ErrorContext, State, StateError, instant, known, micros};

type RunRow = (i64, Option<i64>, f64, Option<String>);
type JobRow = (i64, String, Option<String>, i64, Option<String>, i64, f64, f64);
type FullRow = (i64, Option<i64>, Option<String>);

/// Loads the runs that ended since an instant, with their jobs.
pub async fn load(state: &State, since: DateTime<Utc>) -> Result<Past, StateError> {
    let ended = run::Entity::find()
        .filter(run::Column::Phase.eq(Phase::Done.as_str()))
        .filter(run::Column::Ended.gte(micros(since)));
    // Read in one transaction, so that every run has its jobs.
    let view = state.view().await?;
    let runs: Vec<RunRow> = ended
        .clone()
        .order_by_asc(run::Column::Ended)
        .order_by_asc(run::Column::Id)
        .select_only()
        .columns([run::Column::Id, run::Column::Ended, run::Column::Seconds, run::Column::Outcome])
        .into_tuple()
        .all(&view)
        .await
        .context("read the runs of a window")?;
    let ids = ended.select_only().column(run::Column::Id).into_query();
    let mut jobs: Vec<JobRow> = job::Entity::find()
        .filter(job::Column::RunId.in_subquery(ids))
        .order_by_asc(job::Column::Id)
        .select_only()
        .columns([job::Column::RunId, job::Column::TableName, job::Column::Outcome])
        .columns([job::Column::Bytes, job::Column::Error])
        .columns([job::Column::LockCount, job::Column::LockSeconds, job::Column::LockLongest])
        .into_tuple()
        .all(&view)
        .await
        .context("read the jobs of a window")?;
    let ends: HashMap<i64, i64> = runs.iter().filter_map(|&(id, ended, ..)| Some((id, ended?))).collect();
    // A run that was queued earlier may have ended later.
    jobs.sort_by_key(|(run, ..)| ends.get(run).copied());
    // Includes cancelled jobs, since VMS had to wait for their locks as well.
    let write_lock = jobs
        .iter()
        .map(|&(.., count, seconds, longest)| WriteLock {
            count: u64::try_from(count).unwrap_or_default(),
            seconds,
            longest,
        })
        .sum();
    Ok(Past {
        write_lock,
        runs: runs
            .into_iter()
            .filter_map(|(_, _, seconds, outcome)| {
                // A run or job with an outcome of another version is not counted.
                let outcome = match outcome {
                    Some(outcome) => Some(known(outcome)?),
                    None => None,
                };
                Some(PastRun { seconds, outcome })
            })
            .collect(),
        jobs: jobs
            .into_iter()
            .filter_map(|(run, table, outcome, bytes, error, ..)| {
                Some((ends.get(&run).copied()?, table, outcome?, bytes, error))
            })
            .filter_map(|(ended, table, outcome, bytes, error)| {
                Some(PastJob {
                    table: known(table)?,
                    outcome: known(outcome)?,
                    ended: instant(ended),
                    bytes: u64::try_from(bytes).unwrap_or_default(),
                    error,
                })
            })
            .collect(),
    })
}

/// Outcomes of the refreshes of all tables that are still in the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FullRefreshes {
    /// Number of such refreshes.
    pub total: u64,
    /// Number of those in which every table ended well.
    pub good: u64,
    /// When the newest good one was started.
    pub last_good: Option<DateTime<Utc>>,
    /// The error of the newest one; none if it ended well.
    pub last_error: Option<String>,
}

/// Counts the ended runs with at least `tables` tables. A run that skipped every entry refreshed nothing and
/// is not counted.
pub async fn full_refreshes(state: &State, tables: usize) -> Result<FullRefreshes, StateError> {
    let enough = i64::try_from(tables).unwrap_or(i64::MAX);
    let full = Query::select()
        .column(job::Column::RunId)
        .from(job::Entity)
        .group_by_col(job::Column::RunId)
        .and_having(Expr::col(job::Column::Id).count().gte(enough))
        .to_owned();
    let view = state.view().await?;
    let runs: Vec<FullRow> = run::Entity::find()
        .filter(run::Column::Phase.eq(Phase::Done.as_str()))
        .filter(run::Column::Id.in_subquery(full))
        .filter(run::Column::Outcome.is_null().or(run::Column::Outcome.ne(Outcome::Skipped.as_str())))
        .order_by_desc(run::Column::Ended)
        .order_by_desc(run::Column::Id)
        .select_only()
        .columns([run::Column::Id, run::Column::Started, run::Column::Outcome])
        .into_tuple()
        .all(&view)
        .await
        .context("read the full refreshes")?;
    let mut refreshes = FullRefreshes { total: runs.len() as u64, ..FullRefreshes::default() };
    for (position, (id, started, outcome)) in runs.into_iter().enumerate() {
        // An outcome that only another version knows does not count as good.
        let outcome: Option<Option<Outcome>> = outcome.map(known);
        if outcome.is_none_or(|outcome| outcome.is_some_and(Outcome::is_good)) {
            refreshes.good += 1;
            refreshes.last_good = refreshes.last_good.or(started.map(instant));
        } else if position == 0 {
            let error = job::Entity::find()
                .filter(job::Column::RunId.eq(id))
                .filter(job::Column::Error.is_not_null())
                .order_by_asc(job::Column::Id)
                .select_only()
                .column(job::Column::Error)
                .into_tuple()
                .one(&view)
                .await
                .context("read the error of a run")?;
            refreshes.last_error = error;
        }
    }
    Ok(refreshes)
}

/// Longest hold of VMS's write lock that is still in the history, in seconds.
pub async fn longest_lock(state: &State) -> Result<f64, StateError> {
    let longest: Option<Option<f64>> = job::Entity::find()
        .select_only()
        .expr(Expr::col(job::Column::LockLongest).max())
        .into_tuple()
        .one(state.reader())
        .await
        .context("read the longest write lock")?;
    Ok(longest.flatten().unwrap_or_default())
}
