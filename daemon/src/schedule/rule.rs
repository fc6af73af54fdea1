//! Rules that determine which civil date-times are slots, and why a configured one cannot be used.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::config::CronExpr;

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
pub(super) enum Rule {
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
    pub(super) fn every(refresh_time: &str, interval: u32) -> Result<Self, ScheduleError> {
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

    pub(super) fn is_daily(&self) -> bool {
        match self {
            Self::Never => false,
            Self::Daily { times, .. } => times.len() == 1,
            Self::Cron(expression) => expression.is_daily(),
        }
    }

    pub(super) fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
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

    pub(super) fn previous(&self, before: NaiveDateTime) -> Option<NaiveDateTime> {
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
