//! Decides which findings of a check are reasons to refresh.
//!
//! Each reason is acted upon once, so that a table that cannot be refreshed, or a row that no refresh
//! restores, does not cause endless refreshes. If the same thing happens again after a refresh has settled
//! it, that is a new reason. After a failed refresh the reason still holds, and it counts again once
//! [`Memory::recheck`] is called.

use std::collections::{BTreeMap, HashMap, HashSet};

use cached_proto::words::Table;
use chrono::{DateTime, Utc};

use super::observe::{Observation, ObservedTable};
use crate::refresh::{RefreshConfig, RefreshError, suspicion};
use crate::snapshot::{ExistingRow, Source, SourceSet};
use crate::state::{EntryStamp, State};
use crate::vms::Vms;

/// Most rows that page views are expected to rewrite between two checks.
const PAGE_VIEWS: usize = 5;

/// A row that differs from how the daemon left it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RowChange {
    /// The row was deleted. The state in which the daemon left it is part of the value, so that its next loss
    /// differs.
    Gone { key: String, row_id: i64, last_updated: String },
    /// Another process has written the row.
    Rewritten { key: String, row_id: i64, last_updated: Option<String>, replaced: bool },
}

impl RowChange {
    /// Whether the daemon's row was deleted, even if another row has replaced it.
    fn is_lost(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Rewritten { replaced: true, .. })
    }
}

/// The source for which a refresh was queued: its hashes at that time, and when the source that the table was
/// generated from until then was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RequestedSource {
    hashes: BTreeMap<Source, u128>,
    made: Option<DateTime<Utc>>,
}

/// Reasons that were already acted upon.
#[derive(Debug, Default)]
pub(super) struct Memory {
    sources: HashMap<Table, RequestedSource>,
    rows: HashMap<Table, HashSet<RowChange>>,
    /// Tables whose known reasons count again.
    rechecked: HashSet<Table>,
}

/// The new changes of one table.
#[derive(Debug, Default)]
pub(super) struct NewChanges {
    /// Sources that differ from those the table was generated from.
    pub(super) sources: Vec<Source>,
    /// Number of deleted rows.
    pub(super) gone: usize,
    /// Rows written by another process, by id, with the digest of the payload that the daemon left there; their
    /// table and content decide whether they matter.
    pub(super) rewritten: HashMap<i64, Option<String>>,
    /// Whether more of them were written than single page views explain, so that a refresh in
    /// response may only make the other process write again.
    pub(super) bulk: bool,
    /// Whether several of them have the same stamp: VMS stamps each row by itself, `cached` a whole table.
    pub(super) alike: bool,
    /// Whether more rows were lost at once than a single page view explains.
    pub(super) wiped: bool,
    requested: Option<RequestedSource>,
    rows: HashSet<RowChange>,
}

impl Memory {
    /// Returns the new changes of each table.
    pub(super) fn compare(&self, observed: &Observation) -> BTreeMap<Table, NewChanges> {
        observed.iter().map(|(&table, observed)| (table, self.new_changes(table, observed))).collect()
    }

    /// Makes the known reasons of a table count again until the next [`learn`](Self::learn), since the
    /// refresh may have failed. Returns whether there are any. Deleted rows are excluded: they count as
    /// missing and are topped up.
    pub(super) fn recheck(&mut self, table: Table) -> bool {
        let rewritten = self.rows.get(&table).is_some_and(|rows| rows.iter().any(|row| !row.is_lost()));
        let holds = rewritten || self.sources.contains_key(&table);
        if holds {
            self.rechecked.insert(table);
        }
        holds
    }

    /// Records everything in `changes` as known.
    pub(super) fn learn(&mut self, changes: BTreeMap<Table, NewChanges>) {
        self.rechecked.clear();
        for (table, changes) in changes {
            match changes.requested {
                Some(requested) => self.sources.insert(table, requested),
                None => self.sources.remove(&table),
            };
            self.rows.insert(table, changes.rows);
        }
    }

    fn new_changes(&self, table: Table, observed: &ObservedTable) -> NewChanges {
        let sources: Vec<Source> = observed.changed().collect();
        let made = observed.kept.values().map(|kept| kept.taken).max();
        let requested =
            (!sources.is_empty()).then(|| RequestedSource { hashes: observed.hashes.clone(), made });
        let known = self.sources.get(&table);
        // A table that was never generated as a whole is not repaired here, but later changes of its source
        // count.
        let rechecked = self.rechecked.contains(&table);
        let is_new = rechecked
            || if made.is_some() { known != requested.as_ref() } else { differs(known, requested.as_ref()) };

        let rows = row_changes(observed);
        let nothing = HashSet::new();
        let before = self.rows.get(&table).unwrap_or(&nothing);
        let mut changes =
            NewChanges { sources: if is_new { sources } else { Vec::new() }, ..NewChanges::default() };
        let mut lost = 0;
        let mut stamps: HashMap<&str, usize> = HashMap::new();
        for row in rows.iter().filter(|row| !before.contains(row) || (rechecked && !row.is_lost())) {
            lost += usize::from(row.is_lost());
            match row {
                RowChange::Gone { .. } => changes.gone += 1,
                RowChange::Rewritten { key, row_id, last_updated, replaced } => {
                    let left = observed.stamps.0.get(key).and_then(|left| left.payload.clone());
                    changes.rewritten.insert(*row_id, left);
                    if let (Some(stamp), false) = (last_updated, replaced) {
                        *stamps.entry(stamp).or_default() += 1;
                    }
                }
            }
        }
        changes.wiped = observed.stamps.is_wipe(lost);
        let written: usize = stamps.values().sum();
        changes.alike = stamps.into_values().any(|rows| rows > 1);
        changes.bulk = changes.alike || (written > PAGE_VIEWS && observed.stamps.is_wipe(written));
        NewChanges { requested, rows, ..changes }
    }
}

/// Whether the source differs from the one for which a refresh was queued.
fn differs(known: Option<&RequestedSource>, now: Option<&RequestedSource>) -> bool {
    matches!((known, now), (Some(known), Some(now)) if known.hashes != now.hashes)
}

/// Rows that differ from how the daemon left them. Rows of keys that no refresh has handled are left to VMS.
fn row_changes(observed: &ObservedTable) -> HashSet<RowChange> {
    let mut first: HashMap<String, &ExistingRow> = HashMap::with_capacity(observed.rows.len());
    for row in &observed.rows {
        // VMS reads the row with the lowest id of a key.
        first.entry(row.key.to_string()).or_insert(row);
    }
    let judge = |(key, stamp): (&String, &EntryStamp)| {
        let key = key.clone();
        match first.get(&key) {
            None => {
                Some(RowChange::Gone { key, row_id: stamp.row_id, last_updated: stamp.last_updated.clone() })
            }
            Some(row) if observed.stamps.is_as_left(row) => None,
            Some(row) => Some(RowChange::Rewritten {
                key,
                row_id: row.id,
                last_updated: row.last_updated.clone(),
                replaced: row.id != stamp.row_id,
            }),
        }
    };
    observed.stamps.0.iter().filter_map(judge).collect()
}

/// Held tables for which a refresh was queued.
///
/// If the source equals the one that a table was generated from, that is not a change, and a table that the guard
/// holds is not topped up. The watch therefore queues its refresh once the source has been restored: once, and then
/// once an hour for as long as the refresh does not succeed.
#[derive(Debug, Default)]
pub(super) struct Held {
    requested: HashSet<Table>,
}

impl Held {
    /// The held tables that the guard would let through now.
    pub(super) async fn released(
        vms: &Vms,
        config: &RefreshConfig,
        state: &State,
        observed: &Observation,
    ) -> Result<HashSet<Table>, RefreshError> {
        let held = state.guarded().await?;
        if held.is_empty() {
            return Ok(HashSet::new());
        }
        let sources: SourceSet = observed.values().flat_map(|table| table.hashes.keys()).copied().collect();
        let mut rows = BTreeMap::new();
        for source in sources {
            rows.insert(source, vms.count(source.table(), "counting the rows of the source").await?);
        }
        if suspicion(config.guard, state, &rows).await?.is_some() {
            return Ok(HashSet::new());
        }
        let is_back = |table: &Table| {
            let (Some(held), Some(observed)) = (held.get(table), observed.get(table)) else { return false };
            // Row counts do not show how much of a list remains, so the source itself must be unchanged. A
            // source that differs is reported as a change anyway.
            held.lists.is_empty() || observed.is_unchanged()
        };
        Ok(held.keys().copied().filter(is_back).collect())
    }

    /// Whether a refresh of a released table has not been queued yet.
    pub(super) fn is_new(&self, released: &HashSet<Table>, table: Table) -> bool {
        released.contains(&table) && !self.requested.contains(&table)
    }

    /// Records that a refresh of all released tables was queued. A table that is held again later may be
    /// queued again.
    pub(super) fn learn(&mut self, released: HashSet<Table>) {
        self.requested = released;
    }

    /// Forgets the queued refreshes, which may have failed, so that they are queued again. Returns whether
    /// there were any.
    pub(super) fn forget(&mut self) -> bool {
        !std::mem::take(&mut self.requested).is_empty()
    }
}
