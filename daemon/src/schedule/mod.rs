//! Scheduling: pure decisions about which table is refreshed when, and the two loops that act on them.
//!
//! A schedule is a sequence of *slots*, civil date-times such as 2026-03-08 02:00. A slot fires at the first
//! instant at which its zone's wall clock shows it or has passed it: after the gap in spring, at the first of
//! two occurrences in autumn. The slot, not the instant, identifies the night a run belongs to, so clock
//! changes neither skip a night nor repeat one. The [`Ticker`] decides each slot once.
//!
//! Between the fires the [`Planner`] tops up what cannot wait for the next one: entries that are missing or
//! unfit, that the passing of time alone has made outdated, or that would pass their age limit before the
//! next run has ended. A [`Stage`] rehearses both with the same decisions.

mod planner;
mod rehearse;
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

use cached_proto::verb::next;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

pub use planner::{Planner, expected_run, pause, resume};
pub use rehearse::{Rehearsal, Rehearsed, Stage};
pub use ticker::{CatchUp, Tables, Ticker};
pub use top_up::{Cause, Condition, DailyTime, Plan, Renewal, expected, plan};

use crate::civil::{ClockChange, first_instant};
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

    /// The configured schedule.
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

    /// The first slot after a civil date-time; `None` if there is no later one.
    pub fn next_slot(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.rule.next(after)
    }

    /// Returns the instant at which a slot fires.
    pub fn resolve(&self, slot: NaiveDateTime) -> Fire {
        let (at, note) = first_instant(slot, self.zone);
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        Fire { slot, at, offset, note }
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

/// One fire of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// The civil date-time of the fire.
    pub slot: NaiveDateTime,
    /// The instant of the fire.
    pub at: DateTime<Utc>,
    /// The zone's UTC offset at that instant.
    pub offset: FixedOffset,
    /// The clock change that the slot falls into; none on ordinary nights.
    pub note: Option<ClockChange>,
}

impl Fire {
    /// The effect of a clock change on this fire, as text; none on ordinary nights.
    pub fn note_text(&self) -> Option<String> {
        let text = match self.note? {
            ClockChange::Gap => "the clock goes forward over this time: fires at the first instant after",
            ClockChange::Fold => "the clock goes back and shows this time twice: fires the first time",
        };
        Some(text.to_owned())
    }
}

impl From<&Fire> for next::Fire {
    fn from(fire: &Fire) -> Self {
        Self {
            slot: slot_text(fire.slot),
            at: fire.at.into(),
            offset: fire.offset.to_string(),
            note: fire.note_text(),
        }
    }
}

/// Formats a slot for storage and display; slots of a schedule are at least a minute apart.
pub fn slot_text(slot: NaiveDateTime) -> String {
    slot.format("%Y-%m-%d %H:%M").to_string()
}

/// Why a configured schedule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The text is not a time of day.
    #[error("\"{given}\" is not a time of day; write HH:MM, for example 02:00")]
    Time {
        /// The configured value.
        given: String,
        /// The parser's error.
        #[source]
        source: chrono::ParseError,
    },
    /// The interval does not divide 24 hours, so slots would differ from day to day.
    #[error("an interval of {given} hours does not divide 24; use 1, 2, 3, 4, 6, 8, 12 or 24")]
    Interval {
        /// The configured value.
        given: u32,
    },
}

/// A matcher of civil time.
#[derive(Debug, Clone)]
enum Rule {
    /// No slots.
    Never,
    /// The same times on every date.
    Daily {
        /// At least one, in ascending order.
        times: Vec<NaiveTime>,
        words: String,
    },
    /// The civil times at which an expression fires.
    Cron(Box<CronExpr>),
}

impl Rule {
    fn every(refresh_time: &str, interval: u32) -> Result<Self, ScheduleError> {
        let time = NaiveTime::parse_from_str(refresh_time, "%H:%M")
            .map_err(|source| ScheduleError::Time { given: refresh_time.to_owned(), source })?;
        if !matches!(interval, 1..=24) || 24 % interval != 0 {
            return Err(ScheduleError::Interval { given: interval });
        }
        // Times of day wrap around at midnight.
        let later = |hours| time.overflowing_add_signed(TimeDelta::hours(hours)).0;
        let mut times: Vec<_> = (0..24).step_by(interval as usize).map(later).collect();
        times.sort_unstable();
        let words = match interval {
            24 => format!("daily at {}", time.format("%H:%M")),
            1 => format!("hourly at minute {}", time.format("%-M")),
            _ => format!("every {interval} hours, counted from {}", time.format("%H:%M")),
        };
        Ok(Self::Daily { times, words })
    }

    fn is_daily(&self) -> bool {
        match self {
            Self::Never => false,
            Self::Daily { times, .. } => times.len() == 1,
            Self::Cron(expression) => expression.is_daily(),
        }
    }

    fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Never => None,
            Self::Daily { times, .. } => {
                let on = |date: NaiveDate| times.iter().map(move |time| date.and_time(*time));
                let today = on(after.date()).find(|slot| *slot > after);
                today.or_else(|| on(after.date().succ_opt()?).next())
            }
            Self::Cron(expression) => expression.next(after),
        }
    }

    fn previous(&self, before: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Never => None,
            Self::Daily { times, .. } => {
                let on = |date: NaiveDate| times.iter().rev().map(move |time| date.and_time(*time));
                let today = on(before.date()).find(|slot| *slot < before);
                today.or_else(|| on(before.date().pred_opt()?).next())
            }
            Self::Cron(expression) => expression.previous(before),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Daily { words, .. } => f.write_str(words),
            Self::Cron(expression) => write!(f, "cron \"{expression}\""),
        }
    }
}
