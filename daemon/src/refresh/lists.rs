//! The guard of a table's own lists: it holds back a refresh in which a past year would lose most of its
//! records, or a table most of its entries.

use std::collections::{HashMap, HashSet};

use super::table_refresh::TableRefresh;
use super::{RefreshError, TableGuard};
use crate::reports::virtual_year::VirtualYear;
use crate::reports::year::SchoolYear;
use crate::snapshot::ExistingRow;
use crate::state::GuardedList;
use crate::store::{Freshness, LossLimits, SerializedGroup, Shrunk, shrunk};
use crate::vms::Vms;
use crate::vms::tables::{Key, spec};

/// Rejects a group if one of its lists would lose too much. To be called before anything of the group is
/// written.
///
/// Only entries of a past or the current year are judged: a coming year is still being planned, windows of
/// days move, and lists by event shrink as events pass. Only rows that the daemon wrote under the current
/// settings are compared: lists differ under other settings, and in rows that VMS wrote.
pub(super) async fn guard_lists(
    guard: &mut Option<TableGuard>,
    vms: &Vms,
    job: &TableRefresh,
    group: &SerializedGroup,
    freshness: &Freshness<'_>,
    skip: impl Fn(&ExistingRow) -> bool,
) -> Result<(), RefreshError> {
    let Some(TableGuard { limits, seen }) = guard else { return Ok(()) };
    let spec = spec(job.table);
    let mut existing: HashMap<&Key, &ExistingRow> = HashMap::new();
    for row in job.snapshot.existing(job.table) {
        // Rows are ordered by id, and VMS reads the first one of a key.
        existing.entry(&row.key).or_insert(row);
    }
    let compared: Vec<_> = group
        .entries
        .iter()
        .filter(|entry| !entry.columns.is_empty() && is_settled(&entry.key, job))
        .filter_map(|entry| Some((*existing.get(&entry.key)?, entry)))
        .filter(|(row, _)| freshness.is_ours_of_today(row) && !skip(row))
        .collect();
    let Some(Shrunk { key, column, before, after }) = shrunk(vms, spec, &compared, *limits).await? else {
        return Ok(());
    };
    let list = GuardedList { list: format!("{} {key}, {column}", job.table), items: after };
    if seen.as_ref().is_some_and(|seen| seen.releases(&list)) {
        // The loss is for good, and the rest of the table was not checked at the time: the table is released
        // as a whole.
        *guard = None;
        return Ok(());
    }
    Err(RefreshError::Guarded { list, before, what: "records" })
}

/// Rejects a group that would remove rows when most of the table's entries are no longer expected: a
/// half-imported source can have as many rows as before without naming what it should. To be called before
/// anything of the group is written.
///
/// However small the table, more than one entry must not be lost like that. Only tables of years are judged:
/// rows of windows and of events expire by themselves.
pub(super) fn guard_entries(
    guard: &mut Option<TableGuard>,
    job: &TableRefresh,
    group: &SerializedGroup,
    freshness: &Freshness<'_>,
) -> Result<(), RefreshError> {
    let Some(TableGuard { limits, seen }) = guard else { return Ok(()) };
    let is_of_years = matches!(spec(job.table).key.first(), Some(&("school_year" | "virtual_year")));
    if group.retire.is_empty() || !is_of_years {
        return Ok(());
    }
    let known: HashSet<&Key> = job
        .snapshot
        .existing(job.table)
        .iter()
        .map(|row| &row.key)
        .filter(|key| freshness.is_known_of_today(key))
        .collect();
    let expected = job.report.keys(&job.snapshot, &job.settings, job.now);
    let before = known.len() as u64;
    let after = expected.iter().filter(|key| known.contains(key)).count() as u64;
    let limits = LossLimits { min_rows: 0, ..*limits };
    if before.saturating_sub(after) <= 1 || !limits.are_exceeded(before, after) {
        return Ok(());
    }
    let list = GuardedList { list: job.table.to_string(), items: after };
    if seen.as_ref().is_some_and(|seen| seen.releases(&list)) {
        *guard = None;
        return Ok(());
    }
    Err(RefreshError::Guarded { list, before, what: "entries" })
}

/// Whether a key names a past or the current year.
fn is_settled(key: &Key, job: &TableRefresh) -> bool {
    let zone = job.settings.zone;
    let Some(year) = key.text(0) else { return false };
    match spec(job.table).key.first() {
        Some(&"school_year") => {
            SchoolYear::from_key(year).is_some_and(|year| year <= SchoolYear::current(job.now, zone))
        }
        Some(&"virtual_year") => {
            VirtualYear::from_key(year).is_some_and(|year| year <= VirtualYear::current(job.now, zone))
        }
        _ => false,
    }
}
