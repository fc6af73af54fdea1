//! A run as a table for people.

use std::fmt::Write as _;

use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::words::Outcome;
use chrono_tz::Tz;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// Renders the tables of a run, aligned, with the errors below them.
pub(super) fn render(run: &Run, zone: Tz) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.force_no_tty();
    table.set_header([
        "TABLE", "OUTCOME", "ENTRIES", "REBUILT", "VERIFIED", "SKIPPED", "PRUNED", "KB", "SECONDS",
    ]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for job in &run.jobs {
        table.add_row(row(job));
    }
    let mut text = table.trim_fmt() + "\n";
    for job in &run.jobs {
        if let Some(error) = &job.error {
            // Writing to a String cannot fail.
            // Without a daemon, the client's command would not work.
            let error = error.replace("`cachectl refresh --accept`", "`cached refresh --accept`");
            let _ = writeln!(text, "{}: {}", job.table, one_line(&error));
        }
        if job.warnings > 0 {
            let _ = writeln!(text, "{}: {} odd source rows, named in the log", job.table, job.warnings);
        }
    }
    let outcome = run.outcome.map_or("nothing to do", Outcome::as_str);
    let started = run.started.map_or_else(String::new, |at| {
        format!(", started {}", at.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z"))
    });
    let _ = writeln!(text, "Run {}: {outcome} in {:.2} seconds{started}", run.id, run.seconds);
    text
}

fn row(job: &Job) -> [String; 9] {
    [
        job.table.to_string(),
        job.outcome.map_or_else(String::new, |outcome| outcome.to_string()),
        job.entries.to_string(),
        job.rebuilt.to_string(),
        job.verified.to_string(),
        job.skipped.to_string(),
        job.pruned.to_string(),
        job.bytes.div_ceil(1024).to_string(),
        format!("{:.2}", job.seconds),
    ]
}
