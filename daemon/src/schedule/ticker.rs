//! The loop that queues a run for each slot.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{MaintenanceTask, Table};
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{Fire, Schedule, slot_text};
use crate::clock::Clock;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{DueSlot, Punctuality, Queue, QueueError, SlotDecision, SlotWork};

/// Longest sleep: the wall clock may be set, and timers stop while the machine is suspended.
const SLICE: Duration = Duration::from_mins(1);

/// Largest number of undecided past slots that are recorded; with hourly slots this covers six weeks.
const PASSED: usize = 1000;

/// Returns the tables that a scheduled run refreshes, in working order; called for each run, since the
/// configuration may change.
pub type Tables = Box<dyn Fn() -> Vec<Table> + Send + Sync>;

/// Returns whether to catch up on a slot that was missed while the daemon was not running; called each time.
pub type CatchUp = Box<dyn Fn() -> bool + Send + Sync>;

/// The work that a slot triggers.
enum Work {
    Refresh(Tables),
    Maintenance(MaintenanceTask),
}

/// Decides each slot of one schedule once its instant has been reached.
pub struct Ticker {
    name: &'static str,
    queue: Queue,
    clock: Arc<dyn Clock>,
    schedules: watch::Receiver<Arc<Schedule>>,
    schedule: Arc<Schedule>,
    work: Work,
    catch_up: CatchUp,
    /// When the state was created; earlier slots are ignored.
    created: DateTime<Utc>,
    /// Since when this process has had this schedule; before that, no daemon could run its slots.
    attended_since: DateTime<Utc>,
    /// Whether this schedule replaced another one while the process was running, so that its earlier slots
    /// were never scheduled.
    replaced: bool,
}

impl Ticker {
    /// Creates a ticker for the schedule whose slots are recorded under `name`. The value of `schedules` may
    /// be replaced at any time; a new schedule does not run slots that passed before it was set.
    pub async fn new(
        name: &'static str,
        queue: Queue,
        clock: Arc<dyn Clock>,
        schedules: watch::Receiver<Arc<Schedule>>,
        tables: Tables,
        catch_up: CatchUp,
    ) -> Result<Self, QueueError> {
        Self::of(name, queue, clock, schedules, Work::Refresh(tables), catch_up).await
    }

    /// Creates a ticker for a maintenance task, whose slots are recorded under the task's name.
    pub async fn for_task(
        task: MaintenanceTask,
        queue: Queue,
        clock: Arc<dyn Clock>,
        schedules: watch::Receiver<Arc<Schedule>>,
        catch_up: CatchUp,
    ) -> Result<Self, QueueError> {
        Self::of(task.as_str(), queue, clock, schedules, Work::Maintenance(task), catch_up).await
    }

    async fn of(
        name: &'static str,
        queue: Queue,
        clock: Arc<dyn Clock>,
        mut schedules: watch::Receiver<Arc<Schedule>>,
        work: Work,
        catch_up: CatchUp,
    ) -> Result<Self, QueueError> {
        let created = queue.state().created().await?;
        let attended_since = clock.now();
        let schedule = schedules.borrow_and_update().clone();
        Ok(Self {
            name,
            queue,
            clock,
            schedules,
            schedule,
            work,
            catch_up,
            created,
            attended_since,
            replaced: false,
        })
    }

    /// Runs until dropped; cancel-safe. Beats `heartbeat` in every iteration.
    pub async fn run(mut self, heartbeat: Heartbeat) {
        loop {
            if let Err(error) = self.step().await {
                let error = describe(&error);
                tracing::error!(
                    "Schedule {}: the slot that is due could not be decided, trying again: {error}",
                    self.name
                );
            }
            let wait = self.wait();
            tokio::select! {
                () = heartbeat.nap(wait) => {}
                // Once the sender is dropped, the schedule cannot change any more and only the timer matters.
                Ok(()) = self.schedules.changed() => {}
            }
        }
    }

    /// Decides the slot that is due, then switches to a replaced schedule.
    pub async fn step(&mut self) -> Result<(), QueueError> {
        let decided = self.tick().await;
        self.adopt();
        if let Some(decided) = decided? {
            self.log(decided);
        }
        Ok(())
    }

    /// Runs the first tick. The caller awaits it before anything else can change how past slots are decided.
    pub async fn begin(&mut self) -> Result<(), QueueError> {
        if let Some(decided) = self.tick().await? {
            self.log(decided);
        }
        Ok(())
    }

    fn log(&self, (fire, decision): (Fire, SlotDecision)) {
        tracing::info!("Slot {} of schedule {}: {decision}", slot_text(fire.slot), self.name);
    }

    /// Decides the newest due slot, unless that was done before, and records earlier undecided slots.
    pub async fn tick(&mut self) -> Result<Option<(Fire, SlotDecision)>, QueueError> {
        let now = self.clock.now();
        self.follow_back(now).await?;
        let Some(due) = self.schedule.due(now).filter(|fire| fire.at > self.created) else { return Ok(None) };
        let slot = slot_text(due.slot);
        let newest = self.queue.newest_slot(self.name, &slot).await?;
        if newest.as_ref() == Some(&slot) {
            return Ok(None);
        }
        let passed = self.passed(&due, newest.as_deref());
        let due_slot = DueSlot {
            schedule: self.name,
            slot: &slot,
            at: due.at,
            passed: &passed,
            punctuality: self.punctuality(&due),
            daily: self.schedule.is_daily(),
            work: match &self.work {
                Work::Refresh(tables) => SlotWork::Refresh(tables()),
                Work::Maintenance(task) => SlotWork::Maintenance(*task),
            },
        };
        Ok(self.queue.decide(due_slot).await?.map(|decision| (due, decision)))
    }

    fn punctuality(&self, due: &Fire) -> Punctuality {
        if due.at >= self.attended_since {
            Punctuality::OnTime
        } else if !self.replaced && (self.catch_up)() {
            Punctuality::Late
        } else {
            Punctuality::Missed
        }
    }

    /// The slots between the newest decided one and the due one.
    fn passed(&self, due: &Fire, newest: Option<&str>) -> Vec<(String, DateTime<Utc>)> {
        std::iter::successors(self.schedule.fire_before(due), |fire| self.schedule.fire_before(fire))
            .take_while(|fire| fire.at > self.created)
            .map(|fire| (slot_text(fire.slot), fire.at))
            .take_while(|(slot, _)| newest.is_none_or(|newest| slot.as_str() > newest))
            .take(PASSED)
            .collect()
    }

    /// Adjusts to a clock that was ahead and has been set back; the ticker would otherwise wait until the
    /// wrong time is reached again.
    async fn follow_back(&mut self, now: DateTime<Utc>) -> Result<(), QueueError> {
        self.attended_since = self.attended_since.min(now);
        if now < self.created {
            self.queue.state().set_created(now).await?;
            self.created = now;
        }
        Ok(())
    }

    fn adopt(&mut self) {
        let newest = self.schedules.borrow_and_update().clone();
        if !Arc::ptr_eq(&newest, &self.schedule) {
            self.schedule = newest;
            self.attended_since = self.clock.now();
            self.replaced = true;
        }
    }

    fn wait(&self) -> Duration {
        let now = self.clock.now();
        let next = self.schedule.fires_after(now, 1).first().and_then(|fire| (fire.at - now).to_std().ok());
        next.map_or(SLICE, |until| until.min(SLICE))
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker")
            .field("name", &self.name)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}
