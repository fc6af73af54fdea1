//! Beginning and finishing attempts at a job.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use cached_proto::words::Phase;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};
use tokio_util::sync::CancellationToken;

use super::counters::{ATTEMPTS, Measured, RETRIES, count, count_holds, count_time, jobs};
use super::lease::Lease;
use super::{Cancels, JobReport, Queue, QueueError, RetryPolicy, assemble, locked};
use crate::state::Doing;
use crate::state::entity::{attempt, job, micros};

/// An attempt in progress. The job can be stopped for as long as this exists.
#[derive(Debug)]
pub struct Begun {
    /// Counted from 1.
    pub number: u32,
    /// Cancelled when the job is to be stopped; checked between groups.
    pub cancel: CancellationToken,
    _stoppable: Stoppable,
}

/// Keeps the token of an attempt where [`Queue::cancel`] finds it, until the attempt ends, however it ends: also
/// when the state database fails, or another worker has taken the run over.
#[derive(Debug)]
struct Stoppable {
    cancels: Cancels,
    job: i64,
    number: i64,
}

impl Stoppable {
    fn new(cancels: &Cancels, job: i64, number: i64, cancel: CancellationToken) -> Self {
        locked(cancels).insert(job, (number, cancel));
        Self { cancels: Arc::clone(cancels), job, number }
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        let mut cancels = locked(&self.cancels);
        // Not that of a later attempt, which may have begun already.
        if cancels.get(&self.job).is_some_and(|(number, _)| *number == self.number) {
            cancels.remove(&self.job);
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The attempt ends the job.
    Done,
    /// The attempt failed for a reason that may be transient: the job is retried, if the policy still allows
    /// it.
    Failed(RetryPolicy),
    /// The attempt did all it could, and the job goes on with the rest after a pause.
    Paused(Duration),
    /// The attempt was stopped because the job was cancelled.
    Cancelled,
}

impl Queue {
    /// Begins an attempt at a job of a claimed run. `snapshot` is the instant of the source snapshot that it
    /// computes from. Returns `None` when the job was cancelled in the meantime.
    pub async fn start_attempt(
        &self,
        lease: &Lease,
        job: i64,
        snapshot: Option<DateTime<Utc>>,
    ) -> Result<Option<Begun>, QueueError> {
        let tx = self.state.begin().await?;
        lease.held(&tx).await?;
        let row = find(&tx, lease, job).await?;
        if row.phase != Phase::Queued.as_str() {
            return Ok(None);
        }
        let number = 1 + newest(&tx, job).await?.map_or(0, |attempt| attempt.number);
        let begun = attempt::ActiveModel {
            job_id: Set(job),
            number: Set(number),
            started: Set(micros(self.clock.now())),
            snapshot: Set(snapshot.map(micros)),
            ..Default::default()
        };
        attempt::Entity::insert(begun).exec_without_returning(&tx).await.doing("start an attempt")?;
        count(&tx, ATTEMPTS, 1).await?;
        let mut row = row.into_active_model();
        row.phase = Set(Phase::Running.as_str().to_owned());
        row.not_before = Set(None);
        let row = row.update(&tx).await.doing("start a job")?;
        let started = assemble::job(&tx, row).await?;
        // Before the commit: a caller that sees the job running must find its token here.
        let cancel = CancellationToken::new();
        let stoppable = Stoppable::new(&self.cancels, job, number, cancel.clone());
        tx.commit().await.doing("start a job")?;
        self.announce(Progress::JobStarted(started));
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Some(Begun { number, cancel, _stoppable: stoppable }))
    }

    /// Ends the attempt in progress, and with it the job unless another attempt follows; returns the pause
    /// before that attempt. A snapshot in the report replaces the one that the attempt began with: after a
    /// conflicting write by another process, an attempt computes once more from a newer snapshot.
    pub async fn finish_attempt(
        &self,
        lease: &Lease,
        job: i64,
        report: &JobReport,
        ending: Ending,
    ) -> Result<Option<Duration>, QueueError> {
        let tx = self.state.begin().await?;
        lease.held(&tx).await?;
        let row = find(&tx, lease, job).await?;
        let open = newest(&tx, job).await?.filter(|attempt| attempt.ended.is_none());
        let now = self.clock.now();
        close(&tx, open.ok_or(QueueError::NotStarted(job))?, report, &ending, now).await?;
        count_holds(&tx, &report.holds).await?;
        let failures = row.failures + i64::from(matches!(ending, Ending::Failed(_)));
        let wanted = !row.cancel;
        let called_off = row.error.clone().filter(|_| row.cancel && ending == Ending::Cancelled);
        let mut row = figures(row, report);
        if called_off.is_some() {
            // The stored text names who cancelled the job, which the attempt does not know.
            row.error = Set(called_off);
        }
        row.failures = Set(failures);
        let mut pause = match ending {
            Ending::Paused(pause) if wanted => Some(pause),
            _ => None,
        };
        let event: fn(_) -> Progress = match ending {
            Ending::Failed(policy) if wanted => {
                let failures = u32::try_from(failures).unwrap_or(u32::MAX);
                pause = policy.pause(failures, self.chance.bits());
                if pause.is_some() { Progress::JobWaits } else { Progress::JobDone }
            }
            Ending::Paused(_) if wanted => Progress::JobWaits,
            _ => Progress::JobDone,
        };
        if let Some(pause) = pause {
            let micros_of = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
            row.phase = Set(Phase::Queued.as_str().to_owned());
            row.not_before = Set(Some(micros(now).saturating_add(micros_of)));
            if matches!(ending, Ending::Failed(_)) {
                count(&tx, RETRIES, 1).await?;
            }
        } else if ending == Ending::Cancelled {
            row.phase = Set(Phase::Cancelled.as_str().to_owned());
            count(&tx, &jobs(None), 1).await?;
        } else {
            row.phase = Set(Phase::Done.as_str().to_owned());
            row.outcome = Set(Some(report.outcome.as_str().to_owned()));
            count(&tx, &jobs(Some(report.outcome)), 1).await?;
            if report.outcome.is_tried() {
                count_time(&tx, Measured::Refresh(report.table), report.seconds).await?;
            }
        }
        let row = row.update(&tx).await.doing("finish a job")?;
        let shown = assemble::job(&tx, row).await?;
        tx.commit().await.doing("finish a job")?;
        // Before the end is announced: nobody may see an ended job that is still to be stopped.
        locked(&self.cancels).remove(&job);
        self.announce(event(shown));
        Ok(pause)
    }
}

async fn find(tx: &DatabaseTransaction, lease: &Lease, job: i64) -> Result<job::Model, QueueError> {
    let row = job::Entity::find_by_id(job).one(tx).await.doing("read a job")?;
    row.filter(|row| row.run_id == lease.run).ok_or(QueueError::NoSuchJob(job))
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
    ending: &Ending,
    now: DateTime<Utc>,
) -> Result<(), QueueError> {
    let mut row = open.into_active_model();
    row.ended = Set(Some(micros(now)));
    row.seconds = Set(report.seconds);
    row.outcome = Set((*ending != Ending::Cancelled).then(|| report.outcome.as_str().to_owned()));
    row.error = Set(report.error.clone());
    if let Some(snapshot) = report.snapshot {
        row.snapshot = Set(Some(micros(snapshot)));
    }
    row.update(tx).await.doing("finish an attempt")?;
    Ok(())
}

fn figures(row: job::Model, report: &JobReport) -> job::ActiveModel {
    let count = |n: u64| Set(i64::try_from(n).unwrap_or(i64::MAX));
    // Unlike the other figures, lock holds add up over all attempts: VMS had to wait for each of them.
    let held = report.holds.figures();
    let held_before = (row.lock_count, row.lock_seconds, row.lock_longest);
    let mut row = row.into_active_model();
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
    row.lock_count = Set(held_before.0.saturating_add(i64::try_from(held.count).unwrap_or(i64::MAX)));
    row.lock_seconds = Set(held_before.1 + held.seconds);
    row.lock_longest = Set(held_before.2.max(held.longest));
    row
}
