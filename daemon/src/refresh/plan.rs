//! The tables that a request refers to, in the order in which they are worked on.

use cached_proto::words::{CacheType, Table};

use crate::reports::REPORTS;

/// The tables of `types` and `tables` together; all tables when both are empty. Duplicates count once.
pub fn tables(types: &[CacheType], tables: &[Table]) -> Vec<Table> {
    let everything = types.is_empty() && tables.is_empty();
    REPORTS
        .iter()
        .map(|report| report.table())
        .filter(|table| everything || types.contains(&table.cache_type()) || tables.contains(table))
        .collect()
}
