//! Whether everything was ready in the morning, day by day: a calendar with a column for each week.

use cached_present::{Tone, count};
use chrono::{DateTime, Datelike as _, Utc};

use super::super::view::Badge;
use crate::figures::{Day, MORNING, Recent};
use crate::state::ReadinessSample;

/// Distance between two days, and the size of one.
const STEP: u32 = 20;
const CELL: u32 = 16;

/// Room for the names of weekdays and months.
const LEFT: u32 = 34;
const TOP: u32 = 18;

/// Columns that the name of a month takes.
const MONTH: u32 = 2;

/// The mornings of the last days.
#[derive(Debug)]
pub(in crate::web::pages) struct Mornings {
    /// Oldest first.
    pub(in crate::web::pages) cells: Vec<Cell>,
    pub(in crate::web::pages) labels: Vec<Label>,
    pub(in crate::web::pages) width: u32,
    pub(in crate::web::pages) height: u32,
    /// The time in question.
    pub(in crate::web::pages) time: String,
    /// Number of days.
    pub(in crate::web::pages) days: usize,
    /// A description of the plot in one sentence.
    pub(in crate::web::pages) summary: String,
    pub(in crate::web::pages) is_known: bool,
}

/// A text beside the cells.
#[derive(Debug)]
pub(in crate::web::pages) struct Label {
    pub(in crate::web::pages) x: u32,
    pub(in crate::web::pages) y: u32,
    pub(in crate::web::pages) text: String,
}

/// One day.
#[derive(Debug)]
pub(in crate::web::pages) struct Cell {
    pub(in crate::web::pages) x: u32,
    pub(in crate::web::pages) y: u32,
    pub(in crate::web::pages) day: String,
    pub(in crate::web::pages) state: Badge,
    pub(in crate::web::pages) what: String,
    /// A sign on the cell, for people who cannot distinguish its colour.
    pub(in crate::web::pages) sign: String,
}

/// What is known about a morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Morning {
    Ready,
    /// Entries were missing.
    Late,
    /// Every entry was there as far as is known, but some table failed or was held back on that day.
    Failed,
    Unknown,
    /// It is yet to come.
    Ahead,
}

impl Mornings {
    pub(in crate::web::pages) fn of(recent: &Recent, now: DateTime<Utc>) -> Self {
        let offset = recent.days.first().map_or(0, |day| day.date.weekday().num_days_from_monday());
        let mut failed = vec![0_usize; recent.days.len()];
        for day in recent.tables.iter().filter(|day| day.failed > 0) {
            if let Some(failed) = failed.get_mut(usize::from(day.day)) {
                *failed += 1;
            }
        }
        let days = recent.days.iter().zip(&recent.mornings).zip(failed);
        let found = (offset..).zip(days).map(|(place, ((day, sample), failed))| {
            let morning = Morning::of(day, *sample, failed, now);
            (morning, Cell::of(place, day, morning, *sample, failed))
        });
        let (mornings, cells): (Vec<Morning>, Vec<Cell>) = found.unzip();
        let columns = (offset + u32::try_from(cells.len()).unwrap_or_default()).div_ceil(7);
        Self {
            cells,
            labels: labels(&recent.days, offset, columns),
            width: LEFT + columns * STEP,
            height: TOP + 7 * STEP,
            time: MORNING.format("%H:%M").to_string(),
            days: recent.days.len(),
            summary: summary(&mornings),
            is_known: mornings.iter().any(|morning| !matches!(morning, Morning::Unknown | Morning::Ahead)),
        }
    }
}

impl Morning {
    fn of(day: &Day, sample: Option<ReadinessSample>, failed: usize, now: DateTime<Utc>) -> Self {
        match sample {
            Some(sample) if sample.accepted < sample.expected => Self::Late,
            _ if failed > 0 => Self::Failed,
            Some(_) => Self::Ready,
            None if day.morning > now => Self::Ahead,
            None => Self::Unknown,
        }
    }

    fn badge(self) -> Badge {
        let (word, tone) = match self {
            Self::Ready => ("ready", Tone::Good),
            Self::Late => ("late", Tone::Bad),
            Self::Failed => ("failed", Tone::Warning),
            Self::Unknown => ("no data", Tone::Plain),
            Self::Ahead => ("not yet", Tone::Plain),
        };
        Badge::new(word, tone)
    }
}

impl Cell {
    /// The cell at a place, counted from the Monday of the first week.
    fn of(place: u32, day: &Day, morning: Morning, sample: Option<ReadinessSample>, failed: usize) -> Self {
        let (x, y) = (LEFT + place / 7 * STEP, TOP + place % 7 * STEP);
        let there = sample.map(|ReadinessSample { accepted, expected, .. }| match morning {
            Morning::Late => format!("{accepted} of {} were there", count(expected, "entry")),
            _ => format!("every entry was there: {expected}"),
        });
        let failed = (failed > 0).then(|| format!("{} failed or held back that day", count(failed, "table")));
        let what: Vec<String> = there.into_iter().chain(failed).collect();
        let stroke = |path: &str| format!("M{} {}{path}", x + 4, y + 4);
        Self {
            x,
            y,
            day: day.date.format("%a %-d %b").to_string(),
            state: morning.badge(),
            what: what.join("; "),
            sign: match morning {
                Morning::Late => stroke("l8 8m0-8l-8 8"),
                Morning::Failed => stroke("m4-1v6m0 2v2"),
                Morning::Ready | Morning::Unknown | Morning::Ahead => String::new(),
            },
        }
    }
}

/// Names every second weekday, and each month above its first week.
fn labels(days: &[Day], offset: u32, columns: u32) -> Vec<Label> {
    let weekday =
        |(row, name): (u32, &str)| Label { x: 0, y: TOP + row * STEP + CELL - 4, text: name.to_owned() };
    let mut labels: Vec<Label> = [(0, "Mon"), (2, "Wed"), (4, "Fri")].into_iter().map(weekday).collect();
    let mut named: Option<(u32, u32)> = None;
    for column in 0..columns {
        let first = (column * 7).saturating_sub(offset);
        let Some(day) = usize::try_from(first).ok().and_then(|first| days.get(first)) else { continue };
        let month = day.date.month();
        if named.is_some_and(|(named, _)| named == month) {
            continue;
        }
        // A month of a single week would be written over the next one.
        if let Some((_, at)) = named.filter(|(_, at)| column - at < MONTH) {
            labels.retain(|label| label.y >= TOP || label.x != LEFT + at * STEP);
        }
        labels.push(Label { x: LEFT + column * STEP, y: TOP - 6, text: day.date.format("%b").to_string() });
        named = Some((month, column));
    }
    labels
}

fn summary(mornings: &[Morning]) -> String {
    let of = |which| mornings.iter().filter(|morning| **morning == which).count();
    let (ready, late, failed) = (of(Morning::Ready), of(Morning::Late), of(Morning::Failed));
    let known = ready + late + failed;
    let on = match (known, ready) {
        (0, _) => return "No morning is known yet.".to_owned(),
        (1, 1) => "the only day".to_owned(),
        (known, ready) if known == ready => format!("all {known} days"),
        (known, ready) => format!("{ready} of {}", count(known, "day")),
    };
    let mut parts = vec![format!("ready on {on} with data")];
    parts.extend((late > 0).then(|| format!("late on {late}")));
    parts.extend((failed > 0).then(|| format!("a table failed or was held back on {failed}")));
    format!("Everything was {}.", parts.join("; "))
}
