//! Preparation of a table on a blocking thread, before its first entry is computed.

use std::collections::HashSet;

use super::lost::forgotten;
use super::table_refresh::TableRefresh;
use super::unchanged::{Inputs, inputs};
use crate::store::Stamps;

pub(super) struct Prepared {
    /// What its payloads depend on.
    pub(super) inputs: Inputs,
    /// Rows that are left alone, by id.
    pub(super) spared: HashSet<i64>,
    /// Keys whose stamp is to be deleted once the table is complete.
    pub(super) forgotten: Vec<String>,
}

pub(super) fn prepare(job: &TableRefresh, stamps: &Stamps) -> Prepared {
    let inputs = inputs(job, stamps);
    let rows = job.snapshot.existing(job.table);
    let freshness = job.freshness(stamps);
    let overtaken = |generated| job.overtaken(generated);
    let spared = rows.iter().filter(|row| job.scope.spares(row, &freshness, &overtaken));
    Prepared {
        spared: spared.map(|row| row.id).collect(),
        forgotten: forgotten(stamps, inputs.keys(), rows),
        inputs,
    }
}
