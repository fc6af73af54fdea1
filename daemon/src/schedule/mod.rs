//! Scheduling: pure decisions on which table is refreshed when, and the two loops that act on them.
//!
//! A schedule is a sequence of *slots*, civil date-times such as 2026-03-08 02:00. A slot fires at the first
//! instant at which its zone's wall clock shows it or has passed it: after the gap in spring, at the first of
//! two occurrences in autumn. The slot, not the instant, identifies the night a run belongs to, so clock
//! changes neither skip a night nor repeat one. The [`Ticker`] decides each slot once.
//!
//! Between the fires the [`Planner`] tops up what cannot wait for the next one: entries that are missing or
//! unfit, that the passing of time alone has made outdated, or that would pass their age limit before the
//! next run has ended. A [`Stage`] rehearses both with the same decisions.

mod fire;
mod planner;
mod rehearse;
mod renewal;
mod rule;
#[cfg(test)]
mod tests;
mod ticker;
#[cfg(test)]
mod ticker_tests;
mod top_up;
#[cfg(test)]
mod zones_tests;

use std::fmt;
use std::iter;

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

pub use fire::{Fire, slot_text};
pub use planner::{Planner, expected_run, pause, resume};
pub use rehearse::{Rehearsal, Rehearsed, Stage};
pub use renewal::{DailyTime, Renewal, expected};
pub use rule::ScheduleError;
pub use ticker::{CatchUp, Tables, Ticker};
pub use top_up::{Cause, Condition, Plan, plan};

use rule::Rule;

use crate::civil::ClockChange;
use crate::config::{self, CronExpr};

/// Schedule name under which slots of the nightly refresh are recorded.
pub const NIGHTLY: &str = "refresh";

/// A sequence of slots in one time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    rule: Rule,
    zone: Tz,
}

impl Schedule {
    /// Creates a schedule of every `interval_hours` hours, counted from `refresh_time` (`HH:MM`). The
    /// interval divides 24, so that every day has the same slots.
    pub fn every(refresh_time: &str, interval_hours: u32, zone: Tz) -> Result<Self, ScheduleError> {
        Ok(Self { rule: Rule::every(refresh_time, interval_hours)?, zone })
    }

    /// The schedule that the configuration asks for.
    pub fn configured(config: &config::Schedule) -> Result<Self, ScheduleError> {
        if let Some(cron) = &config.cron {
            return Ok(Self::cron(cron, config.timezone));
        }
        let time = config.refresh_time.format("%H:%M").to_string();
        Self::every(&time, config.refresh_interval_hours, config.timezone)
    }

    /// Creates a schedule from a cron expression, which is read as civil time.
    pub fn cron(expression: &CronExpr, zone: Tz) -> Self {
        Self { rule: Rule::Cron(Box::new(expression.clone())), zone }
    }

    /// A schedule that never fires.
    pub const fn never(zone: Tz) -> Self {
        Self { rule: Rule::Never, zone }
    }

    /// The time zone of the slots.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Whether no civil date has more than one slot.
    pub fn is_daily(&self) -> bool {
        self.rule.is_daily()
    }

    /// The first slot after a civil date-time; none when there is no further one.
    pub fn next_slot(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.rule.next(after)
    }

    /// Returns the instant at which a slot fires.
    pub fn resolve(&self, slot: NaiveDateTime) -> Fire {
        fire::resolve(slot, self.zone)
    }

    /// The newest slot that has fired by `now`.
    pub fn due(&self, now: DateTime<Utc>) -> Option<Fire> {
        // If the clock went back within the last day, it has shown later times than the current one.
        let offset = |at: DateTime<Utc>| self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let shown = [now, now - TimeDelta::hours(25)].map(|at| now.naive_utc() + offset(at));
        let latest = shown.into_iter().max()? + TimeDelta::seconds(1);
        let slots = iter::successors(self.rule.previous(latest), |slot| self.rule.previous(*slot));
        slots.map(|slot| self.resolve(slot)).find(|fire| fire.at <= now)
    }

    /// The next `count` fires after an instant, soonest first, and none at or before it. Slots that share an
    /// instant make one fire, which carries the latest of these slots.
    pub fn fires_after(&self, now: DateTime<Utc>, count: usize) -> Vec<Fire> {
        // No slot is due before the first one; two days exceed the UTC offset of every zone.
        let begin = self.due(now).map_or(now.naive_utc() - TimeDelta::days(2), |fire| fire.slot);
        let fires = iter::successors(self.fire_after(begin), |fire| self.fire_after(fire.slot));
        fires.skip_while(|fire| fire.at <= now).take(count).collect()
    }

    /// The newest fire before `fire`, at an earlier instant.
    pub fn fire_before(&self, fire: &Fire) -> Option<Fire> {
        let slots = iter::successors(self.rule.previous(fire.slot), |slot| self.rule.previous(*slot));
        slots.map(|slot| self.resolve(slot)).find(|earlier| earlier.at < fire.at)
    }

    fn fire_after(&self, slot: NaiveDateTime) -> Option<Fire> {
        let mut fire = self.resolve(self.rule.next(slot)?);
        // Only slots in a gap share their instant with a later one.
        while fire.note == Some(ClockChange::Gap) {
            match self.rule.next(fire.slot).map(|slot| self.resolve(slot)) {
                Some(next) if next.at == fire.at => fire = next,
                _ => break,
            }
        }
        Some(fire)
    }
}

/// Describes the schedule in words, for example `daily at 02:00`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)
    }
}
