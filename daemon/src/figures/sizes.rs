//! Growth of payload sizes.

use std::collections::BTreeMap;

use cached_proto::verb::report::SizeTrend;
use cached_proto::words::Table;

use super::PastJob;

/// First and last payload size of each table; `jobs` are in chronological order.
pub fn sizes(jobs: &[PastJob]) -> Vec<SizeTrend> {
    let mut sizes: BTreeMap<Table, SizeTrend> = BTreeMap::new();
    // A job that failed generated only a part, and one that was not worked on generated nothing.
    for job in jobs.iter().filter(|job| job.outcome.is_good() && job.bytes > 0) {
        let (table, first) = (job.table, job.bytes);
        let cache_type = table.cache_type();
        sizes.entry(table).or_insert(SizeTrend { cache_type, table, first, last: first }).last = job.bytes;
    }
    sizes.into_values().collect()
}
