//! The loop that tops up what cannot wait for the next scheduled run.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::jobs::{Job, JobFilter};
use cached_proto::words::{SchedulerState, Table, TableState, Trigger};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::top_up::{Cause, Condition, plan};
use super::{Renewal, Schedule, expected, slot_text};
use crate::clock::Clock;
use crate::describe::describe;
use crate::queue::{NewRun, Queue, QueueError};
use crate::refresh::survey::{TableSurvey, survey};
use crate::refresh::{RefreshConfig, RefreshError};
use crate::snapshot::ReadDepth;

/// Sleeps are no longer than this: the wall clock may be set, and a suspended machine's timers stand still.
const SLICE: Duration = Duration::from_mins(1);

/// The first look after a start, when what the schedule missed has been decided.
const FIRST: Duration = Duration::from_secs(5);

/// However quiet it is, the tables are looked at as often as this: others write them, too.
const LOOK: TimeDelta = TimeDelta::minutes(15);

/// How far back runs tell how long one takes, and how many of them are asked.
const PAST: TimeDelta = TimeDelta::days(14);
const RUNS: u64 = 100;

/// More jobs than ever wait or run at a time.
const JOBS: u64 = 10_000;

/// Looks after the cache tables between the fires of a schedule.
pub struct Planner {
    name: &'static str,
    queue: Queue,
    clock: Arc<dyn Clock>,
    schedules: watch::Receiver<Arc<Schedule>>,
    config: watch::Receiver<Arc<RefreshConfig>>,
    /// When the tables were looked at last, and when they are to be looked at again.
    looked: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When the clock changes the keys of tables next, as of the last look.
    next_keys: HashMap<Table, DateTime<Utc>>,
    /// The fingerprint of the settings under which a table with entries of other settings was topped up last.
    asked: HashMap<Table, String>,
}

impl Planner {
    /// A planner for tables that `config` describes and that `schedules`, whose slots are recorded under `name`,
    /// renews; both may be replaced at any time.
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
            looked: None,
            next_keys: HashMap::new(),
            asked: HashMap::new(),
        }
    }

    /// Works until it is dropped, which it may be at any time.
    pub async fn run(mut self) {
        // Sleeps first: at a start, what the schedule missed comes before anything else.
        let mut wait = FIRST;
        loop {
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                // Once nobody can change them any more, only the clock counts.
                Ok(()) = self.schedules.changed() => self.look_anew(),
                Ok(()) = self.config.changed() => self.look_anew(),
            }
            if let Err(error) = self.turn().await {
                tracing::error!("What has to be topped up is not known; trying again: {}", describe(&error));
            }
            wait = self.wait();
        }
    }

    /// Forgets when the tables are to be looked at: something else is wanted of them.
    pub fn look_anew(&mut self) {
        self.looked = None;
    }

    /// Looks at the tables if it is time to, and asks for a run of those that cannot wait. Returns its number.
    pub async fn turn(&mut self) -> Result<Option<i64>, RefreshError> {
        let now = self.clock.now();
        // A clock that was set back makes the look one of the future.
        if self.looked.is_some_and(|(looked, again)| looked <= now && now < again) {
            return Ok(None);
        }
        let schedule = Arc::clone(&self.schedules.borrow_and_update());
        if !self.is_running().await? || self.is_due(&schedule, now).await? {
            self.looked = None;
            return Ok(None);
        }
        // A look that fails is repeated, but not at every turn.
        self.looked = Some((now, now + LOOK));
        let config = Arc::clone(&self.config.borrow_and_update());
        // Closely: this is the look that finds what others leave to be found.
        let surveys = survey(&config, self.queue.state(), ReadDepth::Shape, now).await?;
        let conditions = self.conditions(&surveys, &config, now).await?;
        self.next_keys = surveys
            .iter()
            .filter_map(|survey| Some((survey.table, survey.renewal_times.next_keys?)))
            .collect();
        let renewal = Renewal::next(&schedule, now, expected_run(&self.queue, now).await?);
        let plan = plan(&conditions, now, &renewal);
        // What is being worked on may still be made under the settings of before.
        let soon = conditions.iter().any(|condition| condition.outdated && condition.busy);
        let again = now + if soon { TimeDelta::minutes(1) } else { LOOK };
        self.looked = Some((now, plan.look_at.map_or(again, |at| at.min(again))));
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
        // Looking takes a while, and somebody may have stopped the scheduler meanwhile.
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
        let busy: HashSet<Table> =
            self.queue.jobs(JobFilter::Running, JOBS).await?.into_iter().map(|job| job.table).collect();
        let condition = |survey: &TableSurvey| {
            let table = survey.table;
            Some(Condition {
                table,
                unfit: wants(survey.state)?,
                outdated: survey.audit.outdated > 0
                    && self.asked.get(&table) != Some(&config.settings.fingerprint(table)),
                renewal_times: survey.renewal_times,
                turned: self.next_keys.get(&table).copied().filter(|at| *at <= now),
                // A try of the future is one by a clock that was ahead.
                tried: tried.get(&table).copied().filter(|at| *at <= now),
                busy: busy.contains(&table),
            })
        };
        Ok(surveys.iter().filter_map(condition).collect())
    }

    async fn is_running(&self) -> Result<bool, QueueError> {
        Ok(self.queue.state().scheduler_state().await? == SchedulerState::Running)
    }

    /// Whether a slot waits to be decided: its run may renew everything, so that nothing needs a top-up before it.
    async fn is_due(&self, schedule: &Schedule, now: DateTime<Utc>) -> Result<bool, QueueError> {
        let created = self.queue.state().created().await?;
        let Some(due) = schedule.due(now).filter(|fire| fire.at > created) else { return Ok(false) };
        let slot = slot_text(due.slot);
        Ok(self.queue.newest_slot(self.name, &slot).await? != Some(slot))
    }

    fn wait(&self) -> Duration {
        let until = self.looked.and_then(|(_, again)| (again - self.clock.now()).to_std().ok());
        until.map_or(SLICE, |until| until.min(SLICE))
    }
}

/// Whether a job tried to renew all that a top-up would: one for people or a start leaves young entries alone, though
/// they may not last until the next scheduled run. What it left alone it did not try.
fn tried_all(job: &Job) -> bool {
    !matches!(job.trigger, Trigger::Manual | Trigger::Startup) || job.skipped == 0
}

/// Whether the state of a table means that an entry is unfit; none when a refresh would not change it.
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

/// How long the next run of all tables is expected to take, going by the latest of them.
pub async fn expected_run(queue: &Queue, now: DateTime<Utc>) -> Result<TimeDelta, QueueError> {
    let runs = queue.history(now - PAST, RUNS).await?;
    let whole = |trigger| matches!(trigger, Trigger::Schedule | Trigger::CatchUp | Trigger::Startup);
    Ok(expected(runs.iter().filter(|run| whole(run.trigger)).map(|run| run.seconds)))
}

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planner").field("looked", &self.looked).finish_non_exhaustive()
    }
}
