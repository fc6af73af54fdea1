//! The loop that tops up tables that cannot wait for the next scheduled run.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::jobs::Job;
use cached_proto::words::{SchedulerState, Table, TableState, Trigger};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::top_up::{Cause, Condition, plan};
use super::{Renewal, Schedule, expected, slot_text};
use crate::clock::Clock;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{NewRun, Policy, Queue, QueueError, RefreshScope};
use crate::refresh::survey::{TableSurvey, survey};
use crate::refresh::{RefreshConfig, RefreshError};
use crate::reports::tables;
use crate::snapshot::ReadDepth;

/// Longest sleep: the wall clock may be set, and timers stop while the machine is suspended.
const SLICE: Duration = Duration::from_mins(1);

/// Delay of the first check after a start, which gives the ticker time to decide missed slots.
const FIRST: Duration = Duration::from_secs(5);

/// Longest time between two surveys of the tables, since other processes write them, too.
const INTERVAL: TimeDelta = TimeDelta::minutes(15);

/// Upper bound of the time for a survey, which reads VMS's database and may have to wait for its locks.
const LONGEST_SURVEY: Duration = Duration::from_hours(1);

/// How far back, and at most how many, past runs are read to estimate the duration of a run.
const PAST: TimeDelta = TimeDelta::days(14);
const RUNS: u64 = 100;

/// Monitors the cache tables between the fires of a schedule and tops them up.
pub struct Planner {
    name: &'static str,
    queue: Queue,
    clock: Arc<dyn Clock>,
    schedules: watch::Receiver<Arc<Schedule>>,
    config: watch::Receiver<Arc<RefreshConfig>>,
    /// When the tables were last surveyed, and when the next survey is due.
    surveyed: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When time next changes the keys of each table, as of the last survey.
    next_keys: HashMap<Table, DateTime<Utc>>,
    /// Settings fingerprint under which a table with entries of other settings was last topped up.
    asked: HashMap<Table, String>,
}

impl Planner {
    /// Creates a planner for the tables that `config` describes and that `schedules` renews, whose slots are
    /// recorded under `name`. Both may be replaced at any time.
    pub fn new(
        name: &'static str,
        queue: Queue,
        clock: Arc<dyn Clock>,
        schedules: watch::Receiver<Arc<Schedule>>,
        config: watch::Receiver<Arc<RefreshConfig>>,
    ) -> Self {
        Self {
            name,
            queue,
            clock,
            schedules,
            config,
            surveyed: None,
            next_keys: HashMap::new(),
            asked: HashMap::new(),
        }
    }

    /// Runs until dropped; cancel-safe. Beats `heartbeat` in every iteration.
    pub async fn run(mut self, heartbeat: Heartbeat) {
        // Sleep first: after a start, slots that were missed are decided before anything else.
        let mut wait = FIRST;
        loop {
            tokio::select! {
                () = heartbeat.nap(wait) => {}
                // Once the senders are dropped, neither can change any more and only the timer matters.
                Ok(()) = self.schedules.changed() => self.survey_again(),
                Ok(()) = self.config.changed() => self.survey_again(),
            }
            heartbeat.beat(LONGEST_SURVEY);
            if let Err(error) = self.step().await {
                tracing::error!(
                    "Cannot determine which tables need a top-up; trying again: {}",
                    describe(&error)
                );
            }
            wait = self.wait();
        }
    }

    /// Discards the time of the next survey, because the schedule or the configuration has changed.
    pub fn survey_again(&mut self) {
        self.surveyed = None;
    }

    /// Surveys the tables if a survey is due, and queues a run of those that cannot wait. Returns the number
    /// of that run.
    pub async fn step(&mut self) -> Result<Option<i64>, RefreshError> {
        let now = self.clock.now();
        // If the clock was set back, the last survey is in the future and does not count.
        if self.surveyed.is_some_and(|(surveyed, next)| surveyed <= now && now < next) {
            return Ok(None);
        }
        let schedule = Arc::clone(&self.schedules.borrow_and_update());
        if !self.is_running().await? || self.is_due(&schedule, now).await? {
            self.surveyed = None;
            return Ok(None);
        }
        // Set before the survey, so that a failed survey is repeated, but not at every step.
        self.surveyed = Some((now, now + INTERVAL));
        let config = Arc::clone(&self.config.borrow_and_update());
        // Reads the entries' shape as well: only this survey finds damage done by other processes.
        let surveys = survey(&config, self.queue.state(), ReadDepth::Shape, now).await?;
        let conditions = self.conditions(&surveys, &config, now).await?;
        self.next_keys = surveys
            .iter()
            .filter_map(|survey| Some((survey.table, survey.renewal_times.next_keys?)))
            .collect();
        let expected = expected_run(&self.queue, now).await?;
        let renewal = Renewal::next(&schedule, now, expected, config.limits.tolerance);
        let plan = plan(&conditions, now, &renewal);
        // A job in progress may still generate entries under the previous settings.
        let soon = conditions.iter().any(|condition| condition.outdated && condition.busy);
        let again = now + if soon { TimeDelta::minutes(1) } else { INTERVAL };
        self.surveyed = Some((now, plan.next_decision.map_or(again, |at| at.min(again))));
        let run = self.top_up(&plan.tables, &renewal).await?;
        if run.is_some() {
            let renewed = plan.tables.iter().filter(|(_, cause)| *cause == Cause::Settings);
            self.asked.extend(renewed.map(|&(table, _)| (table, config.settings.fingerprint(table))));
        }
        Ok(run)
    }

    async fn top_up(
        &self,
        tables: &[(Table, Cause)],
        renewal: &Renewal<'_>,
    ) -> Result<Option<i64>, QueueError> {
        // The survey takes a while, and the scheduler may have been stopped in the meantime.
        if tables.is_empty() || !self.is_running().await? {
            return Ok(None);
        }
        for (table, cause) in tables {
            tracing::info!(cache_table = table.as_str(), "{table} is topped up: {cause}");
        }
        let new = NewRun::new(Trigger::TopUp, tables.iter().map(|&(table, _)| table).collect());
        let new = NewRun { renew_before: Some(renewal.deadline()), ..new };
        Ok(Some(self.queue.enqueue(new).await?.run))
    }

    async fn conditions(
        &self,
        surveys: &[TableSurvey],
        config: &RefreshConfig,
        now: DateTime<Utc>,
    ) -> Result<Vec<Condition>, QueueError> {
        let newest = self.queue.last_jobs().await?.into_iter().filter(tried_all);
        let tried: HashMap<Table, DateTime<Utc>> =
            newest.map(|job| (job.table, job.queued.to_utc())).collect();
        let busy = self.queue.busy_tables().await?;
        let condition = |survey: &TableSurvey| {
            let (table, audit) = (survey.table, &survey.audit);
            let stale = audit.stale.saturating_sub(audit.tolerated);
            Some(Condition {
                table,
                unfit: wants(survey.state)? && audit.missing + audit.incomplete + audit.invalid + stale > 0,
                outdated: survey.audit.outdated > 0
                    && self.asked.get(&table) != Some(&config.settings.fingerprint(table)),
                renewal_times: survey.renewal_times,
                keys_changed: self.next_keys.get(&table).copied().filter(|at| *at <= now),
                // An attempt in the future was recorded by a clock that was ahead.
                tried: tried.get(&table).copied().filter(|at| *at <= now),
                busy: busy.contains(&table),
            })
        };
        Ok(surveys.iter().filter_map(condition).collect())
    }

    async fn is_running(&self) -> Result<bool, QueueError> {
        Ok(self.queue.state().scheduler_state().await? == SchedulerState::Running)
    }

    /// Whether a slot is due but not yet decided: its run may renew everything, so no top-up is needed before
    /// it.
    async fn is_due(&self, schedule: &Schedule, now: DateTime<Utc>) -> Result<bool, QueueError> {
        let created = self.queue.state().created().await?;
        let Some(due) = schedule.due(now).filter(|fire| fire.at > created) else { return Ok(false) };
        let slot = slot_text(due.slot);
        Ok(self.queue.newest_slot(self.name, &slot).await? != Some(slot))
    }

    fn wait(&self) -> Duration {
        let until = self.surveyed.and_then(|(_, again)| (again - self.clock.now()).to_std().ok());
        until.map_or(SLICE, |until| until.min(SLICE))
    }
}

/// Whether a job attempted everything that a top-up would renew. Jobs of a smaller scope skip young entries,
/// although these may expire before the next scheduled run; a skipped entry was not attempted.
fn tried_all(job: &Job) -> bool {
    Policy::of(job.trigger, false).scope >= RefreshScope::Expiring || job.figures.skipped == 0
}

/// Whether the state of a table means that an entry is unfit; none if a refresh would not change the state.
fn wants(state: TableState) -> Option<bool> {
    match state {
        TableState::Fresh => Some(false),
        TableState::Stale | TableState::Missing | TableState::Incomplete | TableState::Invalid => Some(true),
        TableState::Withheld
        | TableState::Off
        | TableState::NotApplicable
        | TableState::Guarded
        | TableState::Disabled => None,
    }
}

/// Estimates the duration of the next run of all tables from the most recent such runs.
pub async fn expected_run(queue: &Queue, now: DateTime<Utc>) -> Result<TimeDelta, QueueError> {
    let runs = queue.history(now - PAST, RUNS).await?;
    let whole = runs.iter().filter(|run| Policy::of(run.trigger, false).all_tables);
    Ok(expected(whole.map(|run| run.seconds)))
}

/// Pauses all automatic triggers. Returns false if they were already paused.
pub async fn pause(queue: &Queue) -> Result<bool, QueueError> {
    let changed = queue.state().set_scheduler_state(SchedulerState::Stopped).await?;
    if changed {
        queue.announce_scheduler(SchedulerState::Stopped);
    }
    Ok(changed)
}

/// Resumes automatic triggers, and queues a run for tables that became missing or stale during the pause.
/// Returns false if the triggers were not paused.
pub async fn resume(queue: &Queue) -> Result<bool, QueueError> {
    let changed = queue.state().resume_scheduler(queue.now()).await?;
    if changed {
        queue.announce_scheduler(SchedulerState::Running);
        // Do not leave these tables until the next night.
        queue.enqueue(NewRun::new(Trigger::Startup, tables(&[], &[]))).await?;
    }
    Ok(changed)
}

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planner").field("surveyed", &self.surveyed).finish_non_exhaustive()
    }
}
