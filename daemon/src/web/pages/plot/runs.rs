//! The runs of recent weeks as a plot, and as a table with the same data.

use cached_present::{Tone, duration, spoken};
use cached_proto::verb::history::Run;
use cached_proto::words::Phase;

use super::super::view::{Badge, View, When, class};
use super::{dated, scaled};
use crate::web::views::WINDOW;

/// Width of the plot in its own units; it is scaled to the space available.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;

/// Width of a bar: one run per night leaves a gap between bars.
const BAR: f64 = 12.0;

/// Lowest height of a bar, so that a run that took no time is visible as well.
const LOWEST: f64 = 3.0;

/// Most runs that the table lists.
const LISTED: usize = 50;

/// The runs of recent weeks.
#[derive(Debug)]
pub(in crate::web::pages) struct Plot {
    /// Bars of failed runs come last, so that no other bar covers them.
    pub(in crate::web::pages) bars: Vec<Bar>,
    /// The duration at the top of the plot.
    pub(in crate::web::pages) top: String,
    /// Dates from left to right, at equal distances.
    pub(in crate::web::pages) days: [String; 5],
    /// A description of the plot in one sentence.
    pub(in crate::web::pages) summary: String,
    /// Rows of the table, newest first.
    pub(in crate::web::pages) rows: Vec<RunRow>,
    /// Number of runs that are not listed.
    pub(in crate::web::pages) unlisted: usize,
}

#[derive(Debug)]
pub(in crate::web::pages) struct Bar {
    pub(in crate::web::pages) x: String,
    pub(in crate::web::pages) y: String,
    pub(in crate::web::pages) height: String,
    pub(in crate::web::pages) tone: &'static str,
    /// Whether the run went wrong. Such runs are often short, so the bar is drawn in a visible column, below
    /// a mark.
    pub(in crate::web::pages) is_bad: bool,
    /// The mark: a triangle that points at the bar.
    pub(in crate::web::pages) mark: String,
    pub(in crate::web::pages) title: String,
}

/// A run in a list.
#[derive(Debug)]
pub(in crate::web::pages) struct RunRow {
    pub(in crate::web::pages) id: i64,
    pub(in crate::web::pages) trigger: String,
    pub(in crate::web::pages) state: Badge,
    pub(in crate::web::pages) when: When,
    pub(in crate::web::pages) took: String,
    pub(in crate::web::pages) tables: usize,
}

impl Plot {
    pub(in crate::web::pages) fn of(runs: &[Run], view: &View) -> Self {
        let ended: Vec<&Run> = runs.iter().filter(|run| run.phase == Phase::Done).collect();
        let longest = ended.iter().map(|run| run.seconds).fold(0.0, f64::max);
        let day = |quarters: i32| {
            let at = view.now - WINDOW + WINDOW / 4 * quarters;
            dated(at.with_timezone(&view.zone).date_naive())
        };
        let mut bars: Vec<Bar> = ended.iter().rev().map(|run| bar(run, longest, view)).collect();
        bars.sort_by_key(|bar| bar.is_bad);
        Self {
            summary: summary(&bars, longest),
            bars,
            top: duration(longest),
            days: [0, 1, 2, 3, 4].map(day),
            rows: runs.iter().take(LISTED).map(|run| RunRow::of(run, view)).collect(),
            unlisted: runs.len().saturating_sub(LISTED),
        }
    }
}

impl RunRow {
    pub(in crate::web::pages) fn of(run: &Run, view: &View) -> Self {
        Self {
            id: run.id,
            trigger: spoken(run.trigger.as_str()),
            state: Badge::of_run(run),
            when: view.when(run.started.unwrap_or(run.queued)),
            took: run.ended.map_or_else(String::new, |_| duration(run.seconds)),
            tables: run.jobs.len(),
        }
    }
}

fn summary(bars: &[Bar], longest: f64) -> String {
    let failed = bars.iter().filter(|bar| bar.is_bad).count();
    let took = duration(longest);
    match (bars.len(), failed) {
        (0, _) => "No run has ended yet.".to_owned(),
        (1, 0) => format!("1 run, which ended well; it took {took}."),
        (1, _) => format!("1 run, which failed or held tables back; it took {took}."),
        (all, 0) => format!("{all} runs, all of which ended well; the longest took {took}."),
        (all, failed) => format!("{all} runs; {failed} failed or held tables back; the longest took {took}."),
    }
}

fn bar(run: &Run, longest: f64, view: &View) -> Bar {
    let row = RunRow::of(run, view);
    let age = view.now - run.started.unwrap_or(run.queued).to_utc();
    let share = 1.0 - (age.as_seconds_f64() / WINDOW.as_seconds_f64()).clamp(0.0, 1.0);
    let height = scaled(run.seconds, longest, HEIGHT).max(LOWEST);
    let x = share * (WIDTH - BAR);
    Bar {
        x: format!("{x:.1}"),
        y: format!("{:.1}", HEIGHT - height),
        height: format!("{height:.1}"),
        tone: row.state.tone,
        is_bad: row.state.tone == class(Tone::Bad),
        mark: format!("M{x:.1} 0h{BAR}l-{} 12z", BAR / 2.0),
        title: format!(
            "{}: run {} ({}) {} in {}",
            row.when.text, row.id, row.trigger, row.state.word, row.took
        ),
    }
}
