//! Attempts at a job.

use cached_proto::verb::refresh::Progress;
use cached_proto::words::Phase;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};

use super::{JobReport, Queue, QueueError, assemble};
use crate::state::Doing;
use crate::state::entity::{attempt, job, micros};

impl Queue {
    /// Begins an attempt at a job and returns its number, counted from 1. `snapshot` is the instant of the source it
    /// is computed from.
    pub async fn start_attempt(&self, job: i64, snapshot: Option<DateTime<Utc>>) -> Result<u32, QueueError> {
        let tx = self.state.begin().await?;
        let row = find(&tx, job).await?;
        let number = 1 + newest(&tx, job).await?.map_or(0, |attempt| attempt.number);
        let begun = attempt::ActiveModel {
            job_id: Set(job),
            number: Set(number),
            started: Set(micros(self.clock.now())),
            snapshot: Set(snapshot.map(micros)),
            ..Default::default()
        };
        attempt::Entity::insert(begun).exec_without_returning(&tx).await.doing("start an attempt")?;
        let mut row = row.into_active_model();
        row.phase = Set(Phase::Running.as_str().to_owned());
        let row = row.update(&tx).await.doing("start a job")?;
        let started = assemble::job(&tx, row).await?;
        tx.commit().await.doing("start a job")?;
        self.announce(Progress::JobStarted(started));
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Ends the attempt in progress, and with it the job. A snapshot in the report replaces the one it began with:
    /// an attempt that somebody's write made worthless computes once more.
    pub async fn finish_attempt(&self, job: i64, report: &JobReport) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        let row = find(&tx, job).await?;
        let open = newest(&tx, job).await?.filter(|attempt| attempt.ended.is_none());
        close(&tx, open.ok_or(QueueError::NotStarted(job))?, report, self.clock.now()).await?;
        let row = ended(row, report).update(&tx).await.doing("finish a job")?;
        let done = assemble::job(&tx, row).await?;
        tx.commit().await.doing("finish a job")?;
        self.announce(Progress::JobDone(done));
        Ok(())
    }
}

async fn find(tx: &DatabaseTransaction, job: i64) -> Result<job::Model, QueueError> {
    let row = job::Entity::find_by_id(job).one(tx).await.doing("read a job")?;
    row.ok_or(QueueError::NoSuchJob(job))
}

async fn newest(tx: &DatabaseTransaction, job: i64) -> Result<Option<attempt::Model>, QueueError> {
    let query =
        attempt::Entity::find().filter(attempt::Column::JobId.eq(job)).order_by_desc(attempt::Column::Number);
    Ok(query.one(tx).await.doing("read the attempts of a job")?)
}

async fn close(
    tx: &DatabaseTransaction,
    open: attempt::Model,
    report: &JobReport,
    now: DateTime<Utc>,
) -> Result<(), QueueError> {
    let mut row = open.into_active_model();
    row.ended = Set(Some(micros(now)));
    row.outcome = Set(Some(report.outcome.as_str().to_owned()));
    row.error = Set(report.error.clone());
    if let Some(snapshot) = report.snapshot {
        row.snapshot = Set(Some(micros(snapshot)));
    }
    row.update(tx).await.doing("finish an attempt")?;
    Ok(())
}

fn ended(row: job::Model, report: &JobReport) -> job::ActiveModel {
    let count = |n: u64| Set(i64::try_from(n).unwrap_or(i64::MAX));
    let mut row = row.into_active_model();
    row.phase = Set(Phase::Done.as_str().to_owned());
    row.outcome = Set(Some(report.outcome.as_str().to_owned()));
    row.entries = count(report.entries);
    row.rebuilt = count(report.rebuilt);
    row.verified = count(report.verified);
    row.skipped = count(report.skipped);
    row.pruned = count(report.pruned);
    row.failed = count(report.failed);
    row.warnings = count(report.warnings);
    row.bytes = count(report.bytes);
    row.seconds = Set(report.seconds);
    row.error = Set(report.error.clone());
    row
}
