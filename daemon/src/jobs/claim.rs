//! Claiming of queued runs.

use std::time::Duration;

use cached_proto::words::{Phase, SchedulerState, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction,
    EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};

use super::coverage::AFTER_ONE_RUN;
use super::lease::Lease;
use super::read::is_known;
use super::{Queue, QueueError};
use crate::state::entity::{instant, job, known, micros, run, word};
use crate::state::{Doing, StateError, scheduler_state};

/// Interval at which a wait for a retry is re-evaluated: the wall clock may be set, and timers of a suspended
/// machine stand still.
const SLICE: Duration = Duration::from_mins(1);

/// A run that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Number of the run.
    pub run: i64,
    /// Lease under which its results are written.
    pub lease: Lease,
    /// What triggered the run.
    pub trigger: Trigger,
    /// The slot of a scheduled run.
    pub slot: Option<String>,
    /// Regenerates young entries as well.
    pub force: bool,
    /// Accepts a source that lost suspiciously many rows.
    pub accept: bool,
    /// Generates payloads without the documented deviations.
    pub exact: bool,
    /// The instant used as "now"; `None` for the time of the wall clock.
    pub as_of: Option<DateTime<Utc>>,
    /// For a top-up: entries that last until this instant are left alone.
    pub renew_before: Option<DateTime<Utc>>,
    /// Due jobs with their numbers, in the order they are worked on; after a retry or an interruption fewer
    /// than all, or none.
    pub jobs: Vec<(i64, Table)>,
    /// When it was queued.
    pub queued: DateTime<Utc>,
}

impl Queue {
    /// Claims the due run of the highest priority; among equal ones, the one that has waited longest. No request
    /// joins it from now on, and slots that wait go next. While the scheduler is stopped, runs with an automatic
    /// trigger are not begun.
    pub async fn claim(&self) -> Result<Option<Claimed>, QueueError> {
        let tx = self.state.begin().await?;
        let now = self.clock.now();
        self.take_up_expired(&tx, now).await?;
        let at = micros(now);
        let next = claimable(&tx, at)
            .await?
            .order_by_asc(run::Column::Priority)
            .order_by_asc(run::Column::Id)
            .one(&tx)
            .await
            .doing("look for queued runs")?;
        let Some(next) = next else {
            tx.commit().await.doing("look for queued runs")?;
            return Ok(None);
        };
        let jobs = due_jobs(&tx, &next, at).await?;
        let claimed = Claimed {
            run: next.id,
            lease: Lease::new(next.id, self.chance.as_ref()),
            trigger: word("runs.trigger", next.trigger.clone())?,
            slot: next.slot.clone(),
            force: next.force,
            accept: next.accept,
            exact: next.exact,
            as_of: next.as_of.map(instant),
            renew_before: next.renew_before.map(instant),
            jobs: jobs.into_iter().filter_map(|job| Some((job.id, known(job.table_name)?))).collect(),
            queued: instant(next.queued),
        };
        let started = next.started.unwrap_or(at);
        let mut row = next.into_active_model();
        row.phase = Set(Phase::Running.as_str().to_owned());
        row.started = Set(Some(started));
        row.lease = Set(Some(claimed.lease.token.clone()));
        row.lease_until = Set(Some(Lease::until(now)));
        row.not_before = Set(None);
        row.parked = Set(None);
        row.update(&tx).await.doing("claim a run")?;
        // A slot waits for one run at the most, or somebody who refreshes in a loop would starve the night.
        run::Entity::update_many()
            .col_expr(run::Column::Priority, Expr::value(AFTER_ONE_RUN))
            .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
            .filter(run::Column::Trigger.is_in([Trigger::Schedule, Trigger::CatchUp].map(Trigger::as_str)))
            .exec(&tx)
            .await
            .doing("claim a run")?;
        tx.commit().await.doing("claim a run")?;
        self.claims().insert(claimed.run, self.clock.monotonic());
        Ok(Some(claimed))
    }

    /// Since when the longest-waiting claimable run has been claimable; `None` when there is nothing to
    /// claim.
    pub async fn claimable_since(&self) -> Result<Option<DateTime<Utc>>, QueueError> {
        let view = self.state.view().await?;
        let runs = claimable(&view, micros(self.clock.now())).await?;
        let runs = runs.all(&view).await.doing("look for queued runs")?;
        let since = runs.iter().map(|run| run.not_before.map_or(run.queued, |due| due.max(run.queued)));
        Ok(since.min().map(instant))
    }

    /// Waits until a run that waits for its next attempt may be due, for ever when there is none. Call it
    /// after a [`claim`](Self::claim) that found nothing, and then claim again.
    pub async fn may_be_due(&self) -> Result<(), QueueError> {
        let first = run::Entity::find()
            .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
            .filter(run::Column::NotBefore.is_not_null())
            .filter(is_known())
            .order_by_asc(run::Column::NotBefore)
            .one(self.state.reader())
            .await
            .doing("look for runs that wait")?;
        let Some(until) = first.and_then(|run| run.not_before) else {
            return std::future::pending().await;
        };
        let pause = (instant(until) - self.clock.now()).to_std().unwrap_or_default();
        self.clock.sleep(pause.min(SLICE)).await;
        Ok(())
    }
}

/// The queued runs that may be begun, in no particular order. Those that another version has queued for a
/// reason unknown here stay in the queue.
async fn claimable(db: &impl ConnectionTrait, now: i64) -> Result<Select<run::Entity>, StateError> {
    // A pause that begins in the future was recorded by a clock that was wrong.
    let due = Condition::any()
        .add(run::Column::NotBefore.is_null())
        .add(run::Column::NotBefore.lte(now))
        .add(run::Column::Parked.gt(now));
    let queued = run::Column::Phase.eq(Phase::Queued.as_str());
    let runs = run::Entity::find().filter(queued).filter(is_known()).filter(due);
    if scheduler_state(db).await? == SchedulerState::Running {
        return Ok(runs);
    }
    // Automatic runs are held back until the scheduler is started, unless they are in progress.
    let manual = run::Column::Trigger.eq(Trigger::Manual.as_str());
    Ok(runs.filter(Condition::any().add(manual).add(run::Column::Started.is_not_null())))
}

async fn due_jobs(
    tx: &DatabaseTransaction,
    run: &run::Model,
    now: i64,
) -> Result<Vec<job::Model>, StateError> {
    let mut due = Condition::any().add(job::Column::NotBefore.is_null()).add(job::Column::NotBefore.lte(now));
    if run.parked.is_some_and(|since| since > now) {
        due = Condition::all();
    }
    job::Entity::find()
        .filter(job::Column::RunId.eq(run.id))
        .filter(job::Column::Phase.eq(Phase::Queued.as_str()))
        .filter(due)
        .order_by_asc(job::Column::Ordinal)
        .all(tx)
        .await
        .doing("read the jobs of a run")
}
