//! Rows of a district table: one per year and active district.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::reports::year::SchoolYear;
use crate::reports::{Entry, Group, ReportSettings};
use crate::snapshot::{District, Snapshot};
use crate::vms::tables::{Key, KeyValue, Table};

/// Returns the years that `table` has.
pub(super) fn years(
    table: Table,
    snapshot: &Snapshot,
    settings: &ReportSettings,
    now: DateTime<Utc>,
) -> Vec<SchoolYear> {
    let owned = snapshot.owned(table).filter_map(|key| key.text(0));
    SchoolYear::kept(now, settings.zone, true, owned)
}

/// Returns the key of a district's row: `prefix`, then the district's integer id as text.
pub(super) fn key(prefix: &[KeyValue], district: &District) -> Key {
    Key(prefix.iter().cloned().chain([district.id.to_string().into()]).collect())
}

/// Returns the group of one year of `table`. Rows that share `prefix` and are not among `entries` are
/// retired; rows of another year or another host filter are not part of the group.
pub(super) fn group<'s>(
    table: Table,
    year: SchoolYear,
    prefix: &[KeyValue],
    entries: Vec<Entry<'s>>,
    snapshot: &Snapshot,
) -> Group<'s> {
    let kept: HashSet<&Key> = entries.iter().map(|entry| &entry.key).collect();
    let retire = snapshot
        .existing(table)
        .iter()
        .map(|row| &row.key)
        .filter(|key| key.0.starts_with(prefix) && !kept.contains(key))
        .cloned()
        .collect();
    Group { name: year.key(), entries, retire }
}
