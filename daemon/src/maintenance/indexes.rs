//! `analyze` and `reindex`: what the planner knows of the cache tables, and their indexes.

use cached_proto::words::Table;
use sea_orm::sqlx::Row as _;

use super::connection::Connection;
use super::error::MaintenanceError;
use super::task::{Done, Task};
use crate::vms::Access;
use crate::vms::tables::spec;

/// Number of index rows that are sampled: they are enough to show the shape of a table, and the write lock
/// stays short.
const ROWS: u32 = 1000;

const LOOKING: &str = "looking at its tables";

struct Index {
    name: String,
    /// Bytes of the indexed table.
    bytes: u64,
}

/// `analyze`: collects statistics for the planner, of the cache tables only, each in a transaction of its own.
///
/// The statistics of VMS's other tables decide the plans of VMS's own pages, so they are left alone; the
/// daemon's own reads of those tables are full scans, which no statistics change.
pub(super) async fn analyze(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    let analyzing = task.using(Access::Write, async |vms| {
        vms.run("limiting the statistics", &format!("PRAGMA analysis_limit = {ROWS}")).await?;
        let tables = cache_tables(vms).await?;
        let mut done = Done::default();
        for (at, table) in tables.iter().enumerate() {
            task.steps.tell(table.as_str(), at, tables.len());
            let sql = format!("ANALYZE \"{table}\"");
            let work = task.briefly(vms, "collecting statistics", &sql);
            done.items.push(task.timed(table.as_str(), 0, work).await?);
        }
        Ok(done)
    });
    analyzing.await
}

/// `reindex`: rebuilds the indexes of the cache tables, one per transaction, or none: an operation that would take
/// too long is refused before anything is changed.
///
/// VMS's writers wait while an index is built, and building reads the whole table where an indexed column
/// stands behind the payload. So the size of each table is estimated before any lock is taken.
pub(super) async fn reindex(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    let building = task.using(Access::Write, async |vms| {
        let mut indexes = Vec::new();
        for table in cache_tables(vms).await? {
            let bytes = bytes_of(vms, table).await?;
            task.ensure_short(&format!("building an index of {table}"), bytes)?;
            indexes.extend(indexes_of(vms, table).await?.into_iter().map(|name| Index { name, bytes }));
        }
        let mut done = Done::default();
        for (at, index) in indexes.iter().enumerate() {
            task.steps.tell(&index.name, at, indexes.len());
            let sql = format!("REINDEX {}", quoted(&index.name));
            let work = task.briefly(vms, "building an index", &sql);
            done.items.push(task.timed(&index.name, index.bytes, work).await?);
        }
        Ok(done)
    });
    building.await
}

/// Returns the cache tables that this VMS has.
async fn cache_tables(vms: &mut Connection) -> Result<Vec<Table>, MaintenanceError> {
    let names = vms.texts(LOOKING, "SELECT name FROM sqlite_schema WHERE type = 'table'").await?;
    Ok(Table::ALL.iter().copied().filter(|table| names.iter().any(|name| name == table.as_str())).collect())
}

async fn indexes_of(vms: &mut Connection, table: Table) -> Result<Vec<String>, MaintenanceError> {
    let sql =
        format!("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = '{table}' ORDER BY name");
    vms.texts(LOOKING, &sql).await
}

/// Estimates the bytes of a table. Lengths stand at the beginning of a row, so no payload is read for them.
async fn bytes_of(vms: &mut Connection, table: Table) -> Result<u64, MaintenanceError> {
    let columns = vms.rows(LOOKING, &format!("PRAGMA table_info(\"{table}\")")).await?;
    let has =
        |name: &str| columns.iter().any(|row| row.try_get::<String, _>(1).is_ok_and(|column| column == name));
    let lengths: Vec<String> = spec(table)
        .payload
        .iter()
        .filter(|column| has(column.name))
        .map(|column| format!("coalesce(octet_length(\"{}\"), 0)", column.name))
        .collect();
    let sum = if lengths.is_empty() { "0".to_owned() } else { lengths.join(" + ") };
    vms.number(LOOKING, &format!("SELECT sum({sum}) + 100 * count(*) FROM \"{table}\"")).await
}

/// Quotes an identifier for SQL, whatever characters it has.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
