//! Rules that determine which civil date-times are slots.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDateTime, NaiveTime, Timelike};
use cron::TimeUnitSpec;

use super::ScheduleError;

/// A matcher of civil time.
///
/// The cron crate is given civil time labelled as UTC: with a real zone it skips the night in which the clock
/// goes forward and fires twice in the night in which it goes back.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// None for a rule without slots.
    matcher: Option<cron::Schedule>,
    words: String,
}

impl Rule {
    pub(super) fn every(refresh_time: &str, interval: u32) -> Result<Self, ScheduleError> {
        let time = NaiveTime::parse_from_str(refresh_time, "%H:%M")
            .map_err(|source| ScheduleError::Time { given: refresh_time.to_owned(), source })?;
        if !matches!(interval, 1..=24) || 24 % interval != 0 {
            return Err(ScheduleError::Interval { given: interval });
        }
        let hours: Vec<_> =
            (0..24).filter(|hour| hour % interval == time.hour() % interval).map(|h| h.to_string()).collect();
        let matcher = parse(&format!("0 {} {} * * *", time.minute(), hours.join(",")))?;
        let words = match interval {
            24 => format!("daily at {}", time.format("%H:%M")),
            1 => format!("hourly at minute {}", time.minute()),
            _ => format!("every {interval} hours, counted from {}", time.format("%H:%M")),
        };
        Ok(Self { matcher: Some(matcher), words })
    }

    pub(super) fn cron(expression: &str) -> Result<Self, ScheduleError> {
        let matcher = parse(expression)?;
        if matcher.seconds().count() != 1 {
            return Err(ScheduleError::TooOften { given: expression.to_owned() });
        }
        Ok(Self { matcher: Some(matcher), words: format!("cron \"{expression}\"") })
    }

    pub(super) fn never() -> Self {
        Self { matcher: None, words: "never".to_owned() }
    }

    pub(super) fn is_daily(&self) -> bool {
        let once = |matcher: &cron::Schedule| matcher.hours().count() == 1 && matcher.minutes().count() == 1;
        self.matcher.as_ref().is_some_and(once)
    }

    pub(super) fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.matcher.as_ref()?.after(&after.and_utc()).next().map(|slot| slot.naive_utc())
    }

    pub(super) fn previous(&self, before: NaiveDateTime) -> Option<NaiveDateTime> {
        self.matcher.as_ref()?.after(&before.and_utc()).next_back().map(|slot| slot.naive_utc())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn parse(expression: &str) -> Result<cron::Schedule, ScheduleError> {
    cron::Schedule::from_str(expression)
        .map_err(|source| ScheduleError::Cron { given: expression.to_owned(), source: Box::new(source) })
}
