//! Checks how the last refresh of each table ended.

use cached_proto::verb::health::Reason;
use cached_proto::verb::jobs::Job;
use cached_proto::words::Outcome;

use super::Seen;
use super::reason::{degraded, unhealthy};
use crate::jobs::failures;

/// Judges each table by its own newest job: a later success of other tables does not fix it.
pub(super) fn failed(seen: &Seen) -> Option<Reason> {
    // A table held by the guard has a reason of its own.
    let bad = |job: &&Job| job.outcome.is_some_and(|o| !o.is_good() && o != Outcome::Guarded);
    let good = |job: &Job| job.outcome.is_some_and(|o| o.is_good() && o.is_tried());
    let failures = failures(seen.results.iter().filter(bad));
    if failures.is_empty() {
        return None;
    }
    let database = seen.database.display();
    let message = format!("the last refresh of some tables on {database} did not end well: {failures}");
    let hint = "`cachectl jobs --failed` shows the errors; remove the cause, then `cachectl retry --failed`";
    // If some tables are kept fresh, refreshing works.
    let level = if seen.results.iter().any(good) { degraded } else { unhealthy };
    Some(level("last_run_failed", message, hint))
}
