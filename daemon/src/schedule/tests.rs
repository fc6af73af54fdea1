use chrono::{NaiveDate, Timelike};
use proptest::prelude::*;

use super::*;

const CHICAGO: Tz = chrono_tz::America::Chicago;

fn civil(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    civil(text).and_utc()
}

fn daily(time: &str, zone: Tz) -> Schedule {
    Schedule::every(time, 24, zone).unwrap()
}

fn shown(fires: &[Fire]) -> Vec<(String, String, Option<ClockChange>)> {
    fires.iter().map(|f| (slot_text(f.slot), f.at.format("%m-%d %H:%M").to_string(), f.note)).collect()
}

#[test]
fn a_clock_change_moves_the_instant_of_a_slot_but_not_its_date() {
    let cases = [
        (
            "02:00",
            "2026-03-07 12:00",
            "2026-03-08 02:00",
            "2026-03-08 08:00",
            "-05:00",
            Some(ClockChange::Gap),
        ),
        (
            "02:30",
            "2026-03-07 12:00",
            "2026-03-08 02:30",
            "2026-03-08 08:00",
            "-05:00",
            Some(ClockChange::Gap),
        ),
        ("03:00", "2026-03-07 12:00", "2026-03-08 03:00", "2026-03-08 08:00", "-05:00", None),
        (
            "01:30",
            "2026-10-31 12:00",
            "2026-11-01 01:30",
            "2026-11-01 06:30",
            "-05:00",
            Some(ClockChange::Fold),
        ),
        ("02:00", "2026-10-31 12:00", "2026-11-01 02:00", "2026-11-01 08:00", "-06:00", None),
        ("02:00", "2026-06-01 00:00", "2026-06-01 02:00", "2026-06-01 07:00", "-05:00", None),
    ];
    for (time, now, slot, at, offset, note) in cases {
        let fire = daily(time, CHICAGO).fires_after(utc(now), 1)[0];
        assert_eq!((fire.slot, fire.at, fire.note), (civil(slot), utc(at), note), "{time} after {now}");
        assert_eq!(fire.offset.to_string(), offset, "{time} after {now}");
    }
}

#[test]
fn a_slot_of_the_repeated_hour_stays_due_while_the_clock_shows_the_hour_again() {
    let schedule = daily("01:30", CHICAGO);
    // 01:10 for the second time: earlier on the wall clock than the slot that has fired.
    let fire = schedule.due(utc("2026-11-01 07:10")).unwrap();
    assert_eq!((fire.slot, fire.at), (civil("2026-11-01 01:30"), utc("2026-11-01 06:30")));
    assert_eq!(schedule.fires_after(utc("2026-11-01 07:10"), 1)[0].slot, civil("2026-11-02 01:30"));
}

#[test]
fn a_fire_in_a_clock_change_is_sent_with_a_note() {
    let fire = daily("02:00", CHICAGO).fires_after(utc("2026-03-08 07:00"), 1)[0];
    let wire = cached_proto::verb::next::Fire::from(&fire);
    assert_eq!((wire.slot.as_str(), wire.offset.as_str()), ("2026-03-08 02:00", "-05:00"));
    assert_eq!(wire.at.to_utc(), utc("2026-03-08 08:00"));
    assert!(wire.note.unwrap().contains("goes forward"));
}

#[test]
fn slots_that_share_an_instant_make_one_fire() {
    let schedule = Schedule::cron(&"0 */30 * * * *".parse().unwrap(), CHICAGO);
    let fires = schedule.fires_after(utc("2026-03-08 07:00"), 3);
    let expected = [
        ("2026-03-08 01:30", "03-08 07:30", None),
        ("2026-03-08 03:00", "03-08 08:00", None),
        ("2026-03-08 03:30", "03-08 08:30", None),
    ];
    assert_eq!(shown(&fires), expected.map(|(s, a, n)| (s.to_owned(), a.to_owned(), n)));
    assert_eq!(schedule.fire_before(&fires[1]), Some(fires[0]));
}

#[test]
fn intervals_are_counted_from_the_refresh_time() {
    let cases = [
        ("02:00", 6, "every 6 hours, counted from 02:00", ["02:00", "08:00", "14:00", "20:00"]),
        ("22:15", 12, "every 12 hours, counted from 22:15", ["10:15", "22:15", "10:15", "22:15"]),
        ("05:40", 1, "hourly at minute 40", ["01:40", "02:40", "03:40", "04:40"]),
    ];
    for (time, interval, words, expected) in cases {
        let schedule = Schedule::every(time, interval, CHICAGO).unwrap();
        let fires = schedule.fires_after(utc("2026-06-01 06:00"), 4);
        let times: Vec<_> = fires.iter().map(|f| f.slot.format("%H:%M").to_string()).collect();
        assert_eq!(times, expected);
        assert_eq!(schedule.to_string(), words);
        assert!(!schedule.is_daily());
    }
    assert_eq!(daily("02:05", CHICAGO).to_string(), "daily at 02:05");
    assert!(daily("02:05", CHICAGO).is_daily());
    assert!(Schedule::cron(&"0 0 2 * * Mon-Fri".parse().unwrap(), CHICAGO).is_daily());
    assert!(!Schedule::cron(&"0 0 2,14 * * *".parse().unwrap(), CHICAGO).is_daily());
}

#[test]
fn an_invalid_schedule_is_refused_with_the_correct_syntax() {
    let every = |time, hours| Schedule::every(time, hours, CHICAGO).unwrap_err().to_string();
    let cases = [
        (every("2 am", 24), "HH:MM"),
        (every("24:00", 24), "HH:MM"),
        (every("02:00", 0), "divide 24"),
        (every("02:00", 5), "divide 24"),
        (every("02:00", 48), "divide 24"),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_schedule_of_past_years_has_a_due_fire_but_no_next_one() {
    let past = Schedule::cron(&"0 0 2 * * * 2020-2025".parse().unwrap(), CHICAGO);
    for now in ["2026-01-01 00:00", "2026-11-30 02:00", "2027-06-01 12:00"] {
        assert_eq!(past.fires_after(utc(now), 3), [], "{now}");
        assert_eq!(past.due(utc(now)).unwrap().slot, civil("2025-12-31 02:00"), "{now}");
    }
    assert_eq!(past.next_slot(civil("2026-01-01 00:00")), None);
    let gaps = Schedule::cron(&"0 0 2 * * * 2020-2025,2028".parse().unwrap(), CHICAGO);
    assert_eq!(gaps.fires_after(utc("2026-11-30 02:00"), 1)[0].slot, civil("2028-01-01 02:00"));
}

#[test]
fn a_schedule_of_an_impossible_date_never_fires() {
    for schedule in [Schedule::cron(&"0 0 2 31 2 *".parse().unwrap(), CHICAGO), Schedule::never(CHICAGO)] {
        assert_eq!(schedule.fires_after(utc("2026-01-01 00:00"), 3), []);
        assert_eq!(schedule.due(utc("2026-01-01 00:00")), None);
        assert_eq!(schedule.next_slot(civil("2026-01-01 00:00")), None);
    }
}

#[test]
fn a_schedule_of_future_years_has_a_next_fire_but_none_due() {
    let later = Schedule::cron(&"0 0 2 1 1 * 2030".parse().unwrap(), CHICAGO);
    assert_eq!(later.due(utc("2026-01-01 00:00")), None);
    assert_eq!(later.fires_after(utc("2026-01-01 00:00"), 3).len(), 1);
}

const TIMES: [&str; 4] = ["00:00", "01:30", "02:00", "02:30"];

/// Zones with unusual clock changes: at midnight, by half an hour, by two hours, in Ramadan, by negative DST.
const PECULIAR: [&str; 12] = [
    "America/Chicago",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Gaza",
    "America/Havana",
    "America/Santiago",
    "Atlantic/Azores",
    "Europe/Dublin",
    "America/Nuuk",
];

/// When each slot of a year fires, found by stepping through the wall clock: the first minute at which it
/// shows the slot or has passed it. Independent of gaps, folds and cron.
fn watched(zone: Tz, year: i32) -> Vec<(NaiveDateTime, DateTime<Utc>)> {
    let local = |at: DateTime<Utc>| zone.from_utc_datetime(&at.naive_utc()).naive_local();
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let slots: Vec<_> = first
        .iter_days()
        .take_while(|date| date.format("%Y").to_string() == year.to_string())
        .flat_map(|date| TIMES.map(|time| civil(&format!("{date} {time}"))))
        .collect();
    let step = TimeDelta::minutes(15);
    let mut at = slots[0].and_utc() - TimeDelta::hours(24);
    let mut found = Vec::new();
    while let Some(&slot) = slots.get(found.len()) {
        if local(at + step) < slot {
            at += step;
            continue;
        }
        while local(at) < slot {
            at += TimeDelta::minutes(1);
        }
        assert_eq!(at.second(), 0);
        found.push((slot, at));
    }
    found
}

fn agrees_with_the_wall_clock(zone: Tz, year: i32) {
    let watched = watched(zone, year);
    for time in TIMES {
        let schedule = daily(time, zone);
        let expected: Vec<_> =
            watched.iter().copied().filter(|(slot, _)| slot.format("%H:%M").to_string() == time).collect();
        let fires = schedule.fires_after(expected[0].1 - TimeDelta::seconds(1), expected.len());
        let found: Vec<_> = fires.iter().map(|f| (f.slot, f.at)).collect();
        assert_eq!(found, expected, "{zone} {year} {time}");
        for pair in fires.windows(2) {
            assert!(pair[0].at < pair[1].at, "{zone} {pair:?}");
            assert_eq!(pair[0].slot.date().succ_opt(), Some(pair[1].slot.date()), "{zone}");
        }
    }
}

#[test]
fn every_civil_date_fires_once_in_zones_with_unusual_clock_changes() {
    for zone in PECULIAR {
        for year in [2018, 2026] {
            agrees_with_the_wall_clock(zone.parse().unwrap(), year);
        }
    }
}

/// Samoa skipped 2011-12-30; the fires around it must still strictly ascend.
#[test]
fn a_skipped_date_fires_no_later_than_the_next_date() {
    for time in TIMES {
        let fires = daily(time, chrono_tz::Pacific::Apia).fires_after(utc("2011-12-28 00:00"), 5);
        assert!(fires.windows(2).all(|pair| pair[0].at < pair[1].at), "{fires:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_civil_date_fires_once_in_any_zone_and_year(
        zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]), year in 2012..2038_i32,
    ) {
        agrees_with_the_wall_clock(zone, year);
    }

    /// The due fire and the next one are adjacent at any instant: no fire lies between them, and none is
    /// both.
    #[test]
    fn the_due_and_the_next_fire_are_adjacent(
        zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        rule in prop::sample::select(vec!["0 */20 * * * *", "0 0 2 * * *", "30 30 1,13 * * *", "0 0 0 * * Sun", "0 5 * 31 * *"]),
        near in prop::sample::select(vec!["2026-03-08 07:00", "2026-03-29 00:00", "2026-11-01 05:00", "2026-04-04 14:00", "2024-02-29 00:00"]),
        seconds in 0..90_000_i64,
    ) {
        let schedule = Schedule::cron(&rule.parse().unwrap(), zone);
        let now = utc(near) + TimeDelta::seconds(seconds);
        let due = schedule.due(now).unwrap();
        let next = schedule.fires_after(now, 2);
        prop_assert!(due.at <= now && now < next[0].at && next[0].at < next[1].at);
        prop_assert_eq!(schedule.fire_before(&next[0]), Some(due));
        prop_assert_eq!(schedule.due(next[0].at), Some(next[0]));
        prop_assert_eq!(schedule.due(next[0].at - TimeDelta::seconds(1)), Some(due));
        prop_assert_eq!(schedule.fires_after(due.at - TimeDelta::seconds(1), 1), vec![due]);
    }
}
