//! Virtual years: `2025-2026` runs from 1 August 2025 to the last second of 31 July 2026.
//!
//! They differ from school years in two ways. The upper bound is the end of 31 July (but a fraction of its
//! last second is outside), and VMS's pages switch to the next year on 31 July already, one day before that
//! year has any event.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::boundaries::next_date;
use super::year::{Window, at_midnight};
use crate::vms::time;

/// First year that VMS's pages accept.
const FIRST: i32 = 2018;

/// A virtual year, identified by the calendar year in which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualYear(i32);

impl VirtualYear {
    /// Returns the year that VMS's pages show at `now`, by the local date in `zone`.
    pub fn current(now: DateTime<Utc>, zone: Tz) -> Self {
        let today = time::local(now, zone).date();
        let turned = (today.month(), today.day()) >= (7, 31);
        Self(if turned { today.year() } else { today.year() - 1 })
    }

    /// Returns when [`current`](Self::current) next changes after an instant.
    pub fn turns(after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        next_date(after, zone, 7, 31)
    }

    /// Returns when [`offered`](Self::offered) next changes after an instant.
    pub fn offer_turns(after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        next_date(after, zone, 1, 1)
    }

    /// Parses a key; `None` unless it is well-formed and names a year from 2018 on.
    pub fn from_key(key: &str) -> Option<Self> {
        let (first, second) = key.split_once('-')?;
        let digits = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(first) || !digits(second) {
            return None;
        }
        let (first, second): (i32, i32) = (first.parse().ok()?, second.parse().ok()?);
        (first >= FIRST && first + 1 == second).then_some(Self(first))
    }

    /// Returns the previous year.
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// Returns the next year.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the first day; entries store it as `YYYY-MM-DD`.
    pub fn first_day(self) -> NaiveDate {
        at_midnight(self.0, 8, 1).date()
    }

    /// Returns the last day; entries store it as `YYYY-MM-DD`.
    pub fn last_day(self) -> NaiveDate {
        at_midnight(self.0 + 1, 7, 31).date()
    }

    /// Returns the bounds as VMS binds them in queries.
    pub fn window(self) -> Window {
        let last_second = at_midnight(self.0 + 1, 7, 31) + TimeDelta::seconds(24 * 60 * 60 - 1);
        Window::new(at_midnight(self.0, 8, 1), last_second)
    }

    /// Returns the years a table has at `now`: previous and current, and every year of `existing` up to the
    /// next; oldest first.
    pub fn kept(now: DateTime<Utc>, zone: Tz, existing: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let current = Self::current(now, zone);
        let mut years = vec![current.previous(), current];
        years.extend(existing.into_iter().filter(|&year| year <= current.next()));
        years.sort_unstable();
        years.dedup();
        years
    }

    /// Returns the years that VMS's page offers at `now`, newest first: down from the next calendar year,
    /// which changes at New Year and not with the virtual year.
    pub fn offered(now: DateTime<Utc>, zone: Tz) -> Vec<Self> {
        let newest = time::local(now, zone).date().year() + 1;
        (FIRST..=newest).rev().map(Self).collect()
    }
}

/// Formats the key, `2025-2026`.
impl fmt::Display for VirtualYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:04}", self.0, self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_year_turns_on_31_july_where_vms_runs() {
        let chicago = chrono_tz::America::Chicago;
        for (now, zone, expected) in [
            ("2026-03-15T02:00:00Z", Tz::UTC, "2025-2026"),
            ("2026-07-30T23:59:59Z", Tz::UTC, "2025-2026"),
            ("2026-07-31T00:00:00Z", Tz::UTC, "2026-2027"),
            ("2026-07-31T00:00:00Z", chicago, "2025-2026"),
            ("2026-08-01T00:00:00Z", Tz::UTC, "2026-2027"),
            ("2026-12-31T12:00:00Z", Tz::UTC, "2026-2027"),
            ("2027-01-01T12:00:00Z", Tz::UTC, "2026-2027"),
        ] {
            assert_eq!(VirtualYear::current(utc(now), zone).to_string(), expected, "{now} {zone}");
        }
    }

    #[test]
    fn the_window_ends_with_the_last_whole_second_of_31_july() {
        let window = VirtualYear::from_key("2025-2026").unwrap().window();
        for (text, inside) in [
            ("2025-07-31 23:59:59.999999", false),
            ("2025-08-01 00:00:00", false),
            ("2025-08-01 00:00:00.000000", true),
            ("2026-07-31 23:59:59.000000", true),
            ("2026-07-31 23:59:59.000001", false),
        ] {
            assert_eq!(window.contains_text(text), inside, "{text}");
        }
    }

    #[test]
    fn only_well_formed_keys_are_years() {
        for key in ["2018-2019", "2025-2026"] {
            assert_eq!(VirtualYear::from_key(key).map(|year| year.to_string()).as_deref(), Some(key));
        }
        for key in
            ["", "2526", "2025", "2025-2027", "2017-2018", "25-26", "+202-2026", "2025-2026-", "äöüß-2026"]
        {
            assert_eq!(VirtualYear::from_key(key), None, "{key}");
        }
    }

    #[test]
    fn years_with_rows_are_kept_but_not_those_beyond_the_next() {
        let existing = ["2019-2020", "2028-2029", "2025-2026", "2026-2027"].map(VirtualYear::from_key);
        let years = VirtualYear::kept(utc("2026-03-15T02:00:00Z"), Tz::UTC, existing.into_iter().flatten());
        let keys: Vec<String> = years.iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["2019-2020", "2024-2025", "2025-2026", "2026-2027"]);
    }

    #[test]
    fn the_page_offers_years_by_the_calendar() {
        let ends = |now| {
            let years = VirtualYear::offered(utc(now), Tz::UTC);
            [years.first(), years.last()].map(|year| year.unwrap().to_string())
        };
        assert_eq!(ends("2026-12-31T23:59:59Z"), ["2027-2028", "2018-2019"]);
        assert_eq!(ends("2027-01-01T00:00:00Z"), ["2028-2029", "2018-2019"]);
    }
}
