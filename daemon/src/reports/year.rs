//! School years: `2526` runs from 1 August 2025 to 31 July 2026.
//!
//! VMS compares stored text with two bounds, both inclusive, and its upper bound is midnight at the beginning
//! of 31 July: an event later on that day belongs to no school year.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::boundaries::next_date;
use crate::vms::time::{self, Stored};

/// First year that VMS's pages accept.
const FIRST: i32 = 2018;

/// A school year, identified by the calendar year in which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchoolYear(i32);

impl SchoolYear {
    /// Returns the year that begins in August of `start`; `None` outside 2000 to 2098, which the key cannot
    /// express.
    pub fn starting(start: i32) -> Option<Self> {
        (2000..2099).contains(&start).then_some(Self(start))
    }

    /// Returns the school year at `now`, by the local date in `zone`: it changes on 1 August.
    pub fn current(now: DateTime<Utc>, zone: Tz) -> Self {
        let today = time::local(now, zone).date();
        Self(if today.month() < 8 { today.year() - 1 } else { today.year() })
    }

    /// Returns when [`current`](Self::current) next changes after an instant.
    pub fn turns(after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        next_date(after, zone, 8, 1)
    }

    /// Parses a key; `None` unless it is well-formed and names a year from 2018 on.
    pub fn from_key(key: &str) -> Option<Self> {
        let (first, second) = key.split_at_checked(2)?;
        let digits = key.len() == 4 && key.bytes().all(|byte| byte.is_ascii_digit());
        let (first, second): (i32, i32) = (first.parse().ok()?, second.parse().ok()?);
        (digits && first + 1 == second && 2000 + first >= FIRST).then_some(Self(2000 + first))
    }

    /// Returns the key, `2526`.
    pub fn key(self) -> String {
        format!("{:02}{:02}", self.0 % 100, (self.0 + 1) % 100)
    }

    /// Returns the calendar year in which it begins.
    pub const fn start(self) -> i32 {
        self.0
    }

    /// Returns the previous year.
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// Returns the next year.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the bounds as VMS binds them in queries.
    pub fn window(self) -> Window {
        Window::new(at_midnight(self.0, 8, 1), at_midnight(self.0 + 1, 7, 31))
    }

    /// Returns the years that a table of `existing` keys has at `now`: previous and current, with `with_next`
    /// the next one too, and every well-formed year up to the next that already has rows; oldest first.
    pub fn kept<'k>(
        now: DateTime<Utc>,
        zone: Tz,
        with_next: bool,
        existing: impl IntoIterator<Item = &'k str>,
    ) -> Vec<Self> {
        let current = Self::current(now, zone);
        let mut years = vec![current.previous(), current];
        if with_next {
            years.push(current.next());
        }
        years.extend(existing.into_iter().filter_map(Self::from_key).filter(|&year| year <= current.next()));
        years.sort_unstable();
        years.dedup();
        years
    }
}

pub(super) fn at_midnight(year: i32, month: u32, day: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default().and_time(chrono::NaiveTime::MIN)
}

/// Two inclusive bounds in the form in which VMS stores instants, compared as SQLite does: as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    from: String,
    to: String,
}

impl Window {
    /// Creates the window from `from` to `to`.
    pub fn new(from: NaiveDateTime, to: NaiveDateTime) -> Self {
        Self { from: time::to_text(from), to: time::to_text(to) }
    }

    /// Returns the lower bound.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Returns the upper bound.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Returns whether a stored text lies within the bounds.
    pub fn contains_text(&self, text: &str) -> bool {
        self.from.as_str() <= text && text <= self.to.as_str()
    }

    /// Returns whether an instant lies within the bounds; a missing one does not.
    pub fn contains(&self, at: Option<&Stored>) -> bool {
        at.is_some_and(|at| self.contains_text(&at.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_year_changes_on_the_first_of_august_where_vms_runs() {
        let chicago = chrono_tz::America::Chicago;
        for (now, zone, expected) in [
            ("2026-03-15T02:00:00Z", Tz::UTC, "2526"),
            ("2026-07-31T23:59:59Z", Tz::UTC, "2526"),
            ("2026-08-01T00:00:00Z", Tz::UTC, "2627"),
            ("2026-08-01T00:00:00Z", chicago, "2526"),
            ("2026-08-01T05:00:00Z", chicago, "2627"),
            ("2026-01-01T00:00:00Z", Tz::UTC, "2526"),
        ] {
            assert_eq!(SchoolYear::current(utc(now), zone).key(), expected, "{now} {zone}");
        }
    }

    #[test]
    fn the_evening_of_31_july_belongs_to_no_year() {
        let year = SchoolYear::from_key("2526").unwrap();
        for (text, inside) in [
            ("2025-07-31 23:59:59.999999", false),
            ("2025-08-01 00:00:00.000000", true),
            ("2026-07-31 00:00:00.000000", true),
            ("2026-07-31 00:00:00.000001", false),
            ("2025-08-01 00:00:00", false),
        ] {
            assert_eq!(year.window().contains_text(text), inside, "{text}");
        }
    }

    #[test]
    fn only_well_formed_keys_are_years() {
        for key in ["2526", "1819", "2021"] {
            assert_eq!(SchoolYear::from_key(key).map(SchoolYear::key).as_deref(), Some(key));
        }
        for key in ["", "25", "2527", "1718", "25x6", "+2+3", "20252026", "äöü"] {
            assert_eq!(SchoolYear::from_key(key), None, "{key}");
        }
    }

    #[test]
    fn years_with_rows_are_kept_but_not_those_beyond_the_next() {
        let years =
            SchoolYear::kept(utc("2026-03-15T02:00:00Z"), Tz::UTC, true, ["1920", "2829", "2526", "junk"]);
        assert_eq!(
            years.into_iter().map(SchoolYear::key).collect::<Vec<_>>(),
            ["1920", "2425", "2526", "2627"]
        );
    }
}
