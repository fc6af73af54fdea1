//! The cache tables that a first refresh of the same source produces.

use cached::vms::tables::Table;

use crate::binary::{cached, run};
use crate::inside::Sample;
use crate::vms::{Other, Rows};

/// Returns the rows of every cache table.
pub fn all_rows(sample: &Sample) -> Vec<(Table, Rows)> {
    let vms = Other::open(&sample.database());
    Table::ALL.iter().map(|&table| (table, vms.rows(table))).collect()
}

/// Returns the rows that a refresh of empty tables produces on a copy of the same source, in Chicago's time
/// zone. No process may be using the sample.
pub fn from_scratch(sample: &Sample) -> Vec<(Table, Rows)> {
    let copy = sample.copy();
    let vms = Other::open(&copy.database());
    for table in Table::ALL {
        vms.execute(&format!("DELETE FROM {table}"));
    }
    drop(vms);
    let mut refresh = cached();
    refresh.args(["refresh", "--force", "--timezone", "America/Chicago", "--database"]).arg(copy.database());
    let ran = run(refresh.arg("--state").arg(copy.state()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    all_rows(&copy)
}

/// Returns the first row in which two states of the cache tables differ; `None` when they are equal. Whole
/// payloads would be too long for a failure message.
pub fn difference(found: &[(Table, Rows)], expected: &[(Table, Rows)]) -> Option<String> {
    found.iter().zip(expected).find_map(|((table, found), (_, expected))| {
        let keys = found.keys().chain(expected.keys());
        let key = keys.into_iter().find(|&key| found.get(key) != expected.get(key))?;
        let shown =
            |rows: &Rows| rows.get(key).map_or("nothing".to_owned(), |row| format!("{} bytes", row.len()));
        Some(format!("{table} {key}: {} instead of {}", shown(found), shown(expected)))
    })
}
