//! The planned events of the year, and the days that are lived through.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};

/// The zone of the office, of VMS and of the schedule.
pub(super) const ZONE: chrono_tz::Tz = chrono_tz::America::Chicago;

type Settings = &'static [(&'static str, &'static str, &'static str)];

/// A table of VMS that a broken import empties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Participations,
    Events,
}

/// Why the daemon does nothing for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    /// The machine is off, and VMS with it.
    Off,
    /// The machine sleeps: both continue where they were.
    Suspended,
    /// The daemon is stopped; VMS is not.
    Stopped,
}

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Happening {
    /// The office works.
    Work,
    /// A user views a page.
    View,
    /// The office plans this many events of a season.
    Season(u64),
    /// An import rewrites rows in three transactions and wipes cache rows; the district reports of the year
    /// are not made again if `fails`.
    Import {
        fails: bool,
    },
    Lose(Lost),
    Restore(Lost),
    Down(Down),
    Up,
    /// The wall clock is set by this many seconds.
    Set(i64),
    Reload(Settings),
    /// The daemon is killed at the n-th point of its next work.
    Crash(u64),
    /// VMS writes at the n-th point of the daemon's next work.
    Meddle(u64),
    /// VMS gets an account that is limited to a district, or loses it again.
    Scoped(bool),
    /// VMS stores rows of ranges that a user has typed in.
    TypedRanges,
    /// Pages without a row are viewed.
    OldPages,
}

use Happening::{
    Crash, Import, Lose, Meddle, OldPages, Reload, Restore, Scoped, Season, Set, TypedRanges, Up,
};

const DEFAULTS: Settings = &[("organization", "reports_table", "true")];

/// Settings of the beginning: all eleven reports are on.
pub(super) const SETTINGS: Settings = DEFAULTS;

/// By local time.
const PLANNED: &[(&str, Happening)] = &[
    ("2027-06-15 10:00", TypedRanges),
    ("2027-06-22 22:00", Happening::Down(Down::Off)),
    ("2027-06-23 07:30", Up),
    ("2027-07-09 18:00", Happening::Down(Down::Off)),
    ("2027-07-12 07:00", Up),
    ("2027-08-02 09:00", Season(30)),
    ("2027-08-03 11:00", OldPages),
    ("2027-09-14 11:00", Reload(&[("organization", "reports_table", "true"), ("compat", "mode", "exact")])),
    (
        "2027-09-15 11:00",
        Reload(&[("organization", "reports_table", "true"), ("cache", "prune_after_days", "3")]),
    ),
    (
        "2027-09-16 11:00",
        Reload(&[("organization", "reports_table", "true"), ("recruitment", "include_recent", "false")]),
    ),
    ("2027-09-17 11:00", Reload(DEFAULTS)),
    ("2027-10-13 01:59", Crash(40)),
    ("2027-10-14 01:59", Meddle(70)),
    ("2027-12-07 01:59", Crash(110)),
    ("2027-12-08 01:59", Meddle(25)),
    ("2027-11-16 03:00", Lose(Lost::Participations)),
    ("2027-11-17 10:00", Restore(Lost::Participations)),
    ("2028-01-18 13:00", Set(90)),
    ("2028-01-18 14:00", Set(-2)),
    ("2028-01-18 15:00", Set(-240)),
    ("2028-01-19 12:00", Set(5 * 3600)),
    ("2028-01-19 18:00", Set(-5 * 3600)),
    ("2028-01-20 18:00", Set(-3 * 3600)),
    ("2028-01-20 19:00", Set(3 * 3600)),
    ("2028-02-08 03:00", Lose(Lost::Events)),
    ("2028-02-12 10:00", Restore(Lost::Events)),
    ("2028-02-29 01:59", Crash(75)),
    ("2028-03-27 21:00", Happening::Down(Down::Suspended)),
    ("2028-03-28 07:15", Up),
    ("2028-04-10 12:00", Happening::Down(Down::Stopped)),
    ("2028-04-13 07:00", Up),
    ("2028-05-02 11:00", Scoped(true)),
    ("2028-05-04 11:00", Scoped(false)),
    ("2028-05-10 03:00", Import { fails: true }),
    ("2028-05-11 03:00", Import { fails: false }),
    ("2028-05-12 03:00", Import { fails: true }),
    ("2028-07-01 12:00", Happening::Down(Down::Off)),
    ("2028-07-15 07:00", Up),
    ("2028-08-07 09:00", Season(30)),
];

/// The first and the last day of the year.
pub(super) const FROM: &str = "2027-06-14";
const TO: &str = "2028-09-12";

/// Days of the shortened year: between two ranges the machine is off.
const SHORT: &[(&str, &str)] = &[
    (FROM, "2027-06-24"),
    ("2027-07-09", "2027-07-13"),
    ("2027-08-01", "2027-08-04"),
    ("2027-09-14", "2027-09-18"),
    ("2027-10-12", "2027-10-14"),
    ("2027-11-06", "2027-11-07"),
    ("2027-11-15", "2027-11-18"),
    ("2027-12-31", "2028-01-01"),
    ("2028-01-18", "2028-01-21"),
    ("2028-02-07", "2028-02-13"),
    ("2028-02-28", "2028-03-01"),
    ("2028-03-11", "2028-03-12"),
    ("2028-03-27", "2028-03-29"),
    ("2028-04-10", "2028-04-14"),
    ("2028-05-02", "2028-05-05"),
    ("2028-05-09", "2028-05-13"),
    ("2028-07-01", "2028-07-16"),
    ("2028-07-31", "2028-08-01"),
];

/// Days of the shortened year of one-shots.
const NIGHTS: &[(&str, &str)] = &[
    (FROM, "2027-06-24"),
    ("2027-07-31", "2027-08-04"),
    ("2027-09-14", "2027-09-18"),
    ("2027-11-06", "2027-11-08"),
    ("2027-11-15", "2027-11-19"),
    ("2027-12-31", "2028-01-02"),
    ("2028-02-28", "2028-03-02"),
    ("2028-03-11", "2028-03-13"),
];

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Returns the instant of a local time; in the hour that a clock change skips, the one an hour later.
pub(super) fn at(civil: NaiveDateTime) -> DateTime<Utc> {
    let instant = |civil| ZONE.from_local_datetime(&civil).earliest();
    instant(civil).or_else(|| instant(civil + TimeDelta::hours(1))).unwrap().to_utc()
}

/// Returns the instant of a local time of day.
pub(super) fn at_hour(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    at(day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap()))
}

/// Returns the days that are lived through.
pub(super) fn days(whole: bool) -> Vec<NaiveDate> {
    within(if whole { &[(FROM, TO)] } else { SHORT })
}

/// Returns the days between whose nights a refresh is made without a daemon.
pub(super) fn nights(whole: bool) -> Vec<NaiveDate> {
    within(if whole { &[(FROM, TO)] } else { NIGHTS })
}

fn within(ranges: &[(&str, &str)]) -> Vec<NaiveDate> {
    let ranges = ranges.iter().map(|(from, to)| (date(from), date(to)));
    ranges.flat_map(|(from, to)| from.iter_days().take_while(move |day| *day <= to)).collect()
}

/// Returns what is planned from one instant up to another, by time.
pub(super) fn planned(from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, Happening)> {
    let instant = |text: &str| at(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap());
    let all = PLANNED.iter().map(|&(text, happening)| (instant(text), happening));
    all.filter(|&(at, _)| from <= at && at < to).collect()
}
