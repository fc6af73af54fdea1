//! How the last run ended.

use cached_proto::text::one_line;
use cached_proto::verb::health::Reason;
use cached_proto::verb::jobs::Job;
use cached_proto::words::Outcome;

use super::Seen;
use super::reason::{degraded, unhealthy};

pub(super) fn failed(seen: &Seen) -> Option<Reason> {
    let run = seen.last.as_ref()?;
    let good = |job: &Job| job.outcome.is_some_and(Outcome::is_good);
    // A table that is held back has a reason of its own, which lasts longer than the last run.
    let bad = |job: &&Job| job.outcome.is_some_and(|o| !o.is_good() && o != Outcome::Guarded);
    let bad: Vec<String> = run
        .jobs
        .iter()
        .filter(bad)
        .map(|job| format!("{}: {}", job.table, one_line(job.error.as_deref().unwrap_or("no reason given"))))
        .collect();
    if bad.is_empty() {
        return None;
    }
    let (id, database) = (run.id, seen.database.display());
    let message = format!("run {id} on {database} did not end well: {}", bad.join("; "));
    let hint = "`cachectl jobs --failed` shows the attempts; remove the cause, then `cachectl refresh`";
    // As long as some tables are kept, refreshing works.
    let level = if run.jobs.iter().any(good) { degraded } else { unhealthy };
    Some(level("last_run_failed", message, hint))
}
