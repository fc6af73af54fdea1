//! Slots: the decision on each civil date-time of a schedule, made once.

use std::fmt;
use std::str::FromStr;

use cached_proto::words::{MaintenanceTask, SchedulerState, Table, Trigger, UnknownWord};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, Statement,
};

use super::model::{NewRun, QueueError};
use super::{Queue, enqueue};
use crate::state::{ErrorContext, StateError, insert_task, known, micros, resumed, scheduler_state, table};

table!(slot, "slots", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) schedule: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) slot: String,
    pub(crate) decision: String,
    pub(crate) run_id: Option<i64>,
    pub(crate) decided: i64,
});

/// Rows per statement, well below `SQLite`'s limit of bound values.
const BATCH: usize = 1000;

/// Decisions that queued the slot's work; they are never revised.
const RAN: [SlotDecision; 2] = [SlotDecision::Run, SlotDecision::CaughtUp];

/// The decision on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotDecision {
    /// Its run was queued in time.
    Run,
    /// It passed while the daemon was not running, and its run was queued late.
    CaughtUp,
    /// It passed while the daemon was not running, and was not caught up.
    Missed,
    /// It passed while the scheduler was stopped.
    Paused,
    /// A run of the same schedule has already taken place on that civil date: the time of day was changed.
    Superseded,
}

impl SlotDecision {
    /// The word stored in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::CaughtUp => "caught_up",
            Self::Missed => "missed",
            Self::Paused => "paused",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for SlotDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SlotDecision {
    type Err = UnknownWord;

    fn from_str(given: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Run, Self::CaughtUp, Self::Missed, Self::Paused, Self::Superseded];
        all.into_iter().find(|d| d.as_str() == given).ok_or_else(|| UnknownWord {
            what: "slot decision",
            given: given.to_owned(),
            known: all.map(Self::as_str).join(", "),
        })
    }
}

/// A slot that is due.
#[derive(Debug, Clone)]
pub struct DueSlot<'a> {
    /// Name of the schedule.
    pub schedule: &'a str,
    /// The slot, `YYYY-MM-DD HH:MM`.
    pub slot: &'a str,
    /// Instant of the slot.
    pub at: DateTime<Utc>,
    /// Older undecided slots with their instants; they do not run.
    pub passed: &'a [(String, DateTime<Utc>)],
    /// Whether the daemon was running at the slot's instant.
    pub punctuality: Punctuality,
    /// Whether the schedule has at most one slot a day, so that a second slot on a date means that the time
    /// of day was changed.
    pub daily: bool,
    /// Work to be queued for the slot.
    pub work: SlotWork,
}

/// Work that a slot queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotWork {
    /// A run of these tables, in the order they are worked on.
    Refresh(Vec<Table>),
    /// A maintenance task.
    Maintenance(MaintenanceTask),
}

/// Whether the daemon was running at a slot's instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Punctuality {
    /// It was running, or this is its first opportunity after the machine woke up.
    OnTime,
    /// It was not running, and the slot is to be caught up by a late run.
    Late,
    /// It was not running, and the slot is not caught up.
    Missed,
}

impl Queue {
    /// Decides a due slot and queues its work in the same transaction, so that no slot runs twice or is lost
    /// in between. Returns `None` when the slot was already decided.
    pub async fn decide(&self, due: DueSlot<'_>) -> Result<Option<SlotDecision>, QueueError> {
        let now = self.clock.now();
        let tx = self.state.begin().await?;
        if find(&tx, due.schedule, due.slot).await?.is_some_and(|row| is_final(&row, now)) {
            return Ok(None);
        }
        let pause = Pause::of(&tx, now).await?;
        let not_run = |at| if pause.covers(at) { SlotDecision::Paused } else { SlotDecision::Missed };
        pass(&tx, &due, not_run, now).await?;
        let (paused, not_run) = (pause.covers(due.at), not_run(due.at));
        let wanted = match due.punctuality {
            _ if paused => None,
            Punctuality::OnTime => Some((SlotDecision::Run, Trigger::Schedule)),
            Punctuality::Late => Some((SlotDecision::CaughtUp, Trigger::CatchUp)),
            Punctuality::Missed => None,
        };
        let (decision, trigger) = match wanted {
            None => (not_run, None),
            Some(_) if due.daily && ran_on(&tx, due.schedule, due.slot).await? => {
                (SlotDecision::Superseded, None)
            }
            Some((decision, trigger)) => (decision, Some(trigger)),
        };
        let run = match (trigger, due.work) {
            (None, _) => None,
            (Some(trigger), SlotWork::Refresh(tables)) => {
                let slot = Some(due.slot.to_owned());
                let new = NewRun { slot, ..NewRun::new(trigger, tables) };
                Some(enqueue::insert(&tx, new, now).await?)
            }
            (Some(_), SlotWork::Maintenance(task)) => {
                insert_task(&tx, task, due.slot, now).await?;
                None
            }
        };
        let row = row(due.schedule, due.slot, decision, run, now);
        let replace = OnConflict::columns([slot::Column::Schedule, slot::Column::Slot])
            .update_columns([slot::Column::Decision, slot::Column::RunId, slot::Column::Decided])
            .to_owned();
        slot::Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(&tx)
            .await
            .context("decide a slot")?;
        tx.commit().await.context("decide a slot")?;
        if trigger.is_some() {
            self.announce_work();
        }
        Ok(Some(decision))
    }

    /// The decision on a slot; `None` while it is undecided, or if another version has decided it in a word
    /// that is unknown here. Such a decision is final.
    pub async fn slot(&self, schedule: &str, slot: &str) -> Result<Option<SlotDecision>, QueueError> {
        let row = slot::Entity::find_by_id((schedule.to_owned(), slot.to_owned()));
        let row = row.one(self.state.reader()).await.context("read a slot")?;
        Ok(row.and_then(|row| known(row.decision)))
    }

    /// Whether the schedule has already run on the date of a slot, at whatever time of day.
    pub async fn ran_on_date_of(&self, schedule: &str, slot: &str) -> Result<bool, QueueError> {
        Ok(ran_on(self.state.reader(), schedule, slot).await?)
    }

    /// The newest decided slot of a schedule before `slot`, or that slot itself if its decision is final.
    pub async fn newest_slot(&self, schedule: &str, slot: &str) -> Result<Option<String>, QueueError> {
        let now = self.clock.now();
        let rows = slot::Entity::find()
            .filter(slot::Column::Schedule.eq(schedule))
            .filter(slot::Column::Slot.lte(slot))
            .order_by_desc(slot::Column::Slot);
        let two =
            sea_orm::QuerySelect::limit(rows, 2).all(self.state.reader()).await.context("read the slots")?;
        Ok(two.into_iter().find(|row| row.slot != slot || is_final(row, now)).map(|row| row.slot))
    }

    /// Removes slots decided before an instant. The newest slot of each schedule is kept, whatever its age:
    /// the missed slots are determined from it. A removed slot would run again if the clock were set back to
    /// it.
    pub async fn prune_slots(&self, before: DateTime<Utc>) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        let slots = Statement::from_sql_and_values(
            tx.get_database_backend(),
            "DELETE FROM slots WHERE decided < ? AND slot < \
             (SELECT max(newest.slot) FROM slots newest WHERE newest.schedule = slots.schedule)",
            [micros(before).into()],
        );
        tx.execute_raw(slots).await.context("prune the slots")?;
        tx.commit().await.context("prune the slots")?;
        Ok(())
    }
}

/// A pause of the scheduler, as needed to decide slots.
struct Pause {
    stopped: bool,
    /// When the scheduler was last started; undecided slots before that instant passed during the pause.
    resumed: Option<DateTime<Utc>>,
}

impl Pause {
    async fn of(tx: &DatabaseTransaction, now: DateTime<Utc>) -> Result<Self, StateError> {
        let stopped = scheduler_state(tx).await? == SchedulerState::Stopped;
        // A future instant was recorded by a clock that was ahead.
        let resumed = resumed(tx).await?.filter(|at| *at <= now);
        Ok(Self { stopped, resumed })
    }

    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.stopped || self.resumed.is_some_and(|resumed| at < resumed)
    }
}

/// Whether the decision on a slot is final. A slot that did not run and whose decision lies in the future was
/// decided by a clock that was ahead: its time is yet to come.
fn is_final(row: &slot::Model, now: DateTime<Utc>) -> bool {
    RAN.iter().any(|ran| row.decision == ran.as_str()) || row.decided <= micros(now)
}

async fn find(
    tx: &DatabaseTransaction,
    schedule: &str,
    slot: &str,
) -> Result<Option<slot::Model>, StateError> {
    slot::Entity::find_by_id((schedule.to_owned(), slot.to_owned())).one(tx).await.context("read a slot")
}

async fn pass(
    tx: &DatabaseTransaction,
    due: &DueSlot<'_>,
    decision: impl Fn(DateTime<Utc>) -> SlotDecision,
    now: DateTime<Utc>,
) -> Result<(), StateError> {
    for batch in due.passed.chunks(BATCH) {
        let rows = batch.iter().map(|(slot, at)| row(due.schedule, slot, decision(*at), None, now));
        let keep = OnConflict::columns([slot::Column::Schedule, slot::Column::Slot]).do_nothing().to_owned();
        slot::Entity::insert_many(rows)
            .on_conflict(keep)
            .exec_without_returning(tx)
            .await
            .context("record slots that passed")?;
    }
    Ok(())
}

async fn ran_on(db: &impl ConnectionTrait, schedule: &str, slot: &str) -> Result<bool, StateError> {
    let date = slot.split(' ').next().unwrap_or(slot);
    let ran = slot::Entity::find()
        .filter(slot::Column::Schedule.eq(schedule))
        .filter(slot::Column::Slot.starts_with(date))
        .filter(slot::Column::Decision.is_in(RAN.map(SlotDecision::as_str)))
        .count(db)
        .await
        .context("look for a run on the same date")?;
    Ok(ran > 0)
}

fn row(
    schedule: &str,
    slot: &str,
    decision: SlotDecision,
    run: Option<i64>,
    now: DateTime<Utc>,
) -> slot::ActiveModel {
    slot::ActiveModel {
        schedule: Set(schedule.to_owned()),
        slot: Set(slot.to_owned()),
        decision: Set(decision.as_str().to_owned()),
        run_id: Set(run),
        decided: Set(micros(now)),
    }
}
