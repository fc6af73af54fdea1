//! Loads past runs and jobs from the state database: a few columns of many rows.

use std::collections::HashMap;

use cached_proto::lock::WriteLock;
use cached_proto::words::Phase;
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{Past, PastJob, PastRun};
use crate::jobs::model::{job, run};
use crate::state::{Doing, State, StateError, instant, known, micros};

type RunRow = (i64, Option<i64>, f64, Option<String>);
type JobRow = (i64, String, Option<String>, i64, Option<String>, i64, f64, f64);

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
        .doing("read the runs of a window")?;
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
        .doing("read the jobs of a window")?;
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
                // What ended in a word of another version is no figure here.
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
