//! Checks of the slots: each is decided once, and correctly.

use std::collections::BTreeMap;

use cached::schedule::{Schedule, slot_text};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Decisions by slot.
type Slots = BTreeMap<String, String>;

/// Externally observed state of the schedule.
#[derive(Debug)]
pub(crate) struct SlotWatch {
    last: Slots,
    schedule: Schedule,
    /// Instant from which every slot of the schedule has to be decided.
    since: DateTime<Utc>,
    /// Instant since which the scheduler is stopped.
    stopped: Option<DateTime<Utc>>,
    /// Earlier periods in which it was stopped.
    pauses: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// The newest slot that was decided before the clock was set back: an older one that recurs while the
    /// machine is suspended is superseded by a later refresh.
    overtaken: Option<String>,
}

impl SlotWatch {
    pub(crate) fn new(schedule: Schedule, now: DateTime<Utc>) -> Self {
        Self { last: Slots::new(), schedule, since: now, stopped: None, pauses: Vec::new(), overtaken: None }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    pub(crate) fn stop(&mut self, now: DateTime<Utc>) {
        self.stopped.get_or_insert(now);
    }

    pub(crate) fn start(&mut self, now: DateTime<Utc>) {
        self.pauses.extend(self.stopped.take().map(|since| (since, now)));
    }

    /// Records that the clock was set back: instants recorded before are no longer valid.
    pub(crate) fn set_back(&mut self, now: DateTime<Utc>) {
        self.since = self.since.min(now);
        self.overtaken = self.overtaken.take().max(self.last.keys().next_back().cloned());
        self.pauses.clear();
        self.stopped = self.stopped.map(|since| since.min(now));
    }

    pub(crate) fn reload(&mut self, schedule: Schedule, now: DateTime<Utc>) {
        (self.schedule, self.since) = (schedule, now);
    }

    /// Records that the history was pruned: slots that are older than any history may be forgotten.
    pub(crate) fn pruned(&mut self, now: DateTime<Utc>) {
        let kept = slot_text((now - TimeDelta::days(400)).naive_utc());
        self.last.retain(|slot, _| *slot >= kept);
    }

    /// Returns the next instant at which the daemon wakes up for a slot.
    pub(crate) fn next_fire(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.fires_after(now, 1).first().map(|fire| fire.at)
    }

    /// Returns the instant of the newest slot.
    pub(crate) fn last_fire(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.due(now).map(|fire| fire.at)
    }

    /// Checks the decisions since the last call.
    pub(crate) async fn check(&mut self, db: &DatabaseConnection) -> Result<(), String> {
        let slots = read(db).await;
        for (slot, decision) in &slots {
            let before = self.last.get(slot).map(String::as_str);
            if let Some(before @ ("run" | "caught_up")) = before
                && before != decision
            {
                return Err(format!("1: slot {slot} had its run and is {decision} now"));
            }
            if before != Some(decision) {
                self.judge(slot, decision)?;
            }
        }
        if let Some(slot) = self.last.keys().find(|slot| !slots.contains_key(*slot)) {
            return Err(format!("1: slot {slot} is forgotten"));
        }
        let mut dates: Vec<&str> =
            slots.iter().filter(|(_, is)| ran(is)).map(|(slot, _)| &slot[..10]).collect();
        dates.sort_unstable();
        if let Some((date, _)) = dates.iter().zip(dates.iter().skip(1)).find(|(one, next)| one == next) {
            return Err(format!("1: {date} had two scheduled runs: {slots:?}"));
        }
        self.last = slots;
        Ok(())
    }

    fn judge(&self, slot: &str, decision: &str) -> Result<(), String> {
        let civil = NaiveDateTime::parse_from_str(slot, "%Y-%m-%d %H:%M").unwrap();
        let at = self.schedule.resolve(civil).at;
        let now_paused = self.stopped.is_some_and(|since| since < at);
        let paused = now_paused || self.pauses.iter().any(|&(from, to)| from < at && at < to);
        if paused && ran(decision) {
            return Err(format!("7: slot {slot} passed while the scheduler was stopped and is {decision}"));
        }
        Ok(())
    }

    /// Checks the slot of this instant, at which the daemon was awake: it must have been decided, and not as
    /// missed.
    pub(crate) fn attended(&self, at: DateTime<Utc>) -> Result<(), String> {
        let Some(due) = self.schedule.due(at).filter(|fire| fire.at > self.since) else { return Ok(()) };
        let slot = slot_text(due.slot);
        match self.last.get(&slot).map(String::as_str) {
            None => Err(format!("1: slot {slot} came and was not decided")),
            Some("missed") if self.stopped.is_none() => {
                Err(format!("1: slot {slot} was skipped while the daemon was running"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that every slot of the schedule in effect has been decided.
    pub(crate) fn complete(&self, now: DateTime<Utc>) -> Result<(), String> {
        let fires = self.schedule.fires_after(self.since, 100).into_iter();
        for fire in fires.take_while(|fire| fire.at <= now) {
            let slot = slot_text(fire.slot);
            let is_overtaken = self.overtaken.as_ref().is_some_and(|newest| slot < *newest);
            if !is_overtaken && !self.last.contains_key(&slot) {
                return Err(format!("1: slot {slot} was never decided"));
            }
        }
        Ok(())
    }
}

fn ran(decision: &str) -> bool {
    matches!(decision, "run" | "caught_up")
}

async fn read(db: &DatabaseConnection) -> Slots {
    let sql = "SELECT slot, decision FROM slots";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}
