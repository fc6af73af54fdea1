//! Civil date-times and the instants that they mean.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A clock change that a civil date-time falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// The clock goes forward over the time and never shows it.
    Gap,
    /// The clock goes back and shows the time twice.
    Fold,
}

/// The instant at which the wall clock of `zone` first shows `civil` or has passed it, and the clock change
/// that `civil` falls into, if any: in a gap that is the first instant after it, in a fold the first of the
/// two occurrences.
///
/// Schedules and stored stamps both follow this rule: with two of them, a run at 02:10 and a stamp of 02:10
/// would be most of an hour apart in the night in which the clock goes forward.
pub fn first_instant(civil: NaiveDateTime, zone: Tz) -> (DateTime<Utc>, Option<ClockChange>) {
    match zone.from_local_datetime(&civil) {
        MappedLocalTime::Single(at) => (at.to_utc(), None),
        MappedLocalTime::Ambiguous(one, other) => (one.min(other).to_utc(), Some(ClockChange::Fold)),
        MappedLocalTime::None => (end_of_gap(civil, zone), Some(ClockChange::Gap)),
    }
}

/// The first instant at which the wall clock is past `civil`, which it never shows.
fn end_of_gap(civil: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    // No zone is further from UTC than this.
    let margin = TimeDelta::hours(16);
    let labelled = civil.and_utc();
    let (Some(mut before), Some(mut past)) =
        (labelled.checked_sub_signed(margin), labelled.checked_add_signed(margin))
    else {
        // The ends of chrono's calendar, which no offset can be applied to.
        return labelled;
    };
    while past - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((past - before).num_seconds() / 2);
        if zone.from_utc_datetime(&middle.naive_utc()).naive_local() < civil {
            before = middle;
        } else {
            past = middle;
        }
    }
    // A stamp has fractions of a second, and the search keeps them; clocks change at whole seconds.
    DateTime::from_timestamp(past.timestamp(), 0).unwrap_or(past)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_a_gap_is_the_first_instant_after_it_and_one_in_a_fold_the_first_of_two() {
        let cases = [
            ("America/Chicago", "2026-03-08 01:59:59.9", "2026-03-08T07:59:59.900+00:00", None),
            ("America/Chicago", "2026-03-08 02:00:00", "2026-03-08T08:00:00+00:00", Some(ClockChange::Gap)),
            ("America/Chicago", "2026-03-08 02:10:00", "2026-03-08T08:00:00+00:00", Some(ClockChange::Gap)),
            ("America/Chicago", "2026-03-08 02:59:59.9", "2026-03-08T08:00:00+00:00", Some(ClockChange::Gap)),
            ("America/Chicago", "2026-03-08 03:00:00", "2026-03-08T08:00:00+00:00", None),
            (
                "America/Chicago",
                "2026-11-01 01:10:00.25",
                "2026-11-01T06:10:00.250+00:00",
                Some(ClockChange::Fold),
            ),
            ("America/Chicago", "2026-11-01 02:00:00", "2026-11-01T08:00:00+00:00", None),
            (
                "Australia/Lord_Howe",
                "2026-10-04 02:10:00",
                "2026-10-03T15:30:00+00:00",
                Some(ClockChange::Gap),
            ),
            // Samoa left out a whole day.
            ("Pacific/Apia", "2011-12-30 02:10:00", "2011-12-30T10:00:00+00:00", Some(ClockChange::Gap)),
        ];
        for (zone, civil, at, change) in cases {
            let civil = NaiveDateTime::parse_from_str(civil, "%Y-%m-%d %H:%M:%S%.f").unwrap();
            let (found, met) = first_instant(civil, zone.parse().unwrap());
            assert_eq!((found.to_rfc3339(), met), (at.to_owned(), change), "{zone} {civil}");
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        for civil in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
            for zone in ["America/Chicago", "Pacific/Apia", "Asia/Tokyo", "UTC"] {
                first_instant(civil, zone.parse().unwrap());
            }
        }
    }
}
