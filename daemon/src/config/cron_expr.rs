//! Cron expressions.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use cron::TimeUnitSpec as _;

use super::process_environment::ProcessEnvironment;
use super::setting::Setting;

/// A cron expression with seconds first: second, minute, hour, day of month, month, weekday, and optionally
/// year. Weekdays are those of a crontab: 0 or 7 is Sunday, 1 is Monday, or names. It fires at most once a
/// minute, and perhaps never.
///
/// It matches civil time. The crate beneath could iterate over a zone, but loses the firings that fall into a
/// spring gap and doubles those of an autumn fold.
#[derive(Debug, Clone)]
pub struct CronExpr {
    text: String,
    /// The expression with the crate's weekdays, which count from Sunday = 1.
    schedule: cron::Schedule,
}

/// Why a text is not a usable cron expression.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// A line of a crontab, which has no field for seconds.
    #[error("has no field for seconds: put \"0 \" in front, as in \"0 {line}\"")]
    NoSeconds {
        /// The five fields.
        line: String,
    },
    /// The wrong number of fields, or no fields at all.
    #[error(
        "must be a cron expression of 6 or 7 fields (second minute hour day month weekday [year]), such as \
         \"0 0 2 * * *\""
    )]
    Shape,
    /// One of the fields cannot be read.
    #[error(
        "its {field}, \"{given}\", cannot be read: {allowed}, *, ranges as in 1-5, steps as in */2, lists of these"
    )]
    Field {
        /// The field's name.
        field: &'static str,
        /// The text of the field.
        given: String,
        /// The values that it allows.
        allowed: &'static str,
    },
    /// It fires more than once a minute, but slots are identified by the minute.
    #[error("fires more than once a minute; let the first field, the seconds, be one number such as 0")]
    TooOften,
    /// The fields are good one by one, but not together.
    #[error("cannot be used: {0}")]
    Whole(#[source] cron::error::Error),
}

/// Name and values of each field.
const FIELDS: [(&str, &str); 7] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31"),
    ("month", "1 to 12 or names as in Jan"),
    ("weekday", "0 to 7 (0 and 7 are Sunday, 1 is Monday) or names as in Mon"),
    ("year", "1970 to 2100"),
];

const WEEKDAY: usize = 5;

impl CronExpr {
    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first civil time after another one at which it fires; none when there is no further one.
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.schedule.after(&after.and_utc()).next().map(|at| at.naive_utc())
    }

    /// The last civil time before another one at which it fires; none when there is no earlier one.
    pub fn previous(&self, before: NaiveDateTime) -> Option<NaiveDateTime> {
        // The crate takes the month and the day of `before` for limits in an earlier year, too: where the
        // year of `before` is left out, it must be asked from the end of the last year that is not.
        let years = self.schedule.years();
        let year = u32::try_from(before.year()).ok()?;
        let before = if years.includes(year) {
            before
        } else {
            let after = i32::try_from(years.range(..year).next_back()?).ok()? + 1;
            NaiveDate::from_ymd_opt(after, 1, 1)?.and_time(NaiveTime::MIN)
        };
        self.schedule.after(&before.and_utc()).next_back().map(|at| at.naive_utc())
    }

    /// Whether no date has more than one firing.
    pub fn is_daily(&self) -> bool {
        self.schedule.hours().count() == 1 && self.schedule.minutes().count() == 1
    }

    /// Whether both the day of the month and the weekday are limited. A crontab fires on days that match
    /// either, this expression on days that match both.
    pub fn limits_both_days(&self) -> bool {
        !self.schedule.days_of_month().is_all() && !self.schedule.days_of_week().is_all()
    }
}

impl FromStr for CronExpr {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let translated = match fields.as_slice() {
            ["@annually"] => "@yearly".to_owned(),
            ["@midnight"] => "@daily".to_owned(),
            [shorthand] if shorthand.starts_with('@') => (*shorthand).to_owned(),
            fields @ [_, _, _, _, _] => return Err(CronError::NoSeconds { line: fields.join(" ") }),
            fields @ ([_, _, _, _, _, _] | [_, _, _, _, _, _, _]) => translated(fields)?,
            _ => return Err(CronError::Shape),
        };
        let schedule: cron::Schedule = translated.parse().map_err(|source| {
            if translated.starts_with('@') { CronError::Shape } else { CronError::Whole(source) }
        })?;
        if schedule.seconds().count() != 1 {
            return Err(CronError::TooOften);
        }
        Ok(Self { text: text.to_owned(), schedule })
    }
}

/// The fields in the crate's notation, each of which is valid by itself.
fn translated(fields: &[&str]) -> Result<String, CronError> {
    let mut translated = Vec::with_capacity(fields.len());
    for (place, (given, (field, allowed))) in fields.iter().zip(FIELDS).enumerate() {
        let own = if place == WEEKDAY { weekdays(given) } else { Some((*given).to_owned()) };
        let is_good = |own: &String| {
            let mut alone = ["0", "0", "0", "1", "1", "*", "*"];
            if let Some(field) = alone.get_mut(place) {
                *field = own;
            }
            alone.join(" ").parse::<cron::Schedule>().is_ok()
        };
        let invalid = || CronError::Field { field, given: (*given).to_owned(), allowed };
        translated.push(own.filter(is_good).ok_or_else(invalid)?);
    }
    Ok(translated.join(" "))
}

/// A crontab's weekdays in the crate's numbers.
fn weekdays(field: &str) -> Option<String> {
    let mut days = BTreeSet::new();
    for item in field.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(number(step, 1)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => {
                let first = weekday(first)?;
                match weekday(last)? {
                    // By name, Sunday ends a week as well as it begins one: Fri-Sun is 5-7.
                    0 if first > 0 && number(last, 0).is_none() => (first, 7),
                    last => (first, last),
                }
            }
            None if matches!(range, "*" | "?") => (0, 6),
            None => {
                let day = weekday(range)?;
                (day, if step.is_some() { day.max(6) } else { day })
            }
        };
        if first > last {
            return None;
        }
        days.extend((first..=last).step_by(step.unwrap_or(1)).map(|day| day % 7 + 1));
    }
    let days: Vec<String> = days.iter().map(usize::to_string).collect();
    Some(if days.len() == 7 { "*".to_owned() } else { days.join(",") })
}

/// A weekday of a crontab, from 0 to 7: a number, or a name in English, whole or of at least three letters.
fn weekday(text: &str) -> Option<usize> {
    const NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let name = text.to_ascii_lowercase();
    let named = || NAMES.iter().position(|whole| name.len() >= 3 && whole.starts_with(&name));
    number(text, 0).or_else(named)
}

/// A number from `least` to 7, in digits only.
fn number(text: &str, least: usize) -> Option<usize> {
    let is_plain = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && (least..=7).contains(number))
}

impl PartialEq for CronExpr {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for CronExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Setting for CronExpr {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        text.parse().map_err(|error: CronError| error.to_string())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.text.clone()))
    }
}
