//! School days on which events can take place, and times in VMS's text form.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

/// Number of school days ahead for which events are planned.
const PLANNED_DAYS: usize = 70;

/// School days of the school year that contains "now", and of the two before it.
pub(super) struct Calendar {
    /// The wall clock, as VMS's tables hold it.
    pub(super) now: NaiveDateTime,
    /// School days before today, ascending.
    pub(super) past: Vec<NaiveDate>,
    /// The next school days after today, ascending; in summer they lie in the next school year.
    pub(super) upcoming: Vec<NaiveDate>,
}

impl Calendar {
    /// Builds the calendar around `now`; `None` when it is so close to the end of chrono's calendar that
    /// there are no such days.
    pub(super) fn around(now: DateTime<Utc>) -> Option<Self> {
        let now = now.naive_utc();
        let today = now.date();
        let year = if today.month() < 8 { today.year() - 1 } else { today.year() };
        let first = NaiveDate::from_ymd_opt(year - 2, 8, 15)?;
        let past: Vec<NaiveDate> =
            first.iter_days().take_while(|day| *day < today).filter(|day| school_day(*day)).collect();
        let upcoming: Vec<NaiveDate> =
            today.succ_opt()?.iter_days().filter(|day| school_day(*day)).take(PLANNED_DAYS).collect();
        (!past.is_empty() && !upcoming.is_empty()).then_some(Self { now, past, upcoming })
    }

    /// The first day of the sample.
    pub(super) fn first(&self) -> NaiveDate {
        self.past.first().copied().unwrap_or(self.now.date())
    }

    /// Returns `start` less some days, but never later than now: the time at which a record about it was
    /// made.
    pub(super) fn before(&self, start: NaiveDateTime, days: u32) -> NaiveDateTime {
        start.checked_sub_days(Days::new(u64::from(days))).unwrap_or(start).min(self.now)
    }
}

/// Returns whether `day` is a school day: a weekday between mid-August and late May, outside the longer
/// holidays.
fn school_day(day: NaiveDate) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let holiday = match (day.month(), day.day()) {
        (1, date) => date < 5,
        (3, date) => (14..=20).contains(&date),
        (5, date) => date > 24,
        (6 | 7, _) => true,
        (8, date) => date < 15,
        (11, date) => (23..=28).contains(&date),
        (12, date) => date > 19,
        _ => false,
    };
    !weekend && !holiday
}

/// Returns the time on `day` that is `quarters` quarters of an hour after midnight.
pub(super) fn at_quarter(day: NaiveDate, quarters: u32) -> NaiveDateTime {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(quarters * 15 * 60, 0).unwrap_or(NaiveTime::MIN);
    day.and_time(time)
}

/// Formats a time for VMS, which compares times as text: the form is fixed to the last digit of the fraction.
pub(super) fn stamp(time: NaiveDateTime) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// A DATE column: `2026-03-08`.
pub(super) fn date(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Calendar, at_quarter, stamp};
    use chrono::{DateTime, NaiveDate, Utc};

    fn around(now: &str) -> Option<Calendar> {
        Calendar::around(now.parse::<DateTime<Utc>>().ok()?)
    }

    #[test]
    fn days_reach_from_two_school_years_back_to_the_next_season() {
        for (now, first, next) in [
            ("2026-11-20T12:00:00Z", "2024-08-15", "2026-11-30"),
            ("2026-07-04T12:00:00Z", "2023-08-15", "2026-08-17"),
            ("2026-08-01T00:00:00Z", "2024-08-15", "2026-08-17"),
            ("2027-01-12T23:59:59Z", "2024-08-15", "2027-01-13"),
        ] {
            let calendar = around(now).unwrap();
            assert_eq!(calendar.past[0].to_string(), first, "{now}");
            assert_eq!(calendar.upcoming[0].to_string(), next, "{now}");
            assert!(calendar.past.iter().all(|day| *day < calendar.now.date()));
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_no_panic() {
        assert!(Calendar::around(DateTime::<Utc>::MAX_UTC).is_none());
    }

    #[test]
    fn stamps_have_six_digits_of_fraction() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        assert_eq!(stamp(at_quarter(day, 37)), "2026-03-09 09:15:00.000000");
    }
}
