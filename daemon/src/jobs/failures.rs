//! One-sentence summary of jobs that did not end well.

use cached_proto::text::one_line;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Table};

/// Number of causes that are spelled out; for the others, only their tables are counted.
const TOLD: usize = 5;

/// Summarizes jobs that did not end well, by cause: `a, b failed: why; c disabled: why; 2 more tables`.
pub fn failures<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> String {
    failures_named(jobs, Table::as_str)
}

/// The same, with the names that its reader knows tables by.
pub fn failures_named<'j>(
    jobs: impl IntoIterator<Item = &'j Job>,
    name: impl Fn(Table) -> &'static str,
) -> String {
    let mut groups: Vec<(Outcome, &str, Vec<Table>)> = Vec::new();
    for job in jobs {
        let Some(outcome) = job.outcome.filter(|outcome| !outcome.is_good()) else { continue };
        let why = job.error.as_deref().unwrap_or("the log says why");
        match groups.iter_mut().find(|(other, error, _)| (*other, *error) == (outcome, why)) {
            Some((.., tables)) => tables.push(job.table),
            None => groups.push((outcome, why, vec![job.table])),
        }
    }
    let mut told: Vec<String> = groups
        .iter()
        .take(TOLD)
        .map(|(outcome, why, tables)| {
            let names: Vec<&str> = tables.iter().map(|table| name(*table)).collect();
            format!("{} {outcome}: {}", names.join(", "), one_line(why))
        })
        .collect();
    match groups.iter().skip(TOLD).map(|(.., tables)| tables.len()).sum() {
        0 => {}
        1 => told.push("1 more table".to_owned()),
        more => told.push(format!("{more} more tables")),
    }
    told.join("; ")
}
