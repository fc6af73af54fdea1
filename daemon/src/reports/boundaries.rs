//! Instants at which the passing of time alone changes what reports show.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::civil::first_instant;
use crate::vms::time;

/// Returns the first midnight UTC after an instant; `None` at the end of the supported calendar.
pub fn next_utc_midnight(after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let tomorrow = after.date_naive().checked_add_days(Days::new(1))?;
    Some(tomorrow.and_time(NaiveTime::MIN).and_utc())
}

/// Returns the first instant after `after` at which the local date in `zone` becomes this month and day;
/// `None` at the end of the supported calendar, and for a day that no year has.
pub fn next_date(after: DateTime<Utc>, zone: Tz, month: u32, day: u32) -> Option<DateTime<Utc>> {
    let this_year = time::local(after, zone).year();
    // On the day itself the change has already happened, and the next one is a year away.
    [this_year, this_year + 1]
        .into_iter()
        .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
        .map(|date| first_instant(date.and_time(NaiveTime::MIN), zone).0)
        .find(|&turn| turn > after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_begins_when_its_zone_says_so() {
        let chicago = chrono_tz::America::Chicago;
        for (after, zone, expected) in [
            ("2026-03-15T12:00:00Z", Tz::UTC, "2026-08-01T00:00:00Z"),
            ("2026-07-31T23:59:59Z", Tz::UTC, "2026-08-01T00:00:00Z"),
            ("2026-08-01T00:00:00Z", Tz::UTC, "2027-08-01T00:00:00Z"),
            ("2026-12-31T00:00:00Z", Tz::UTC, "2027-08-01T00:00:00Z"),
            ("2026-08-01T04:59:59Z", chicago, "2026-08-01T05:00:00Z"),
            ("2026-08-01T05:00:00Z", chicago, "2027-08-01T05:00:00Z"),
        ] {
            assert_eq!(next_date(utc(after), zone, 8, 1), Some(utc(expected)), "{after} {zone}");
        }
        assert_eq!(next_date(utc("2026-03-15T12:00:00Z"), Tz::UTC, 2, 30), None);
    }

    #[test]
    fn a_midnight_that_the_clock_skips_turns_right_after() {
        // Beirut's clocks go from 00:00 to 01:00 on this day.
        let turn = next_date(utc("2026-01-01T00:00:00Z"), chrono_tz::Asia::Beirut, 3, 29);
        assert_eq!(turn, Some(utc("2026-03-28T22:00:00Z")));
    }

    #[test]
    fn midnight_is_always_ahead() {
        for (after, expected) in [
            ("2026-03-15T23:59:59Z", "2026-03-16T00:00:00Z"),
            ("2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z"),
        ] {
            assert_eq!(next_utc_midnight(utc(after)), Some(utc(expected)));
        }
        assert_eq!(next_utc_midnight(DateTime::<Utc>::MAX_UTC), None);
    }
}
