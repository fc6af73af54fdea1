//! Whether every entry is there, sound and young.

use cached_proto::verb::health::Reason;
use cached_proto::words::Table;

use super::Seen;
use super::reason::degraded;
use crate::store::audit::Audit;

pub(super) fn invalid(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_invalid", "cannot be parsed", |audit| audit.invalid)
}

pub(super) fn incomplete(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_incomplete", "would be rejected by their reader", |audit| audit.incomplete)
}

pub(super) fn missing(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_missing", "are missing", |audit| audit.missing)
}

pub(super) fn stale(seen: &Seen) -> Option<Reason> {
    entries(seen, "entries_stale", "are over their age limit", |audit| audit.stale)
}

fn entries(seen: &Seen, code: &str, are: &str, count: fn(&Audit) -> u64) -> Option<Reason> {
    let tables = seen.tables.as_ref().ok()?;
    let wanting = tables.iter().filter(|survey| count(&survey.audit) > 0);
    let (counts, names): (Vec<u64>, Vec<Table>) =
        wanting.map(|survey| (count(&survey.audit), survey.table)).unzip();
    if counts.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.into_iter().map(Table::as_str).collect();
    let total: u64 = counts.iter().sum();
    let message = format!("{total} entries {are}: {}", names.join(", "));
    Some(degraded(code, message, "`cachectl refresh` makes them now; `cachectl status` shows each table"))
}
