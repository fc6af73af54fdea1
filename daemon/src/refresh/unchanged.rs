//! Recognises an unchanged table without computing it.
//!
//! Only what this process has computed itself is trusted: another process may have been another version,
//! whose report had a fault, and a table whose source never changes would keep its figures for ever. The
//! first run of a process that regenerates a table whole therefore computes and compares every entry.

use std::collections::HashSet;

use twox_hash::XxHash3_128;

use super::table_refresh::TableRefresh;
use crate::store::{SerializedEntry, SerializedGroup, Stamps};
use crate::vms::tables::Key;

/// Entries stamped in one transaction.
const BATCH: usize = 1000;

/// Everything that the payloads of a table depend on.
pub(super) struct Inputs {
    /// A hash over the process, the source, the settings, the keys, the clock, and the rows that do not
    /// belong to the report.
    pub(super) hash: String,
    /// Whether every row of the report exists and is unchanged since the daemon wrote it.
    pub(super) all_ours: bool,
    keys: Vec<Key>,
}

/// Collects what the table currently depends on.
pub(super) fn inputs(job: &TableRefresh, stamps: &Stamps) -> Inputs {
    let report = job.report;
    let keys = report.keys(job.context());
    let mut hasher = XxHash3_128::new();
    let mut add = |text: &str| {
        hasher.write(&text.len().to_le_bytes());
        hasher.write(text.as_bytes());
    };
    add(&format!("{:016x}", job.process));
    add(&job.settings.fingerprint(job.table));
    add(&report.clock(job.context()));
    for source in report.sources() {
        let hash = job.snapshot.sources.get(source).map_or(0, |facts| facts.hash);
        add(&format!("{source:?} {hash:032x}"));
    }
    for key in &keys {
        add(&key.to_string());
    }
    let wanted: HashSet<&Key> = keys.iter().collect();
    let mut ours = HashSet::with_capacity(keys.len());
    for row in job.snapshot.existing(job.table) {
        // A row of another key, or a second one of the same, may be one that the report retires.
        let first = wanted.contains(&row.key) && ours.insert(&row.key);
        // A row that its reader would reject is to be replaced, whatever damaged it and whatever its stamp
        // is.
        if !(first && stamps.is_ours(row) && row.valid && row.complete) {
            add(&format!("{} {} {:?}", row.key, row.id, row.last_updated));
            ours.remove(&row.key);
        }
    }
    let all_ours = ours.len() == keys.len();
    Inputs { hash: format!("{:032x}", hasher.finish_128()), all_ours, keys }
}

impl Inputs {
    /// The keys of the report.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The entries without payload, in batches: rows to be stamped.
    pub(super) fn rows(self) -> impl Iterator<Item = SerializedGroup> {
        let mut keys = self.keys.into_iter();
        std::iter::from_fn(move || {
            let batch: Vec<SerializedEntry> =
                keys.by_ref().take(BATCH).map(|key| SerializedEntry { key, columns: Vec::new() }).collect();
            (!batch.is_empty()).then(|| SerializedGroup {
                name: "unchanged".to_owned(),
                entries: batch,
                retire: Vec::new(),
            })
        })
    }
}
