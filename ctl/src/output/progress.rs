//! Progress of a run on standard error: a moving line on a terminal, plain lines elsewhere.

use std::time::Duration;

use cached_present::count;
use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::verb::maintenance::MaintenanceStep;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::Phase;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::note;

/// Interval at which the elapsed time is redrawn between events.
const TICK: Duration = Duration::from_millis(200);

/// The state of a run, collected from its events.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    total: usize,
    done: usize,
    current: Option<String>,
    /// The current step of a maintenance task.
    steps: Option<String>,
}

impl Tracker {
    /// Records an event; returns the lines that a log of the run would have for it.
    pub(crate) fn observe(&mut self, event: &Progress) -> Vec<String> {
        match event {
            Progress::Snapshot(run) => self.begin(run),
            Progress::JobStarted(job) => {
                self.current = Some(job.table.to_string());
                Vec::new()
            }
            Progress::JobWaits(job) => {
                self.current = None;
                let error = one_line(job.error.as_deref().unwrap_or("no reason given")).into_owned();
                vec![format!("{}: will be tried again: {error}", job.table)]
            }
            Progress::JobDone(job) => {
                self.done += 1;
                self.current = None;
                vec![job_line(job)]
            }
            Progress::Step(step) => self.step(step),
            Progress::RunDone(_) | Progress::MaintenanceDone(_) | Progress::Scheduler(_) => Vec::new(),
        }
    }

    fn step(&mut self, step: &MaintenanceStep) -> Vec<String> {
        let doing = one_line(&step.doing).into_owned();
        self.steps = Some(match step.total {
            0 => doing.clone(),
            total => format!("{} of {total}, {doing}", step.done),
        });
        vec![doing]
    }

    fn begin(&mut self, run: &Run) -> Vec<String> {
        let ended: Vec<&Job> =
            run.jobs.iter().filter(|job| matches!(job.phase, Phase::Done | Phase::Cancelled)).collect();
        self.total = run.jobs.len();
        self.done = ended.len();
        self.current =
            run.jobs.iter().find(|job| job.phase == Phase::Running).map(|job| job.table.to_string());
        let waits = if run.phase == Phase::Queued { ", queued" } else { "" };
        let first = format!("run {}: {}{waits}", run.id, count(self.total, "table"));
        std::iter::once(first).chain(ended.into_iter().map(job_line)).collect()
    }

    /// The moving line.
    pub(crate) fn message(&self) -> String {
        if let Some(steps) = &self.steps {
            return steps.clone();
        }
        let done = format!("{} of {}", self.done, count(self.total, "table"));
        match &self.current {
            Some(table) => format!("{done}, {table}"),
            None => done,
        }
    }
}

/// `district_year_end_reports: rebuilt, 21 entries, took 0.41 seconds`
fn job_line(job: &Job) -> String {
    let ending = job.outcome.map_or(job.phase.as_str(), |outcome| outcome.as_str());
    if let Some(error) = &job.error {
        return format!("{}: {ending}: {}", job.table, one_line(error));
    }
    let entries = count(job.figures.entries, "entry");
    format!("{}: {ending}, {entries}, took {:.2} seconds", job.table, job.figures.seconds)
}

/// Shows the progress of one run.
#[derive(Debug)]
pub(crate) struct Display {
    tracker: Tracker,
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl Display {
    /// `quiet`: nothing is shown. `moving`: standard error is a terminal.
    pub(crate) fn new(quiet: bool, moving: bool) -> Self {
        let bar = (moving && !quiet).then(|| {
            let bar = ProgressBar::new_spinner().with_message("waiting for the daemon");
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { tracker: Tracker::default(), quiet, bar }
    }

    /// Shows an event.
    pub(crate) fn observe(&mut self, event: &Progress) {
        let lines = self.tracker.observe(event);
        match &self.bar {
            Some(bar) => bar.set_message(self.tracker.message()),
            None if self.quiet => {}
            None => lines.iter().for_each(|line| note(line)),
        }
    }
}

impl Drop for Display {
    /// However the wait ends, later output begins on a clean line.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::{Outcome, Table};

    use super::*;
    use crate::testing::{HOSTILE, job, run};

    /// Two tables: one that ended before the client followed, one that is refreshed afterwards.
    fn events() -> Vec<Progress> {
        let before = job(1, Table::DistrictYearEndReports, Outcome::Rebuilt);
        let failed =
            Job { error: Some(HOSTILE.into()), ..job(2, Table::DiaEventsReportCache, Outcome::Failed) };
        let queued = Job { phase: Phase::Queued, outcome: None, error: None, ..failed.clone() };
        let running = Job { phase: Phase::Running, ..queued.clone() };
        vec![
            Progress::Snapshot(Run { phase: Phase::Running, ..run(vec![before, queued]) }),
            Progress::JobStarted(running.clone()),
            Progress::JobWaits(Job { error: Some(HOSTILE.into()), ..running.clone() }),
            Progress::JobStarted(running),
            Progress::JobDone(failed),
        ]
    }

    #[test]
    fn without_a_terminal_each_table_is_a_line() {
        let mut tracker = Tracker::default();
        let lines: Vec<String> = events().iter().flat_map(|event| tracker.observe(event)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        run 12: 2 tables
        district_year_end_reports: rebuilt, 21 entries, took 0.41 seconds
        dia_events_report_cache: will be tried again: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        dia_events_report_cache: failed: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn on_a_terminal_progress_is_one_line_that_is_redrawn() {
        let mut tracker = Tracker::default();
        let messages = events().into_iter().map(|event| {
            tracker.observe(&event);
            tracker.message()
        });
        insta::assert_snapshot!(messages.collect::<Vec<_>>().join("\n"), @r"
        1 of 2 tables
        1 of 2 tables, dia_events_report_cache
        1 of 2 tables
        1 of 2 tables, dia_events_report_cache
        2 of 2 tables
        ");
    }

    #[test]
    fn a_snapshot_of_a_running_table_names_it() {
        let running = Job { phase: Phase::Running, ..job(1, Table::DiaEventsReportCache, Outcome::Rebuilt) };
        let mut tracker = Tracker::default();
        tracker.observe(&Progress::Snapshot(run(vec![running])));
        assert_eq!(tracker.message(), "0 of 1 table, dia_events_report_cache");
    }

    #[test]
    fn a_queued_run_says_that_it_waits() {
        let queued = Run { phase: Phase::Queued, ..run(Vec::new()) };
        let lines = Tracker::default().observe(&Progress::Snapshot(queued));
        assert_eq!(lines, ["run 12: 0 tables, queued"]);
    }
}
