//! `run`: one run with its tables.

use std::fmt::Write as _;

use cached_present::{bytes, count, duration, spoken, standing};
use cached_proto::text::one_line;
use cached_proto::verb::history::{HistoryPageRequest, Run};
use cached_proto::verb::jobs::{Job, JobFigures, UnknownRow};
use cached_proto::words::Trigger;
use clap::Args;
use comfy_table::Cell;
use serde::Serialize;

use super::history::fetch;
use super::jobs::unknown;
use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table};
use crate::values;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Number of the run
    #[arg(value_name = "ID", value_parser = values::run)]
    pub(crate) run: i64,
}

/// The answer in JSON, like that of `job`. A run with words of another version is among the unknown rows.
#[derive(Serialize)]
struct Shown {
    run: Option<Run>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<UnknownRow>,
}

/// Requests the newest run up to that number, which is the run if it exists, and prints it.
pub(crate) async fn run(args: &RunArgs, context: &Context) -> Result<Exit, CtlError> {
    let before = Some(args.run.saturating_add(1));
    let found = fetch(HistoryPageRequest { since_seconds: u64::MAX, before, limit: 1 }, context).await?;
    let is_it = |run: i64| run == args.run;
    let shown = Shown {
        run: found.runs.into_iter().find(|run| is_it(run.id)),
        unknown: found.unknown.into_iter().filter(|row| is_it(row.run)).collect(),
    };
    if shown.run.is_none() && shown.unknown.is_empty() {
        return Err(CtlError::NoSuchRun(args.run));
    }
    let text = |view: &View| {
        let run = shown.run.as_ref().map(|run| render(run, view)).unwrap_or_default();
        run + &unknown(&shown.unknown)
    };
    context.print_zoned(&shown, text).await?;
    Ok(Exit::Good)
}

fn render(run: &Run, view: &View) -> String {
    let mut text = verdict(run, view);
    let trigger = spoken(run.trigger.as_str());
    let _ = match (run.trigger, &run.slot) {
        (Trigger::Manual, _) => {
            writeln!(text, "Trigger  {trigger}; `cachectl logs --run {}` shows who requested it", run.id)
        }
        (_, Some(slot)) => writeln!(text, "Trigger  {trigger}, for the slot {}", one_line(slot)),
        (_, None) => writeln!(text, "Trigger  {trigger}"),
    };
    for (what, at) in [("Queued ", Some(run.queued)), ("Started", run.started), ("Ended  ", run.ended)] {
        if let Some(at) = at {
            let _ = writeln!(text, "{what}  {} ({})", view.moment(at), view.distance(at));
        }
    }
    text + &listing(run, Numbered::Yes, view)
}

/// Returns `Run 12: failed, 3 tables in 4.56 s`.
pub(super) fn verdict(run: &Run, view: &View) -> String {
    let (word, tone) = standing(run.phase, run.outcome);
    let tables = count(run.jobs.len(), "table");
    let took = if run.ended.is_some() { format!(" in {}", duration(run.seconds)) } else { String::new() };
    format!("Run {}: {}, {tables}{took}\n", run.id, view.style.paint(tone, &word))
}

/// Whether the tables are listed with the numbers of their jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    Yes,
    No,
}

/// Renders the tables of a run, with their errors below; empty without tables.
pub(super) fn listing(run: &Run, numbered: Numbered, view: &View) -> String {
    if run.jobs.is_empty() {
        return String::new();
    }
    let job = numbers("JOB");
    let columns = [
        words("TABLE"),
        words("OUTCOME"),
        numbers("ENTRIES"),
        numbers("REBUILT"),
        numbers("VERIFIED").secondary(),
        numbers("SKIPPED").secondary(),
        numbers("PRUNED").secondary(),
        numbers("FAILED").secondary(),
        numbers("SIZE").secondary(),
        numbers("TOOK"),
    ];
    let with_number = numbered == Numbered::Yes;
    let columns: Vec<_> = with_number.then_some(job).into_iter().chain(columns).collect();
    let rows = run.jobs.iter().map(|job| {
        let number = with_number.then(|| cell(job.id.to_string()));
        number.into_iter().chain(row(job)).collect()
    });
    format!("\n{}{}", table::render(view, &columns, rows.collect()), remarks(&run.jobs))
}

fn row(job: &Job) -> [Cell; 10] {
    let JobFigures { entries, rebuilt, verified, skipped, pruned, failed, bytes: size, seconds, .. } =
        job.figures;
    let [entries, rebuilt, verified, skipped, pruned, failed] =
        [entries, rebuilt, verified, skipped, pruned, failed].map(|number| cell(number.to_string()));
    let outcome = toned(standing(job.phase, job.outcome));
    let (size, took) = (cell(bytes(size)), cell(duration(seconds)));
    [cell(job.table.as_str()), outcome, entries, rebuilt, verified, skipped, pruned, failed, size, took]
}

fn remarks(jobs: &[Job]) -> String {
    let mut lines = Vec::new();
    for job in jobs {
        if let Some(error) = &job.error {
            lines.push(format!("{}: {}", job.table, one_line(error)));
        }
        if job.figures.warnings > 0 {
            let warnings =
                format!("{} skipped or read with default values", count(job.figures.warnings, "source row"));
            lines.push(format!("{}: {warnings}", job.table));
        }
    }
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::{Outcome, Phase, Table};

    use super::*;
    use crate::testing::{HOSTILE, job, run, view};

    fn night() -> Run {
        let failed =
            Job { error: Some(HOSTILE.into()), ..job(8, Table::DiaEventsReportCache, Outcome::Failed) };
        let jobs = vec![job(7, Table::DistrictYearEndReports, Outcome::Rebuilt), failed];
        Run { trigger: Trigger::Schedule, slot: Some("2026-11-22 02:00".into()), ..run(jobs) }
    }

    #[test]
    fn a_run_is_shown_with_its_trigger_its_times_and_its_jobs() {
        insta::assert_snapshot!(render(&night(), &view()), @r"
        Run 12: failed, 2 tables in 4.56 s
        Trigger  schedule, for the slot 2026-11-22 02:00
        Queued   Sun 22 Nov 14:40 CST (4 min ago)
        Started  Sun 22 Nov 14:40 CST (3 min 59 s ago)
        Ended    Sun 22 Nov 14:40 CST (3 min 55 s ago)

        JOB  TABLE                      OUTCOME  ENTRIES  REBUILT  VERIFIED    TOOK
          7  district_year_end_reports  rebuilt       21       20         1  0.41 s
          8  dia_events_report_cache    failed        21       20         1  0.41 s
        The terminal is too narrow for SKIPPED, PRUNED, FAILED, SIZE; `--json` has all.

        dia_events_report_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn a_manual_run_says_where_its_requester_is_named_and_a_queued_one_has_no_times_of_work() {
        let queued =
            Run { phase: Phase::Queued, started: None, ended: None, outcome: None, ..run(Vec::new()) };
        insta::assert_snapshot!(render(&queued, &view()), @r"
        Run 12: queued, 0 tables
        Trigger  manual; `cachectl logs --run 12` shows who requested it
        Queued   Sun 22 Nov 14:40 CST (4 min ago)
        ");
    }

    #[test]
    fn json_is_the_run_below_a_key_of_its_own() {
        let json = serde_json::to_value(Shown { run: Some(night()), unknown: Vec::new() }).unwrap();
        assert_eq!((&json["run"]["id"], &json["run"]["jobs"][1]["id"]), (&12.into(), &8.into()));
        assert_eq!(json["run"]["slot"], "2026-11-22 02:00");
    }
}
