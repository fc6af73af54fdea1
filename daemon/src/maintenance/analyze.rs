//! `analyze`: statistics for the planner, of the cache tables only.
//!
//! The statistics of VMS's other tables decide the plans of VMS's own pages, so they are left alone; the
//! daemon's own reads of those tables are full scans, which no statistics change.

use super::MaintenanceError;
use super::reindex::cache_tables;
use super::task::{Done, Task};
use crate::vms::Access;

/// Number of index rows that are sampled: they are enough to show the shape of a table, and the write lock
/// stays short.
const ROWS: u32 = 1000;

/// Analyzes one table after the other, each in a transaction of its own.
pub(super) async fn analyze(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    let mut vms = task.open(Access::Write).await?;
    vms.run("limiting the statistics", &format!("PRAGMA analysis_limit = {ROWS}")).await?;
    let tables = cache_tables(&mut vms).await?;
    let mut done = Done::default();
    for (at, table) in tables.iter().enumerate() {
        task.steps.tell(table.as_str(), at, tables.len());
        let sql = format!("ANALYZE \"{table}\"");
        let work = task.briefly(&mut vms, "collecting statistics", &sql);
        done.items.push(task.timed(table.as_str(), 0, work).await?);
    }
    vms.close().await;
    Ok(done)
}
