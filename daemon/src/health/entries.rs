//! Checks for missing, damaged and stale entries.

use cached_proto::verb::health::Reason;
use cached_proto::words::{Table, TableState};

use super::Seen;
use super::reason::degraded;
use crate::store::audit::Audit;

pub(super) fn invalid(seen: &Seen) -> Option<Reason> {
    let said = ["cannot be parsed"; 2];
    entries(seen, "entries_invalid", said, |audit| audit.invalid)
}

pub(super) fn incomplete(seen: &Seen) -> Option<Reason> {
    let said = ["would be rejected by its reader", "would be rejected by their reader"];
    entries(seen, "entries_incomplete", said, |audit| audit.incomplete)
}

pub(super) fn missing(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_missing", ["is missing", "are missing"], |audit| audit.missing)
}

pub(super) fn stale(seen: &Seen) -> Option<Reason> {
    // Entries that are stale because of settings or `invalidate` may be only a minute old.
    let said = ["is over its age limit", "are over their age limit"];
    let aged = entries(seen, "entries_stale", said, |audit| {
        audit.stale.saturating_sub(audit.outdated + audit.tolerated)
    });
    let said =
        ["was made under other settings or invalidated", "were made under other settings or invalidated"];
    let outdated = entries(seen, "entries_stale", said, |audit| audit.outdated);
    match (aged, outdated) {
        (Some(aged), Some(outdated)) => {
            Some(Reason { message: format!("{}; {}", aged.message, outdated.message), ..aged })
        }
        (aged, outdated) => aged.or(outdated),
    }
}

/// `said` is the predicate of the message for one entry and for several.
fn entries(seen: &Seen, code: &str, said: [&str; 2], count: fn(&Audit) -> u64) -> Option<Reason> {
    let tables = seen.tables.as_ref().ok()?;
    // Skip held tables: their expected entries come from the very source that the guard distrusts, and no
    // refresh generates them now.
    let believed = tables.iter().filter(|survey| survey.state != TableState::Guarded);
    let wanting = believed.filter(|survey| count(&survey.audit) > 0);
    let (counts, names): (Vec<u64>, Vec<Table>) =
        wanting.map(|survey| (count(&survey.audit), survey.table)).unzip();
    if counts.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.into_iter().map(Table::as_str).collect();
    let total: u64 = counts.iter().sum();
    let [is, are] = said;
    let entries = if total == 1 { format!("1 entry {is}") } else { format!("{total} entries {are}") };
    let message = format!("{entries}: {}", names.join(", "));
    Some(degraded(code, message, "`cachectl refresh` makes them now; `cachectl status` shows each table"))
}
