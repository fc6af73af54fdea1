//! Taking runs out of the queue, and putting back what a dead process left.

use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};

use super::{Queue, QueueError, assemble, verdict};
use crate::state::Doing;
use crate::state::entity::{attempt, instant, job, micros, run, word};

/// A run that is being worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its number.
    pub run: i64,
    /// What asked for it.
    pub trigger: Trigger,
    /// The slot of a scheduled run.
    pub slot: Option<String>,
    /// Also entries that are young enough.
    pub force: bool,
    /// Accept a source that lost suspiciously many rows.
    pub accept: bool,
    /// Payloads without the documented deviations.
    pub exact: bool,
    /// The instant used as "now"; none for the wall clock's.
    pub as_of: Option<DateTime<Utc>>,
    /// Jobs that have not ended, in working order, by number; fewer than all, or none, after an interruption.
    pub jobs: Vec<(i64, Table)>,
    /// When it was queued.
    pub queued: DateTime<Utc>,
}

impl Queue {
    /// Takes the run that waits longest. Nothing joins it from now on.
    pub async fn claim(&self) -> Result<Option<Claimed>, QueueError> {
        let tx = self.state.begin().await?;
        let oldest = run::Entity::find()
            .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
            .order_by_asc(run::Column::Id)
            .one(&tx)
            .await
            .doing("look for queued runs")?;
        let Some(oldest) = oldest else { return Ok(None) };
        let jobs = job::Entity::find()
            .filter(job::Column::RunId.eq(oldest.id))
            .filter(job::Column::Phase.eq(Phase::Queued.as_str()))
            .order_by_asc(job::Column::Ordinal)
            .all(&tx)
            .await
            .doing("read the jobs of a run")?;
        let claimed = Claimed {
            run: oldest.id,
            trigger: word("runs.trigger", oldest.trigger.clone())?,
            slot: oldest.slot.clone(),
            force: oldest.force,
            accept: oldest.accept,
            exact: oldest.exact,
            as_of: oldest.as_of.map(instant),
            jobs: jobs
                .into_iter()
                .map(|job| Ok((job.id, word("jobs.table_name", job.table_name)?)))
                .collect::<Result<_, QueueError>>()?,
            queued: instant(oldest.queued),
        };
        let started = oldest.started.unwrap_or_else(|| micros(self.clock.now()));
        let mut row = oldest.into_active_model();
        row.phase = Set(Phase::Running.as_str().to_owned());
        row.started = Set(Some(started));
        row.request_key = Set(None);
        row.update(&tx).await.doing("claim a run")?;
        tx.commit().await.doing("claim a run")?;
        self.claims().insert(claimed.run, self.clock.monotonic());
        Ok(Some(claimed))
    }

    /// Ends a run whose jobs have all ended, with the verdict of its worst table.
    pub async fn finish_run(&self, run: i64) -> Result<Run, QueueError> {
        let tx = self.state.begin().await?;
        let row = run::Entity::find_by_id(run).one(&tx).await.doing("read a run")?;
        let row = row.ok_or(QueueError::NoSuchRun(run))?;
        let done = assemble::run(&tx, row.clone()).await?;
        let unfinished =
            done.jobs.iter().filter(|job| matches!(job.phase, Phase::Queued | Phase::Running)).count();
        if unfinished > 0 {
            return Err(QueueError::Unfinished { run, jobs: unfinished });
        }
        let outcomes: Vec<Outcome> = done.jobs.iter().filter_map(|job| job.outcome).collect();
        let worked = self
            .claims()
            .remove(&run)
            .map(|began| self.clock.monotonic().saturating_sub(began).as_secs_f64())
            .unwrap_or_default();
        let seconds = row.seconds + worked;
        let mut row = row.into_active_model();
        row.phase = Set(Phase::Done.as_str().to_owned());
        row.ended = Set(Some(micros(self.clock.now())));
        row.seconds = Set(seconds);
        row.outcome = Set(verdict(&outcomes).map(|o| o.as_str().to_owned()));
        let row = row.update(&tx).await.doing("finish a run")?;
        let done = assemble::run(&tx, row).await?;
        tx.commit().await.doing("finish a run")?;
        self.announce(Progress::RunDone(done.clone()));
        Ok(done)
    }

    /// Takes a run out of the queue before it began; false when it is not waiting any more.
    pub async fn cancel_queued(&self, run: i64) -> Result<bool, QueueError> {
        let tx = self.state.begin().await?;
        let row = run::Entity::find_by_id(run).one(&tx).await.doing("read a run")?;
        let row = row.ok_or(QueueError::NoSuchRun(run))?;
        if row.phase != Phase::Queued.as_str() {
            return Ok(false);
        }
        let cancelled = Phase::Cancelled.as_str();
        job::Entity::update_many()
            .col_expr(job::Column::Phase, Expr::value(cancelled))
            .filter(job::Column::RunId.eq(run))
            .filter(job::Column::Phase.eq(Phase::Queued.as_str()))
            .exec(&tx)
            .await
            .doing("cancel the jobs of a run")?;
        let mut row = row.into_active_model();
        row.phase = Set(cancelled.to_owned());
        row.ended = Set(Some(micros(self.clock.now())));
        row.request_key = Set(None);
        let row = row.update(&tx).await.doing("cancel a run")?;
        let run = assemble::run(&tx, row).await?;
        tx.commit().await.doing("cancel a run")?;
        self.announce(Progress::RunDone(run));
        Ok(true)
    }

    /// Puts back what the process before this one left running, and returns how many runs that were. To be called
    /// once, by the holder of the state's lock, before anything is claimed.
    pub async fn recover(&self) -> Result<u64, QueueError> {
        let tx = self.state.begin().await?;
        attempt::Entity::update_many()
            .col_expr(attempt::Column::Ended, Expr::value(micros(self.clock.now())))
            .col_expr(attempt::Column::Outcome, Expr::value(Outcome::Failed.as_str()))
            .col_expr(attempt::Column::Error, Expr::value("interrupted by a stop of the daemon"))
            .filter(attempt::Column::Ended.is_null())
            .exec(&tx)
            .await
            .doing("close interrupted attempts")?;
        let (queued, running) = (Phase::Queued.as_str(), Phase::Running.as_str());
        job::Entity::update_many()
            .col_expr(job::Column::Phase, Expr::value(queued))
            .filter(job::Column::Phase.eq(running))
            .exec(&tx)
            .await
            .doing("put interrupted jobs back")?;
        let runs = run::Entity::update_many()
            .col_expr(run::Column::Phase, Expr::value(queued))
            .filter(run::Column::Phase.eq(running))
            .exec(&tx)
            .await
            .doing("put interrupted runs back")?;
        tx.commit().await.doing("put interrupted runs back")?;
        self.announce_work();
        Ok(runs.rows_affected)
    }
}
