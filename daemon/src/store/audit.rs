//! Audits the rows of a cache table.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::Freshness;
use crate::snapshot::ExistingRow;
use crate::vms::tables::Key;

/// State of an expected entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryState {
    /// Present, complete and young.
    Fresh,
    /// Over its age limit, stamped in the future, or generated under other settings.
    Stale,
    /// It has no row.
    Missing,
    /// VMS's reader would reject its shape.
    Incomplete,
    /// Its JSON or its stamp cannot be parsed.
    Invalid,
}

/// Counts and bounds of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Keys the report has.
    pub expected: u64,
    /// Of those, fresh ones.
    pub fresh: u64,
    /// Of those, stale ones.
    pub stale: u64,
    /// Of those, missing ones.
    pub missing: u64,
    /// Of those, incomplete ones.
    pub incomplete: u64,
    /// Of those, invalid ones.
    pub invalid: u64,
    /// Of the stale ones, those that were generated under other settings, or invalidated.
    pub outdated: u64,
    /// Of the stale ones, those that have passed their limit so recently that the scheduled run renews them.
    pub tolerated: u64,
    /// Expected entries that VMS's reader would accept, fresh or not.
    pub accepted: u64,
    /// Rows whose key is not expected.
    pub unmanaged: u64,
    /// When the oldest expected entry was generated.
    pub oldest: Option<DateTime<Utc>>,
    /// When the newest expected entry was generated.
    pub newest: Option<DateTime<Utc>>,
    /// Bytes of payload of all rows.
    pub bytes: u64,
}

/// Audits the `rows` of a table against the keys it should have.
pub fn audit(expected: &[Key], rows: &[ExistingRow], freshness: &Freshness<'_>) -> Audit {
    let mut audit = Audit { expected: expected.len() as u64, ..Audit::default() };
    let mut first: HashMap<&Key, &ExistingRow> = HashMap::with_capacity(rows.len());
    for row in rows {
        // Rows are ordered by id, and VMS's readers take the lowest one of a key.
        first.entry(&row.key).or_insert(row);
        audit.bytes += row.bytes;
    }
    let wanted: HashSet<&Key> = expected.iter().collect();
    audit.unmanaged = rows.iter().filter(|row| !wanted.contains(&row.key)).count() as u64;
    for key in expected {
        let row = first.get(key).copied();
        let state = state(row, freshness);
        let outdated = state == EntryState::Stale && row.is_some_and(|row| freshness.is_outdated(row));
        audit.outdated += u64::from(outdated);
        let tolerated = state == EntryState::Stale && row.is_some_and(|row| freshness.is_tolerated(row));
        audit.tolerated += u64::from(tolerated);
        *match state {
            EntryState::Fresh => &mut audit.fresh,
            EntryState::Stale => &mut audit.stale,
            EntryState::Missing => &mut audit.missing,
            EntryState::Incomplete => &mut audit.incomplete,
            EntryState::Invalid => &mut audit.invalid,
        } += 1;
        audit.accepted += u64::from(row.is_some_and(|row| freshness.is_accepted(row)));
        if let Some(generated) = row.and_then(|row| freshness.generated(row)) {
            audit.oldest = Some(audit.oldest.map_or(generated, |oldest| oldest.min(generated)));
            audit.newest = Some(audit.newest.map_or(generated, |newest| newest.max(generated)));
        }
    }
    audit
}

/// Returns the state of one expected entry.
pub fn state(row: Option<&ExistingRow>, freshness: &Freshness<'_>) -> EntryState {
    match row {
        None => EntryState::Missing,
        Some(row) if !row.valid || freshness.generated(row).is_none() => EntryState::Invalid,
        Some(row) if !row.complete => EntryState::Incomplete,
        Some(row) if freshness.is_fresh(row) => EntryState::Fresh,
        Some(_) => EntryState::Stale,
    }
}
