//! The worker's side of the queue: claiming a run, making attempts at its jobs, and settling it. Every
//! step is one transaction, and is announced once it is committed.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, SchedulerState, Table};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction,
    EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};
use tokio_util::sync::CancellationToken;

use super::counters::{
    ATTEMPTS, Measured, RETRIES, count, count_holds, count_time, jobs as ended_jobs, runs,
};
use super::model::{Claimed, JobReport, Lease, QueueError, Settled, attempt, job, run, verdict};
use super::policy::{AFTER_ONE_RUN, Policy};
use super::read::{self, is_known};
use super::retry::RetryPolicy;
use super::{Cancels, Queue, locked};
use crate::state::{ErrorContext, StateError, instant, known, micros, scheduler_state};

/// Interval at which a wait for a retry is re-evaluated: the wall clock may be set, and timers of a suspended
/// machine do not run.
const SLICE: Duration = Duration::from_mins(1);

/// An attempt in progress. The job can be stopped for as long as this exists.
#[derive(Debug)]
pub struct Begun {
    /// Counted from 1.
    pub number: u32,
    /// Cancelled when the job is to be stopped; checked between groups.
    pub cancel: CancellationToken,
    _stoppable: Stoppable,
}

/// Keeps the token of an attempt where [`Queue::cancel`] finds it, until the attempt ends, no matter how:
/// even if the state database fails, or another worker has taken the run over.
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
    /// The attempt did all it could; the job continues with the rest after a pause.
    Paused(Duration),
    /// The attempt was stopped because the job was cancelled.
    Cancelled,
}

impl Queue {
    /// Claims the due run of the highest priority; among equal ones, the one that has waited longest. From
    /// now on no request joins it, and waiting slots go next. While the scheduler is stopped, runs with
    /// an automatic trigger are not started.
    pub async fn claim(&self) -> Result<Option<Claimed>, QueueError> {
        let tx = self.state.begin().await?;
        let now = self.clock.now();
        let at = micros(now);
        let next = claimable(&tx, at)
            .await?
            .order_by_asc(run::Column::Priority)
            .order_by_asc(run::Column::Id)
            .one(&tx)
            .await
            .context("look for queued runs")?;
        let Some(next) = next else {
            tx.commit().await.context("look for queued runs")?;
            return Ok(None);
        };
        let jobs = due_jobs(&tx, &next, at).await?.into_iter();
        let jobs: Vec<(i64, Table)> = jobs.filter_map(|job| Some((job.id, known(job.table_name)?))).collect();
        let claimed = Claimed {
            run: next.id,
            lease: Lease::new(next.id, self.rng.as_ref()),
            request: next.request(jobs.iter().map(|&(_, table)| table).collect())?,
            jobs,
            queued: instant(next.queued),
        };
        let started = next.started.unwrap_or(at);
        let mut row = next.into_active_model();
        row.phase = Set(Phase::Running.as_str().to_owned());
        row.started = Set(Some(started));
        row.lease = Set(Some(claimed.lease.token.clone()));
        row.not_before = Set(None);
        row.parked = Set(None);
        row.update(&tx).await.context("claim a run")?;
        // A slot waits for at most one run; otherwise a script that refreshes in a loop would starve the nightly run.
        run::Entity::update_many()
            .col_expr(run::Column::Priority, Expr::value(AFTER_ONE_RUN))
            .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
            .filter(run::Column::Trigger.is_in(Policy::words(Policy::is_of_slot)))
            .exec(&tx)
            .await
            .context("claim a run")?;
        tx.commit().await.context("claim a run")?;
        self.claims().insert(claimed.run, self.clock.monotonic());
        Ok(Some(claimed))
    }

    /// Since when the longest-waiting claimable run has been claimable; `None` if there is nothing to
    /// claim.
    pub async fn claimable_since(&self) -> Result<Option<DateTime<Utc>>, QueueError> {
        let view = self.state.view().await?;
        let runs = claimable(&view, micros(self.clock.now())).await?;
        let runs = runs.all(&view).await.context("look for queued runs")?;
        let since = runs.iter().map(|run| run.not_before.map_or(run.queued, |due| due.max(run.queued)));
        Ok(since.min().map(instant))
    }

    /// Waits until a run that waits for its next attempt may be due; forever if there is none. Call it
    /// after a [`claim`](Self::claim) that found nothing, and then claim again.
    pub async fn may_be_due(&self) -> Result<(), QueueError> {
        let first = run::Entity::find()
            .filter(run::Column::Phase.eq(Phase::Queued.as_str()))
            .filter(run::Column::NotBefore.is_not_null())
            .filter(is_known())
            .order_by_asc(run::Column::NotBefore)
            .one(self.state.reader())
            .await
            .context("look for runs that wait")?;
        let Some(until) = first.and_then(|run| run.not_before) else {
            return std::future::pending().await;
        };
        let pause = (instant(until) - self.clock.now()).to_std().unwrap_or_default();
        self.clock.sleep(pause.min(SLICE)).await;
        Ok(())
    }

    /// Begins an attempt at a job of a claimed run. `snapshot` is the instant of the source snapshot that it
    /// computes from. Returns `None` when the job was cancelled in the meantime.
    pub async fn start_attempt(
        &self,
        lease: &Lease,
        job: i64,
        snapshot: Option<DateTime<Utc>>,
    ) -> Result<Option<Begun>, QueueError> {
        let tx = self.state.begin().await?;
        held(&tx, lease).await?;
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
        attempt::Entity::insert(begun).exec_without_returning(&tx).await.context("start an attempt")?;
        count(&tx, ATTEMPTS, 1).await?;
        let mut row = row.into_active_model();
        row.phase = Set(Phase::Running.as_str().to_owned());
        row.not_before = Set(None);
        let row = row.update(&tx).await.context("start a job")?;
        let started = read::job(&tx, row).await?;
        // Before the commit: a caller that sees the job running must find its token here.
        let cancel = CancellationToken::new();
        let stoppable = Stoppable::new(&self.cancels, job, number, cancel.clone());
        tx.commit().await.context("start a job")?;
        self.announce(Progress::JobStarted(started));
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Some(Begun { number, cancel, _stoppable: stoppable }))
    }

    /// Ends the attempt in progress, and with it the job unless another attempt follows; returns the pause
    /// before that attempt. A snapshot in the report replaces the one that the attempt began with: after a
    /// conflicting write by another process, an attempt computes again from a newer snapshot.
    pub async fn finish_attempt(
        &self,
        lease: &Lease,
        job: i64,
        report: &JobReport,
        ending: Ending,
    ) -> Result<Option<Duration>, QueueError> {
        let tx = self.state.begin().await?;
        held(&tx, lease).await?;
        let row = find(&tx, lease, job).await?;
        let open = newest(&tx, job).await?.filter(|attempt| attempt.ended.is_none());
        let now = self.clock.now();
        close(&tx, open.ok_or(QueueError::NotStarted(job))?, report, &ending, now).await?;
        count_holds(&tx, &report.holds).await?;
        let failures = row.failures + i64::from(matches!(ending, Ending::Failed(_)));
        let may_continue = !row.cancel;
        let cancelled_by = row.error.clone().filter(|_| row.cancel && ending == Ending::Cancelled);
        let mut row = row.after(report);
        if cancelled_by.is_some() {
            // The stored text names who cancelled the job, which the attempt does not know.
            row.error = Set(cancelled_by);
        }
        row.failures = Set(failures);
        let mut pause = match ending {
            Ending::Paused(pause) if may_continue => Some(pause),
            _ => None,
        };
        let event: fn(_) -> Progress = match ending {
            Ending::Failed(policy) if may_continue => {
                let failures = u32::try_from(failures).unwrap_or(u32::MAX);
                pause = policy.pause(failures, self.rng.bits());
                if pause.is_some() { Progress::JobWaits } else { Progress::JobDone }
            }
            Ending::Paused(_) if may_continue => Progress::JobWaits,
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
            count(&tx, &ended_jobs(None), 1).await?;
        } else {
            row.phase = Set(Phase::Done.as_str().to_owned());
            row.outcome = Set(Some(report.outcome.as_str().to_owned()));
            count(&tx, &ended_jobs(Some(report.outcome)), 1).await?;
            if report.outcome.is_tried() {
                count_time(&tx, Measured::Refresh(report.table), report.figures.seconds).await?;
            }
        }
        let row = row.update(&tx).await.context("finish a job")?;
        let shown = read::job(&tx, row).await?;
        tx.commit().await.context("finish a job")?;
        // Before the end is announced: no client may see an ended job that still appears to be stopping.
        locked(&self.cancels).remove(&job);
        self.announce(event(shown));
        Ok(pause)
    }

    /// Gives a run back. When all its jobs have ended, the run ends with the verdict of its worst table;
    /// otherwise it returns to the queue, and other runs may be worked on in the meantime.
    pub async fn settle(&self, lease: &Lease) -> Result<Settled, QueueError> {
        let tx = self.state.begin().await?;
        let mut row = held(&tx, lease).await?;
        set_unknown_aside(&tx, lease.run).await?;
        let jobs = jobs(&tx, lease.run).await?;
        let running = jobs.iter().filter(|job| job.phase == Phase::Running.as_str()).count();
        if running > 0 {
            return Err(QueueError::Unfinished { run: lease.run, jobs: running });
        }
        let began = self.claims().remove(&lease.run);
        let worked = began.map(|began| self.clock.monotonic().saturating_sub(began).as_secs_f64());
        row.seconds += worked.unwrap_or_default();
        let now = self.clock.now();
        let waiting = jobs.iter().filter(|job| job.phase == Phase::Queued.as_str());
        let Some(first) = waiting.map(|job| job.not_before.unwrap_or_default()).min() else {
            let ended = end(&tx, row, &jobs, now).await?;
            tx.commit().await.context("finish a run")?;
            self.announce(Progress::RunDone(ended.clone()));
            return Ok(Settled::Ended(ended));
        };
        let row = run::ActiveModel {
            seconds: Set(row.seconds),
            phase: Set(Phase::Queued.as_str().to_owned()),
            lease: Set(None),
            not_before: Set(Some(first)),
            parked: Set(Some(micros(now))),
            ..row.into_active_model()
        };
        row.update(&tx).await.context("put a run back")?;
        tx.commit().await.context("put a run back")?;
        self.announce_work();
        Ok(Settled::Waits(instant(first)))
    }
}

/// The queued runs that may be started, in no particular order. Those that another version has queued for a
/// trigger unknown here stay in the queue.
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
    let manual = run::Column::Trigger.is_in(Policy::words(|policy| !policy.is_automatic()));
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
        .context("read the jobs of a run")
}

/// Returns the run if the lease is still its current one.
async fn held(tx: &DatabaseTransaction, lease: &Lease) -> Result<run::Model, QueueError> {
    let row = run::Entity::find_by_id(lease.run).one(tx).await.context("read a run")?;
    let row = row.ok_or(QueueError::NoSuchRun(lease.run))?;
    if row.lease.as_ref() == Some(&lease.token) { Ok(row) } else { Err(QueueError::LeaseLost(lease.run)) }
}

async fn find(tx: &DatabaseTransaction, lease: &Lease, job: i64) -> Result<job::Model, QueueError> {
    let row = job::Entity::find_by_id(job).one(tx).await.context("read a job")?;
    row.filter(|row| row.run_id == lease.run).ok_or(QueueError::NoSuchJob(job))
}

async fn newest(tx: &DatabaseTransaction, job: i64) -> Result<Option<attempt::Model>, QueueError> {
    let query =
        attempt::Entity::find().filter(attempt::Column::JobId.eq(job)).order_by_desc(attempt::Column::Number);
    Ok(query.one(tx).await.context("read the attempts of a job")?)
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
    row.seconds = Set(report.figures.seconds);
    row.outcome = Set((*ending != Ending::Cancelled).then(|| report.outcome.as_str().to_owned()));
    row.error = Set(report.error.clone());
    if let Some(snapshot) = report.snapshot {
        row.snapshot = Set(Some(micros(snapshot)));
    }
    row.update(tx).await.context("finish an attempt")?;
    Ok(())
}

/// Ends the waiting jobs of a run whose table this version does not know: another version queued them, and
/// their run could otherwise never end. Their rows keep the word.
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
        .context("set a job aside")?;
    Ok(())
}

/// The jobs of a run, in no particular order.
pub(super) async fn jobs(tx: &DatabaseTransaction, run: i64) -> Result<Vec<job::Model>, QueueError> {
    let jobs = job::Entity::find().filter(job::Column::RunId.eq(run));
    Ok(jobs.all(tx).await.context("read the jobs of a run")?)
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
    let row = run::ActiveModel {
        seconds: Set(row.seconds),
        phase: Set(phase.as_str().to_owned()),
        ended: Set(Some(micros(now))),
        outcome: Set(outcome.map(|outcome| outcome.as_str().to_owned())),
        lease: Set(None),
        not_before: Set(None),
        parked: Set(None),
        ..row.into_active_model()
    };
    let row = row.update(tx).await.context("finish a run")?;
    Ok(read::run(tx, row).await?)
}
