//! Checks whether VMS's schema still matches the reports.

use cached_proto::verb::health::Reason;
use cached_proto::words::TableState;

use super::Seen;
use super::reason::{degraded, unhealthy};
use crate::refresh::survey::TableSurvey;

pub(super) fn disabled(seen: &Seen) -> Option<Reason> {
    let tables = seen.tables.as_ref().ok()?;
    let disabled: Vec<&TableSurvey> =
        tables.iter().filter(|survey| survey.state == TableState::Disabled).collect();
    // A table that nobody wants filled says nothing about whether refreshing works.
    let wanted = tables.iter().filter(|survey| {
        !matches!(survey.state, TableState::Off | TableState::NotApplicable | TableState::Withheld)
    });
    let notes: Vec<String> = disabled
        .iter()
        .map(|survey| format!("{} ({})", survey.table, survey.note.as_deref().unwrap_or_default()))
        .collect();
    let hint = "install a version of cached that knows this version of VMS; `cached check` shows what is missing; a report \
         that panicked is a bug: please report it with the log";
    let message = format!("not refreshed: {}", notes.join("; "));
    match disabled.len() {
        0 => None,
        all if all == wanted.count() => Some(unhealthy("tables_disabled", message, hint)),
        _ => Some(degraded("tables_disabled", message, hint)),
    }
}
