//! The result of a run, table by table.

use std::fmt::Write as _;

use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Phase};
use comfy_table::Cell;

use crate::output::style::standing;
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, bytes, count, table, time};

/// Whether everything that was requested ended well; a run that was cancelled did not.
pub(super) fn ended_well(run: &Run) -> bool {
    run.phase == Phase::Done
        && run.outcome.is_none_or(Outcome::is_good)
        && run.jobs.iter().all(|job| job.outcome.is_some_and(Outcome::is_good))
}

/// Renders the verdict, the tables, and their errors.
pub(super) fn render(run: &Run, view: &View) -> String {
    let (word, tone) = standing(run.phase, run.outcome);
    let mut text = format!(
        "Run {}: {}, {} in {}\n",
        run.id,
        view.style.paint(tone, &word),
        count(run.jobs.len(), "table"),
        time::duration(run.seconds)
    );
    if run.jobs.is_empty() {
        return text;
    }
    let wide = view.is_wide();
    let mut columns = vec![words("TABLE"), words("OUTCOME"), numbers("ENTRIES"), numbers("REBUILT")];
    columns.push(numbers("VERIFIED"));
    if wide {
        columns.extend(["SKIPPED", "PRUNED", "FAILED", "SIZE"].map(numbers));
    }
    columns.push(numbers("TOOK"));
    let rows = run.jobs.iter().map(|job| row(job, wide)).collect();
    let _ = write!(text, "\n{}", table::render(view, &columns, rows));
    text.push_str(&remarks(&run.jobs));
    text
}

fn row(job: &Job, wide: bool) -> Vec<Cell> {
    let mut numbers = vec![job.entries, job.rebuilt, job.verified];
    if wide {
        numbers.extend([job.skipped, job.pruned, job.failed]);
    }
    let mut row = vec![cell(job.table.as_str()), toned(standing(job.phase, job.outcome))];
    row.extend(numbers.into_iter().map(|number| cell(number.to_string())));
    if wide {
        row.push(cell(bytes(job.bytes)));
    }
    row.push(cell(time::duration(job.seconds)));
    row
}

fn remarks(jobs: &[Job]) -> String {
    let mut lines = Vec::new();
    for job in jobs {
        if let Some(error) = &job.error {
            lines.push(format!("{}: {}", job.table, one_line(error)));
        }
        if job.warnings > 0 {
            let warnings = format!("{} source rows left out or read with a substitute", job.warnings);
            lines.push(format!("{}: {warnings}", job.table));
        }
    }
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::Table;

    use super::*;
    use crate::testing::{HOSTILE, job, run, view};

    fn mixed() -> Run {
        let failed = Job {
            error: Some(HOSTILE.into()),
            warnings: 2,
            ..job(2, Table::DiaEventsReportCache, Outcome::Failed)
        };
        run(vec![
            job(1, Table::DistrictYearEndReports, Outcome::Rebuilt),
            job(3, Table::DistrictEngagementReports, Outcome::NotApplicable),
            failed,
        ])
    }

    #[test]
    fn the_verdict_comes_first_and_the_errors_last() {
        insta::assert_snapshot!(render(&mixed(), &view()), @r"
        Run 12: failed, 3 tables in 4.56 s

        TABLE                        OUTCOME         ENTRIES  REBUILT  VERIFIED    TOOK
        district_year_end_reports    rebuilt              21       20         1  0.41 s
        district_engagement_reports  not applicable       21       20         1  0.41 s
        dia_events_report_cache      failed               21       20         1  0.41 s

        dia_events_report_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        dia_events_report_cache: 2 source rows left out or read with a substitute
        ");
    }

    #[test]
    fn a_file_gets_every_column() {
        insta::assert_snapshot!(render(&mixed(), &View { width: None, ..view() }), @r"
        Run 12: failed, 3 tables in 4.56 s

        TABLE                        OUTCOME         ENTRIES  REBUILT  VERIFIED  SKIPPED  PRUNED  FAILED     SIZE    TOOK
        district_year_end_reports    rebuilt              21       20         1        0       3       0  12.3 kB  0.41 s
        district_engagement_reports  not applicable       21       20         1        0       3       0  12.3 kB  0.41 s
        dia_events_report_cache      failed               21       20         1        0       3       0  12.3 kB  0.41 s

        dia_events_report_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        dia_events_report_cache: 2 source rows left out or read with a substitute
        ");
    }

    #[test]
    fn a_run_without_tables_has_no_listing() {
        insta::assert_snapshot!(render(&run(Vec::new()), &view()), @"Run 12: done, 0 tables in 4.56 s");
    }

    #[test]
    fn a_run_ends_well_when_each_of_its_tables_does() {
        for &outcome in Outcome::ALL {
            let run = run(vec![job(1, Table::DiaEventsReportCache, outcome)]);
            assert_eq!(ended_well(&run), outcome.is_good(), "{outcome}");
        }
        assert!(ended_well(&run(Vec::new())));
        assert!(!ended_well(&Run { phase: Phase::Cancelled, ..run(Vec::new()) }));
    }
}
