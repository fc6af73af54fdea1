//! The loop that turns slots into runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{Chore, Table};
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{Fire, Schedule, slot_text};
use crate::clock::Clock;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::queue::{DueSlot, Punctuality, Queue, QueueError, SlotDecision, SlotWork};

/// Sleeps are no longer than this: the wall clock may be set, and a suspended machine's timers stand still.
const SLICE: Duration = Duration::from_mins(1);

/// Slots that passed undecided are recorded so far back; with a slot every hour this is six weeks.
const PASSED: usize = 1000;

/// The tables a run of the schedule refreshes, in working order; asked each time, since configuration may change.
pub type Tables = Box<dyn Fn() -> Vec<Table> + Send + Sync>;

/// Whether a slot that was missed while no daemon was there is made up for; asked each time.
pub type CatchUp = Box<dyn Fn() -> bool + Send + Sync>;

/// What a slot asks for.
enum Work {
    Refresh(Tables),
    Chore(Chore),
}

/// Decides each slot of one schedule when its instant has come.
pub struct Ticker {
    name: &'static str,
    queue: Queue,
    clock: Arc<dyn Clock>,
    schedules: watch::Receiver<Arc<Schedule>>,
    schedule: Arc<Schedule>,
    work: Work,
    catch_up: CatchUp,
    /// Slots before the state existed concern nobody.
    created: DateTime<Utc>,
    /// Since when this process has had this schedule: earlier slots found nobody who could run them.
    attended_since: DateTime<Utc>,
    /// Whether this schedule replaced another one while the process ran: its earlier slots were nobody's.
    replaced: bool,
}

impl Ticker {
    /// A ticker for the schedule that slots are recorded under as `name`. What `schedules` holds may be replaced at any
    /// time; a new schedule does not run slots that passed before it came.
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

    /// The same for a maintenance task, whose slots are recorded under its name.
    pub async fn for_chore(
        chore: Chore,
        queue: Queue,
        clock: Arc<dyn Clock>,
        schedules: watch::Receiver<Arc<Schedule>>,
        catch_up: CatchUp,
    ) -> Result<Self, QueueError> {
        Self::of(chore.as_str(), queue, clock, schedules, Work::Chore(chore), catch_up).await
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

    /// Works until it is dropped, which it may be at any time; `heartbeat` tells whether it still does.
    pub async fn run(mut self, heartbeat: Heartbeat) {
        loop {
            if let Err(error) = self.turn().await {
                let error = describe(&error);
                tracing::error!(
                    "Schedule {}: what is due cannot be decided, trying again: {error}",
                    self.name
                );
            }
            let (wait, never) = (self.wait(), self.schedule.is_never());
            tokio::select! {
                () = heartbeat.nap(wait), if !never => {}
                // Once nobody can change the schedule any more, only the clock counts.
                Ok(()) = self.schedules.changed() => {}
                else => return std::future::pending().await,
            }
        }
    }

    /// Decides what is due, and takes over another schedule.
    pub async fn turn(&mut self) -> Result<(), QueueError> {
        let decided = self.tick().await;
        self.adopt();
        if let Some(decided) = decided? {
            self.tell(decided);
        }
        Ok(())
    }

    /// The first tick, to be waited for before anything else may change what becomes of slots that have passed.
    pub async fn begin(&mut self) -> Result<(), QueueError> {
        if let Some(decided) = self.tick().await? {
            self.tell(decided);
        }
        Ok(())
    }

    fn tell(&self, (fire, decision): (Fire, SlotDecision)) {
        tracing::info!("Slot {} of schedule {}: {decision}", slot_text(fire.slot), self.name);
    }

    /// Decides the newest slot that is due, unless that has been done, and records those that passed before it.
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
                Work::Chore(chore) => SlotWork::Chore(*chore),
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

    /// Slots between the newest decided one and the one that is due.
    fn passed(&self, due: &Fire, newest: Option<&str>) -> Vec<(String, DateTime<Utc>)> {
        std::iter::successors(self.schedule.fire_before(due), |fire| self.schedule.fire_before(fire))
            .take_while(|fire| fire.at > self.created)
            .map(|fire| (slot_text(fire.slot), fire.at))
            .take_while(|(slot, _)| newest.is_none_or(|newest| slot.as_str() > newest))
            .take(PASSED)
            .collect()
    }

    /// A clock that was ahead and is put right must not make us wait until it gets there again.
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
