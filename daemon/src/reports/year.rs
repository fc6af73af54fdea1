//! School years and virtual years, and the instants at which the passing of time changes what reports show.
//!
//! A school year, `2526`, runs from 1 August 2025 to 31 July 2026. VMS compares stored text with two bounds,
//! both inclusive, and its upper bound is midnight at the beginning of 31 July: an event later on that day
//! belongs to no school year.
//!
//! A virtual year, `2025-2026`, differs in two ways. Its upper bound is the last second of 31 July (but a
//! fraction of that second is outside), and VMS's pages switch to the next year on 31 July already, one day
//! before that year has any event.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::civil::first_instant;
use crate::vms::time::{self, Stored};

/// First year that VMS's pages accept.
const FIRST: i32 = 2018;

/// A year of one kind, identified by the calendar year in which it begins.
pub trait Year: Copy + Ord + 'static + Send + Sync {
    /// Month and day, by the local date where VMS runs, on which its pages switch to the next year.
    const SWITCH_DAY: (u32, u32);

    /// Returns the year that begins in this calendar year.
    fn starting(year: i32) -> Self;

    /// Returns the calendar year in which it begins.
    fn start(self) -> i32;

    /// Parses a key; `None` unless it is well-formed and names a year from 2018 on.
    fn from_key(key: &str) -> Option<Self>;

    /// Returns the key.
    fn key(self) -> String;

    /// Returns the bounds as VMS binds them in queries.
    fn window(self) -> Window;

    /// Returns the year that VMS's pages show at `now`, by the local date in `zone`.
    fn current(now: DateTime<Utc>, zone: Tz) -> Self {
        let today = time::local(now, zone).date();
        let has_switched = (today.month(), today.day()) >= Self::SWITCH_DAY;
        Self::starting(if has_switched { today.year() } else { today.year() - 1 })
    }

    /// Returns when [`current`](Self::current) next changes after an instant.
    fn next_switch(after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        next_date(after, zone, Self::SWITCH_DAY)
    }

    /// Returns the previous year.
    fn previous(self) -> Self {
        Self::starting(self.start() - 1)
    }

    /// Returns the next year.
    fn next(self) -> Self {
        Self::starting(self.start() + 1)
    }
}

/// A school year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchoolYear(i32);

impl Year for SchoolYear {
    const SWITCH_DAY: (u32, u32) = (8, 1);

    fn starting(year: i32) -> Self {
        Self(year)
    }

    fn start(self) -> i32 {
        self.0
    }

    fn from_key(key: &str) -> Option<Self> {
        let (first, second) = key.split_at_checked(2)?;
        let digits = key.len() == 4 && key.bytes().all(|byte| byte.is_ascii_digit());
        let (first, second): (i32, i32) = (first.parse().ok()?, second.parse().ok()?);
        (digits && first + 1 == second && 2000 + first >= FIRST).then_some(Self(2000 + first))
    }

    fn key(self) -> String {
        format!("{:02}{:02}", self.0 % 100, (self.0 + 1) % 100)
    }

    fn window(self) -> Window {
        Window::new(at_midnight(self.0, 8, 1), at_midnight(self.0 + 1, 7, 31))
    }
}

/// A virtual year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualYear(i32);

impl Year for VirtualYear {
    const SWITCH_DAY: (u32, u32) = (7, 31);

    fn starting(year: i32) -> Self {
        Self(year)
    }

    fn start(self) -> i32 {
        self.0
    }

    fn from_key(key: &str) -> Option<Self> {
        let (first, second) = key.split_once('-')?;
        let digits = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(first) || !digits(second) {
            return None;
        }
        let (first, second): (i32, i32) = (first.parse().ok()?, second.parse().ok()?);
        (first >= FIRST && first + 1 == second).then_some(Self(first))
    }

    fn key(self) -> String {
        format!("{:04}-{:04}", self.0, self.0 + 1)
    }

    fn window(self) -> Window {
        let last_second = at_midnight(self.0 + 1, 7, 31) + TimeDelta::seconds(24 * 60 * 60 - 1);
        Window::new(at_midnight(self.0, 8, 1), last_second)
    }
}

impl VirtualYear {
    /// Returns the first day; entries store it as `YYYY-MM-DD`.
    pub fn first_day(self) -> NaiveDate {
        at_midnight(self.0, 8, 1).date()
    }

    /// Returns the last day; entries store it as `YYYY-MM-DD`.
    pub fn last_day(self) -> NaiveDate {
        at_midnight(self.0 + 1, 7, 31).date()
    }

    /// Returns the years that VMS's page offers at `now`, newest first: down from the next calendar year,
    /// which changes at New Year and not with the virtual year.
    pub fn offered(now: DateTime<Utc>, zone: Tz) -> Vec<Self> {
        let newest = time::local(now, zone).date().year() + 1;
        (FIRST..=newest).rev().map(Self).collect()
    }

    /// Returns when [`offered`](Self::offered) next changes after an instant.
    pub fn offer_turns(after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        next_date(after, zone, (1, 1))
    }
}

/// Returns the years that a table has at `now`: previous and current, with `with_next` the next one too, and
/// every year up to the next that already has rows; oldest first.
pub fn kept<Y: Year>(
    now: DateTime<Utc>,
    zone: Tz,
    with_next: bool,
    existing: impl IntoIterator<Item = Y>,
) -> Vec<Y> {
    let current = Y::current(now, zone);
    let mut years = vec![current.previous(), current];
    years.extend(with_next.then(|| current.next()));
    years.extend(existing.into_iter().filter(|&year| year <= current.next()));
    years.sort_unstable();
    years.dedup();
    years
}

/// Returns whether a key of either kind names a past or the current year.
pub fn is_past_or_current(key: &str, now: DateTime<Utc>, zone: Tz) -> bool {
    fn has_switched<Y: Year>(key: &str, now: DateTime<Utc>, zone: Tz) -> bool {
        Y::from_key(key).is_some_and(|year| year <= Y::current(now, zone))
    }
    has_switched::<SchoolYear>(key, now, zone) || has_switched::<VirtualYear>(key, now, zone)
}

/// Returns the first midnight UTC after an instant; `None` at the end of the supported calendar.
pub fn next_utc_midnight(after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let tomorrow = after.date_naive().checked_add_days(Days::new(1))?;
    Some(tomorrow.and_time(NaiveTime::MIN).and_utc())
}

/// Returns the first instant after `after` at which the local date in `zone` becomes this month and day;
/// `None` at the end of the supported calendar, and for a day that no year has.
fn next_date(after: DateTime<Utc>, zone: Tz, (month, day): (u32, u32)) -> Option<DateTime<Utc>> {
    let this_year = time::local(after, zone).year();
    // On the day itself the change has already happened, and the next one is a year away.
    [this_year, this_year + 1]
        .into_iter()
        .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
        .map(|date| first_instant(date.and_time(NaiveTime::MIN), zone).0)
        .find(|&begin| begin > after)
}

fn at_midnight(year: i32, month: u32, day: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default().and_time(NaiveTime::MIN)
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
    fn a_school_year_begins_on_1_august_in_the_zone_of_vms() {
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
    fn the_evening_of_31_july_belongs_to_no_school_year() {
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
    fn only_well_formed_keys_are_school_years() {
        for key in ["2526", "1819", "2021"] {
            assert_eq!(SchoolYear::from_key(key).map(SchoolYear::key).as_deref(), Some(key));
        }
        for key in ["", "25", "2527", "1718", "25x6", "+2+3", "20252026", "äöü"] {
            assert_eq!(SchoolYear::from_key(key), None, "{key}");
        }
    }

    #[test]
    fn school_years_with_rows_are_kept_but_not_those_beyond_the_next() {
        let years = kept(
            utc("2026-03-15T02:00:00Z"),
            Tz::UTC,
            true,
            ["1920", "2829", "2526", "junk"].into_iter().filter_map(SchoolYear::from_key),
        );
        assert_eq!(
            years.into_iter().map(SchoolYear::key).collect::<Vec<_>>(),
            ["1920", "2425", "2526", "2627"]
        );
    }

    #[test]
    fn the_page_switches_to_the_next_virtual_year_on_31_july_in_the_zone_of_vms() {
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
            assert_eq!(VirtualYear::current(utc(now), zone).key(), expected, "{now} {zone}");
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
    fn only_well_formed_keys_are_virtual_years() {
        for key in ["2018-2019", "2025-2026"] {
            assert_eq!(VirtualYear::from_key(key).map(VirtualYear::key).as_deref(), Some(key));
        }
        for key in
            ["", "2526", "2025", "2025-2027", "2017-2018", "25-26", "+202-2026", "2025-2026-", "äöüß-2026"]
        {
            assert_eq!(VirtualYear::from_key(key), None, "{key}");
        }
    }

    #[test]
    fn virtual_years_with_rows_are_kept_but_not_those_beyond_the_next() {
        let existing = ["2019-2020", "2028-2029", "2025-2026", "2026-2027"].map(VirtualYear::from_key);
        let years = kept(utc("2026-03-15T02:00:00Z"), Tz::UTC, false, existing.into_iter().flatten());
        let keys: Vec<String> = years.into_iter().map(VirtualYear::key).collect();
        assert_eq!(keys, ["2019-2020", "2024-2025", "2025-2026", "2026-2027"]);
    }

    #[test]
    fn offered_years_follow_the_calendar() {
        let ends = |now| {
            let years = VirtualYear::offered(utc(now), Tz::UTC);
            [years.first(), years.last()].map(|year| year.unwrap().key())
        };
        assert_eq!(ends("2026-12-31T23:59:59Z"), ["2027-2028", "2018-2019"]);
        assert_eq!(ends("2027-01-01T00:00:00Z"), ["2028-2029", "2018-2019"]);
    }

    #[test]
    fn a_date_begins_at_midnight_of_its_zone() {
        let chicago = chrono_tz::America::Chicago;
        for (after, zone, expected) in [
            ("2026-03-15T12:00:00Z", Tz::UTC, "2026-08-01T00:00:00Z"),
            ("2026-07-31T23:59:59Z", Tz::UTC, "2026-08-01T00:00:00Z"),
            ("2026-08-01T00:00:00Z", Tz::UTC, "2027-08-01T00:00:00Z"),
            ("2026-12-31T00:00:00Z", Tz::UTC, "2027-08-01T00:00:00Z"),
            ("2026-08-01T04:59:59Z", chicago, "2026-08-01T05:00:00Z"),
            ("2026-08-01T05:00:00Z", chicago, "2027-08-01T05:00:00Z"),
        ] {
            assert_eq!(next_date(utc(after), zone, (8, 1)), Some(utc(expected)), "{after} {zone}");
        }
        assert_eq!(next_date(utc("2026-03-15T12:00:00Z"), Tz::UTC, (2, 30)), None);
    }

    #[test]
    fn a_date_whose_midnight_is_skipped_begins_right_after_the_gap() {
        // Beirut's clocks go from 00:00 to 01:00 on this day.
        let begin = next_date(utc("2026-01-01T00:00:00Z"), chrono_tz::Asia::Beirut, (3, 29));
        assert_eq!(begin, Some(utc("2026-03-28T22:00:00Z")));
    }

    #[test]
    fn the_next_midnight_is_always_later() {
        for (after, expected) in [
            ("2026-03-15T23:59:59Z", "2026-03-16T00:00:00Z"),
            ("2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z"),
        ] {
            assert_eq!(next_utc_midnight(utc(after)), Some(utc(expected)));
        }
        assert_eq!(next_utc_midnight(DateTime::<Utc>::MAX_UTC), None);
    }
}
