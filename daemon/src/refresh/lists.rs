//! The guard of a table's own lists: a past year does not lose most of its records overnight.

use std::collections::HashMap;

use super::guard::are_same;
use super::table_refresh::TableRefresh;
use super::{RefreshError, TableGuard};
use crate::reports::virtual_year::VirtualYear;
use crate::reports::year::SchoolYear;
use crate::snapshot::ExistingRow;
use crate::state::GuardedList;
use crate::store::{Freshness, SerializedGroup, Shrunk, shrunk};
use crate::vms::Vms;
use crate::vms::tables::{Key, spec};

/// Refuses a group of which a list would lose too much. To be called before anything of the group is written.
///
/// Only entries of a past or the current year are judged: a coming year is still being planned, windows of days
/// move, and lists by event shrink as events pass. Only rows that we wrote under today's settings are compared:
/// other settings make other lists, and so does VMS itself.
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
        // Rows come by id, and the first of a key is the one that VMS reads.
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
    match seen {
        // The loss is for good, and what was behind it in the table was never looked at: it is released as a whole.
        Some(seen) if seen.list == list.list && are_same(seen.items, after) => {
            *guard = None;
            Ok(())
        }
        _ => Err(RefreshError::Guarded { list, before }),
    }
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
