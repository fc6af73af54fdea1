//! Settling a claimed run: it ends, or returns to the queue to wait for further attempts.

use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, Table};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use super::counters::{Measured, count, count_time, runs};
use super::lease::Lease;
use super::{Queue, QueueError, assemble, verdict};
use crate::state::Doing;
use crate::state::entity::{instant, job, known, micros, run};

/// Result of settling a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// All its jobs have ended.
    Ended(Run),
    /// Some of its jobs wait for their next attempt, which begins at this instant at the earliest.
    Waits(DateTime<Utc>),
}

impl Queue {
    /// Gives a run back. When all its jobs have ended, the run ends with the verdict of its worst table;
    /// otherwise it returns to the queue, and other runs may be worked on in the meantime.
    pub async fn settle(&self, lease: &Lease) -> Result<Settled, QueueError> {
        let tx = self.state.begin().await?;
        let row = lease.held(&tx).await?;
        set_unknown_aside(&tx, lease.run).await?;
        let jobs = jobs(&tx, lease.run).await?;
        let running = jobs.iter().filter(|job| job.phase == Phase::Running.as_str()).count();
        if running > 0 {
            return Err(QueueError::Unfinished { run: lease.run, jobs: running });
        }
        let began = self.claims().remove(&lease.run);
        let worked = began.map(|began| self.clock.monotonic().saturating_sub(began).as_secs_f64());
        let mut row = row;
        row.seconds += worked.unwrap_or_default();
        let waiting = jobs.iter().filter(|job| job.phase == Phase::Queued.as_str());
        let Some(first) = waiting.map(|job| job.not_before.unwrap_or_default()).min() else {
            let ended = end(&tx, row, &jobs, self.clock.now()).await?;
            tx.commit().await.doing("finish a run")?;
            self.announce(Progress::RunDone(ended.clone()));
            return Ok(Settled::Ended(ended));
        };
        let seconds = row.seconds;
        let mut row = row.into_active_model();
        row.seconds = Set(seconds);
        row.phase = Set(Phase::Queued.as_str().to_owned());
        row.lease = Set(None);
        row.lease_until = Set(None);
        row.not_before = Set(Some(first));
        row.parked = Set(Some(micros(self.clock.now())));
        row.update(&tx).await.doing("put a run back")?;
        tx.commit().await.doing("put a run back")?;
        self.announce_work();
        Ok(Settled::Waits(instant(first)))
    }
}

/// Ends the waiting jobs of a run whose table this version does not know: another version has queued them, and
/// their run could never end. Their rows keep the word.
async fn set_unknown_aside(tx: &DatabaseTransaction, run: i64) -> Result<(), QueueError> {
    job::Entity::update_many()
        .col_expr(job::Column::Phase, Expr::value(Phase::Cancelled.as_str()))
        .col_expr(job::Column::NotBefore, Expr::value(None::<i64>))
        .col_expr(job::Column::Error, Expr::value("this version of cached does not know the table"))
        .filter(job::Column::RunId.eq(run))
        .filter(job::Column::Phase.eq(Phase::Queued.as_str()))
        .filter(job::Column::TableName.is_not_in(Table::ALL.iter().map(|table| table.as_str())))
        .exec(tx)
        .await
        .doing("set a job aside")?;
    Ok(())
}

/// The jobs of a run, in no particular order.
pub(super) async fn jobs(tx: &DatabaseTransaction, run: i64) -> Result<Vec<job::Model>, QueueError> {
    let jobs = job::Entity::find().filter(job::Column::RunId.eq(run));
    Ok(jobs.all(tx).await.doing("read the jobs of a run")?)
}

/// Ends a run whose jobs have all ended. The run is cancelled if none of its jobs has an outcome and at least
/// one was cancelled.
pub(super) async fn end(
    tx: &DatabaseTransaction,
    row: run::Model,
    jobs: &[job::Model],
    now: DateTime<Utc>,
) -> Result<Run, QueueError> {
    let outcomes = jobs.iter().filter_map(|job| job.outcome.as_ref()?.parse().ok());
    let outcome = verdict(&outcomes.collect::<Vec<Outcome>>());
    let cancelled = outcome.is_none() && jobs.iter().any(|job| job.phase == Phase::Cancelled.as_str());
    let phase = if cancelled { Phase::Cancelled } else { Phase::Done };
    if let Some(trigger) = known(&row.trigger) {
        count(tx, &runs(trigger, outcome), 1).await?;
    }
    // A run that skipped every entry does not show how long a refresh takes.
    if outcome.is_some_and(|outcome| outcome != Outcome::Skipped) {
        count_time(tx, Measured::Run, row.seconds).await?;
    }
    let seconds = row.seconds;
    let mut row = row.into_active_model();
    row.phase = Set(phase.as_str().to_owned());
    row.ended = Set(Some(micros(now)));
    row.seconds = Set(seconds);
    row.outcome = Set(outcome.map(|outcome| outcome.as_str().to_owned()));
    row.lease = Set(None);
    row.lease_until = Set(None);
    row.not_before = Set(None);
    row.parked = Set(None);
    let row = row.update(tx).await.doing("finish a run")?;
    Ok(assemble::run(tx, row).await?)
}
