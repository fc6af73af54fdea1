//! Preparation of a table on a blocking thread, before its first entry is computed.

use std::collections::{BTreeMap, HashSet};

use super::lists::{YearEntries, entries_by_year};
use super::lost::forgotten;
use super::table_refresh::TableRefresh;
use super::unchanged::{Inputs, inputs};
use crate::snapshot::KeyIndex;
use crate::store::Stamps;
use crate::vms::tables::Key;

pub(super) struct Prepared {
    /// What its payloads depend on.
    pub(super) inputs: Inputs,
    /// Rows that are left alone, by id.
    pub(super) spared: HashSet<i64>,
    /// Keys whose stamp is to be deleted once the table is complete.
    pub(super) forgotten: Vec<String>,
    /// Its rows by key.
    pub(super) index: KeyIndex,
    /// Its entries by year, which the guard judges.
    pub(super) years: BTreeMap<String, YearEntries>,
}

pub(super) fn prepare(job: &TableRefresh, stamps: &Stamps) -> Prepared {
    let inputs = inputs(job, stamps);
    let rows = job.snapshot.existing(job.table);
    let freshness = job.freshness(stamps);
    let overtaken = |generated| job.overtaken(generated);
    let spared = rows.iter().filter(|row| job.scope.spares(row, &freshness, &overtaken));
    let index = KeyIndex::of(rows);
    let expected: HashSet<&Key> = inputs.keys().iter().collect();
    Prepared {
        years: entries_by_year(job, &index, &expected, &freshness),
        index,
        spared: spared.map(|row| row.id).collect(),
        forgotten: forgotten(stamps, inputs.keys(), rows),
        inputs,
    }
}
