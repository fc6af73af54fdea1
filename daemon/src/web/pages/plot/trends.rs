//! Size and duration of every table, day by day: one small plot per table, all with the same time axis.

use std::fmt::Write as _;

use cached_present::{bytes, count, duration};
use cached_proto::words::Table;

use super::super::view::Name;
use super::{dated, scaled};
use crate::figures::{Day, Recent, TableDay};
use crate::reports::REPORTS;

/// Width of a day in units of the plot; it is scaled to the space available.
const STEP: u16 = 4;

/// The sizes are drawn as a line above this height, from the top down.
const SIZES: f64 = 28.0;

/// The durations are bars between this height and the bottom.
const TIMES: f64 = 32.0;
const HEIGHT: f64 = 60.0;

/// Lowest height of a bar.
const LOWEST: f64 = 1.0;

/// The trends of the tables.
#[derive(Debug)]
pub(in crate::web::pages) struct Trends {
    pub(in crate::web::pages) shown: Vec<Trend>,
    /// Names of the tables that nothing was generated for.
    pub(in crate::web::pages) absent: String,
    /// Number of days on the time axis.
    pub(in crate::web::pages) days: usize,
    pub(in crate::web::pages) width: u16,
    pub(in crate::web::pages) oldest: String,
    pub(in crate::web::pages) newest: String,
}

/// One table.
#[derive(Debug)]
pub(in crate::web::pages) struct Trend {
    pub(in crate::web::pages) name: Name,
    /// Newest and largest size.
    pub(in crate::web::pages) size: String,
    /// Newest and longest duration.
    pub(in crate::web::pages) took: String,
    /// On how many days it failed; empty if on none.
    pub(in crate::web::pages) failed: String,
    /// The line of the sizes; days without one are gaps.
    pub(in crate::web::pages) line: String,
    /// The bars of the durations.
    pub(in crate::web::pages) bars: String,
    /// Days with data, oldest first.
    pub(in crate::web::pages) points: Vec<Point>,
}

/// One day of a table.
#[derive(Debug)]
pub(in crate::web::pages) struct Point {
    pub(in crate::web::pages) x: u16,
    pub(in crate::web::pages) day: String,
    /// Empty if no job ended well.
    pub(in crate::web::pages) size: String,
    pub(in crate::web::pages) took: String,
    pub(in crate::web::pages) has_failed: bool,
    /// All of it in words.
    pub(in crate::web::pages) told: String,
    /// The mark of a day with a failure: a triangle, wider than a day.
    pub(in crate::web::pages) mark: String,
}

impl Trends {
    pub(in crate::web::pages) fn of(recent: &Recent) -> Self {
        let has_data = |day: &&TableDay| day.bytes.is_some() || day.seconds.is_some() || day.failed > 0;
        let (mut shown, mut absent) = (Vec::new(), Vec::new());
        for table in REPORTS.iter().map(|report| report.table()) {
            let of_table = recent.tables.iter().filter(|day| day.table == table).filter(has_data);
            let days: Vec<TableDay> = of_table.copied().collect();
            if days.is_empty() {
                absent.push(Name::of(table).title);
            } else {
                shown.push(Trend::of(table, &days, recent));
            }
        }
        let date = |day: Option<&Day>| day.map_or_else(String::new, |day| dated(day.date));
        Self {
            shown,
            absent: absent.join(", "),
            days: recent.days.len(),
            width: width(recent),
            oldest: date(recent.days.first()),
            newest: date(recent.days.last()),
        }
    }
}

impl Trend {
    fn of(table: Table, days: &[TableDay], recent: &Recent) -> Self {
        let sizes: Vec<(u16, u64)> = days.iter().filter_map(|day| Some((day.day, day.bytes?))).collect();
        let times: Vec<(u16, f64)> = days.iter().filter_map(|day| Some((day.day, day.seconds?))).collect();
        let failed = days.iter().filter(|day| day.failed > 0).count();
        let range = |newest: Option<String>, most: Option<String>| match (newest, most) {
            (Some(newest), Some(most)) if newest != most => format!("{newest}, at most {most}"),
            (newest, _) => newest.unwrap_or_else(|| "unknown".to_owned()),
        };
        let longest = times.iter().map(|(_, seconds)| *seconds).reduce(f64::max);
        Self {
            name: Name::of(table),
            size: range(
                sizes.last().map(|(_, size)| bytes(*size)),
                sizes.iter().map(|(_, size)| *size).max().map(bytes),
            ),
            took: range(times.last().map(|(_, seconds)| duration(*seconds)), longest.map(duration)),
            failed: if failed == 0 {
                String::new()
            } else {
                format!("failed or held back on {}", count(failed, "day"))
            },
            line: line(&sizes),
            bars: bars(&times, longest.unwrap_or_default()),
            points: days.iter().map(|day| Point::of(day, recent)).collect(),
        }
    }
}

impl Point {
    fn of(of: &TableDay, recent: &Recent) -> Self {
        let x = of.day * STEP;
        let left = x.saturating_sub(STEP).min(width(recent).saturating_sub(3 * STEP));
        let size = of.bytes.map_or_else(String::new, bytes);
        let took = of.seconds.map_or_else(String::new, duration);
        let figures = [size.as_str(), took.as_str()];
        let figures: Vec<&str> = figures.into_iter().filter(|figure| !figure.is_empty()).collect();
        let failed = (of.failed > 0).then_some("failed or held back");
        let figures = Some(figures.join(" in ")).filter(|figures| !figures.is_empty());
        let told: Vec<&str> = figures.as_deref().into_iter().chain(failed).collect();
        Self {
            told: told.join(", "),
            x,
            day: recent.days.get(usize::from(of.day)).map_or_else(String::new, |day| dated(day.date)),
            size,
            took,
            has_failed: of.failed > 0,
            mark: format!("M{left} 0h{}l-{} 8z", 3 * STEP, STEP + STEP / 2),
        }
    }
}

/// Width of the time axis.
fn width(recent: &Recent) -> u16 {
    STEP * u16::try_from(recent.days.len()).unwrap_or_default()
}

/// A step for each day; a day without a size interrupts the line.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn line(sizes: &[(u16, u64)]) -> String {
    let largest = sizes.iter().map(|(_, size)| *size).max().unwrap_or_default() as f64;
    let mut path = String::new();
    let mut next = None;
    for &(day, size) in sizes {
        let y = SIZES - scaled(size as f64, largest, SIZES - 2.0);
        let _ = if next == Some(day) {
            write!(path, "V{y:.1}h{STEP}")
        } else {
            write!(path, "M{} {y:.1}h{STEP}", day * STEP)
        };
        next = day.checked_add(1);
    }
    path
}

fn bars(times: &[(u16, f64)], longest: f64) -> String {
    let bar = |&(day, seconds): &(u16, f64)| {
        let height = scaled(seconds, longest, HEIGHT - TIMES).max(LOWEST);
        format!("M{} {HEIGHT}v-{height:.1}h{}v{height:.1}z", day * STEP, STEP - 1)
    };
    times.iter().map(bar).collect()
}
