//! Every night of ten years in every time zone. Zones with the same offsets throughout are checked as
//! one: only the offsets matter.
//!
//! The expected instants are computed only from the offsets of a zone: between two changes of its offset the
//! wall clock runs evenly, so the first instant at which it has reached a time is plain arithmetic.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{NaiveDate, NaiveTime};

use super::*;

const FIRST_YEAR: i32 = 2021;
const YEARS: i32 = 10;

/// Times at which clocks are changed, and some arbitrary ones.
const TIMES: [&str; 8] = ["00:00", "01:30", "02:00", "02:30", "00:47", "03:13", "14:59", "23:31"];

/// Clocks are put forward or back by less than this, and never twice within it.
const STEP: TimeDelta = TimeDelta::hours(6);

/// A stretch of time in which a zone's offset does not change.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Even {
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
    offset: TimeDelta,
}

fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
}

fn midnight(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc()
}

/// The stretches of a zone, from a few days before the first night to a few days after the last.
fn stretches(zone: Tz) -> Vec<Even> {
    let (mut begin, end) =
        (midnight(FIRST_YEAR) - TimeDelta::days(3), midnight(FIRST_YEAR + YEARS) + TimeDelta::days(3));
    let (mut at, mut found) = (begin, Vec::new());
    while at < end {
        let (before, after) = (offset(zone, at), offset(zone, at + STEP));
        if before != after {
            let (mut low, mut high) = (at, at + STEP);
            while high - low > TimeDelta::seconds(1) {
                let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
                *if offset(zone, middle) == before { &mut low } else { &mut high } = middle;
            }
            found.push(Even { begin, end: high, offset: before });
            begin = high;
        }
        at += STEP;
    }
    let offset = offset(zone, at);
    found.push(Even { begin, end: at, offset });
    found
}

/// The first instant at which the wall clock shows a slot or has passed it.
fn reached(stretches: &[Even], slot: NaiveDateTime) -> DateTime<Utc> {
    let candidates = stretches.iter().map(|even| ((slot.and_utc() - even.offset).max(even.begin), even.end));
    candidates.into_iter().find(|(at, end)| at < end).unwrap().0
}

/// A schedule with its slots of all nights.
struct Nightly {
    time: &'static str,
    slots: Vec<NaiveDateTime>,
}

impl Nightly {
    fn of(time: &'static str) -> Self {
        let schedule = Schedule::every(time, 24, Tz::UTC).unwrap();
        let begin = midnight(FIRST_YEAR).naive_utc() - TimeDelta::seconds(1);
        let end = midnight(FIRST_YEAR + YEARS).naive_utc();
        let slots: Vec<_> = iter::successors(schedule.next_slot(begin), |slot| schedule.next_slot(*slot))
            .take_while(|slot| *slot < end)
            .collect();
        let dates = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1).unwrap().iter_days();
        let clock = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
        let expected: Vec<_> =
            dates.map(|date| date.and_time(clock)).take_while(|slot| *slot < end).collect();
        assert_eq!(slots, expected, "one slot a date");
        Self { time, slots }
    }

    /// Checks every night in one zone; returns how many.
    fn check(&self, zone: Tz, stretches: &[Even]) -> usize {
        let schedule = Schedule::every(self.time, 24, zone).unwrap();
        let (mut stretch, mut last) = (0, DateTime::<Utc>::MIN_UTC);
        let mut expected = Vec::with_capacity(self.slots.len());
        for &slot in &self.slots {
            // Stretches that end before the last night can contain none of the later ones.
            while stretches[stretch].end <= last {
                stretch += 1;
            }
            let at = reached(&stretches[stretch..], slot);
            let fire = schedule.resolve(slot);
            assert_eq!((fire.slot, fire.at), (slot, at), "{zone}");
            assert!(last < at, "{zone} {slot} does not come after the night before");
            let shown = at + offset(zone, at);
            assert_eq!(fire.note == Some(ClockChange::Gap), shown.naive_utc() != slot, "{zone} {slot}");
            last = at;
            expected.push(at);
        }
        // The interval between two nights around a clock change.
        for change in &stretches[1..] {
            let next = expected.partition_point(|at| *at < change.begin - TimeDelta::days(1));
            let expected: Vec<_> = expected.iter().copied().skip(next).take(3).collect();
            let Some(&first) = expected.first() else { continue };
            let fires = schedule.fires_after(first - TimeDelta::seconds(1), expected.len());
            assert_eq!(
                fires.iter().map(|fire| fire.at).collect::<Vec<_>>(),
                expected,
                "{zone} {}",
                self.time
            );
            for fire in fires {
                assert_eq!(schedule.due(fire.at), Some(fire), "{zone}");
                assert!(
                    schedule.due(fire.at - TimeDelta::seconds(1)).is_none_or(|due| due.slot < fire.slot),
                    "{zone}"
                );
            }
        }
        self.slots.len()
    }
}

#[test]
fn no_night_of_ten_years_is_skipped_or_doubled_in_any_zone() {
    let nightly = TIMES.map(Nightly::of);
    let zones: BTreeMap<Vec<Even>, Tz> =
        chrono_tz::TZ_VARIANTS.iter().map(|&zone| (stretches(zone), zone)).collect();
    let zones: Vec<(Vec<Even>, Tz)> = zones.into_iter().collect();
    let (next, nights) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((stretches, zone)) = zones.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let checked: usize = nightly.iter().map(|nightly| nightly.check(*zone, stretches)).sum();
                    nights.fetch_add(checked, Ordering::Relaxed);
                }
            });
        }
    });
    let (nights, zones) = (nights.into_inner(), zones.len());
    assert_eq!(nights, nightly.iter().map(|nightly| nightly.slots.len()).sum::<usize>() * zones);
    println!("{nights} nights in {zones} zones: 0 skipped, 0 doubled");
}
