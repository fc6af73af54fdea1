//! The school days of a sample, and which program takes place when.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

use super::lists::{Lists, Place, Program};
use super::random::Random;

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

/// Percentage of events that lie in the future.
const UPCOMING_PERCENT: u32 = 14;

/// One event before it has a row.
pub(super) struct Slot<'a> {
    pub(super) start: NaiveDateTime,
    pub(super) upcoming: bool,
    pub(super) program: &'a Program,
}

/// Returns `count` slots by ascending start.
pub(super) fn slots<'a>(seed: u64, count: usize, lists: &'a Lists, calendar: &Calendar) -> Vec<Slot<'a>> {
    let mut random = Random::stream(seed, "schedule");
    let weights: Vec<(u32, &Program)> =
        lists.programs.iter().map(|program| (program.weight, program)).collect();
    let mut slots: Vec<Slot<'a>> = (0..count)
        .map(|_| {
            let upcoming = random.percent(UPCOMING_PERCENT);
            let day = *random.pick(if upcoming { &calendar.upcoming } else { &calendar.past });
            let program = random.weighted(&weights);
            Slot { start: start(day, program, &mut random), upcoming, program }
        })
        .collect();
    slots.sort_by_key(|slot| slot.start);
    ensure_upcoming_dia(&mut slots, lists);
    slots
}

/// Ensures that there is an upcoming DIA event: the DIA report shows only those, and could be empty by chance
/// in a small sample.
fn ensure_upcoming_dia<'a>(slots: &mut [Slot<'a>], lists: &'a Lists) {
    let dia: Vec<&Program> =
        lists.programs.iter().filter(|program| program.name.starts_with("DIA")).collect();
    let programs = dia.iter().cycle();
    for (slot, program) in slots.iter_mut().filter(|slot| slot.upcoming).step_by(5).zip(programs) {
        *slot = Slot { start: slot.start, upcoming: true, program };
    }
}

fn start(day: NaiveDate, program: &Program, random: &mut Random) -> NaiveDateTime {
    let quarter = match program.place {
        Place::Evening => random.between(70, 74),
        Place::Office => *random.pick(&[32, 34, 36, 64, 66]),
        Place::Workplace | Place::Campus => random.between(34, 40),
        Place::Online => random.between(33, 57),
        // Imports from Salesforce keep the day only.
        Place::School if random.percent(6) => 0,
        Place::School => random.between(32, 54),
    };
    at_quarter(day, quarter)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};

    use super::{Calendar, at_quarter, stamp};

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
