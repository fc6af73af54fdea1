//! Reports tables that are deliberately not filled.

use std::collections::BTreeMap;

use cached_proto::verb::health::Reason;
use cached_proto::words::TableState;

use super::Seen;
use super::reason::{degraded, notice};

pub(super) fn guarded(seen: &Seen) -> Option<Reason> {
    let message = told(seen, TableState::Guarded)?;
    let hint = "if the rows are gone for good, `cachectl refresh --accept` believes it; if an import is half done, \
                let it end, then `cachectl refresh`";
    Some(degraded("tables_guarded", message, hint))
}

pub(super) fn withheld(seen: &Seen) -> Option<Reason> {
    let message = told(seen, TableState::Withheld)?;
    let hint = "nothing has to be done: VMS computes these pages itself; `cachectl status` shows the table";
    Some(notice("tables_withheld", message, hint))
}

/// Lists the tables in a state, grouped by reason.
fn told(seen: &Seen, state: TableState) -> Option<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for survey in seen.tables.iter().flatten().filter(|survey| survey.state == state) {
        reasons.entry(survey.note.as_deref().unwrap_or_default()).or_default().push(survey.table.as_str());
    }
    let parts: Vec<String> =
        reasons.into_iter().map(|(note, tables)| format!("{} {state}: {note}", tables.join(", "))).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
