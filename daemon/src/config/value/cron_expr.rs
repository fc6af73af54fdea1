//! Cron expressions.

use std::fmt;

use chrono::DateTime;
use cron::TimeUnitSpec as _;

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

/// A cron expression with seconds first: second, minute, hour, day of month, month, day of week, and
/// optionally year. It fires at least once, and at most once a minute.
///
/// The inner schedule ignores time zones: iterating it over a zone loses the firings that fall into a spring
/// gap and doubles those of an autumn fold. Match civil time with it.
#[derive(Debug, Clone)]
pub struct CronExpr {
    text: String,
    schedule: cron::Schedule,
}

impl CronExpr {
    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed form, for matching civil time.
    pub fn schedule(&self) -> &cron::Schedule {
        &self.schedule
    }
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
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
        if !text.starts_with('@') && text.split_whitespace().count() == 5 {
            return Err(format!(
                "has no field for seconds: put \"0 \" in front, as in \"0 {}\"",
                text.trim()
            ));
        }
        let schedule: cron::Schedule = text.parse().map_err(|_| {
            "must be a cron expression of 6 or 7 fields (second minute hour day month weekday [year]), \
             such as \"0 0 2 * * *\""
                .to_owned()
        })?;
        if schedule.seconds().count() != 1 {
            return Err(
                "fires more than once a minute; let the first field, the seconds, be one number such as 0"
                    .to_owned(),
            );
        }
        if schedule.after(&DateTime::UNIX_EPOCH).next().is_none() {
            return Err("must fire at least once; no date ever matches this".to_owned());
        }
        Ok(Self { text: text.to_owned(), schedule })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.text.clone()))
    }
}
