//! The tasks that work table by table: `analyze` and `reindex`, for the planner's statistics and the indexes of the
//! cache tables, and `integrity`, which looks for damage and changes nothing.

use cached_proto::text::one_line;
use cached_proto::verb::maintenance::MaintenanceItem;
use cached_proto::words::Table;
use sea_orm::sqlx::Row as _;

use super::connection::Connection;
use super::error::MaintenanceError;
use super::task::{Done, Task};
use crate::describe::describe;
use crate::vms::Access;
use crate::vms::tables::spec;

/// Number of index rows that are sampled: they are enough to show the shape of a table, and the write lock
/// stays short.
const ROWS: u32 = 1000;

const READING: &str = "reading its tables";

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
    let tables = task.using(Access::Read, cache_tables).await?;
    let mut done = Done::default();
    for (at, table) in tables.iter().enumerate() {
        task.steps.publish(table.as_str(), at, tables.len());
        let sql = format!("PRAGMA analysis_limit = {ROWS}; ANALYZE \"{table}\"");
        let work = task.briefly("collecting statistics", &sql);
        done.items.push(task.timed(table.as_str(), 0, work).await?);
    }
    Ok(done)
}

/// `reindex`: rebuilds the indexes of the cache tables, one per transaction, or none: an operation that would take
/// too long is refused before anything is changed.
///
/// VMS's writers wait while an index is built, and building reads the whole table if an indexed column is stored
/// behind the payload. So the size of each table is estimated before any lock is taken.
pub(super) async fn reindex(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    let indexes = task.using(Access::Read, async |vms| {
        let mut indexes = Vec::new();
        for table in cache_tables(vms).await? {
            let bytes = bytes_of(vms, table).await?;
            task.ensure_short(&format!("building an index of {table}"), bytes)?;
            indexes.extend(indexes_of(vms, table).await?.into_iter().map(|name| Index { name, bytes }));
        }
        Ok(indexes)
    });
    let indexes = indexes.await?;
    let mut done = Done::default();
    for (at, index) in indexes.iter().enumerate() {
        task.steps.publish(&index.name, at, indexes.len());
        let sql = format!("REINDEX {}", quoted(&index.name));
        let work = task.briefly("building an index", &sql);
        done.items.push(task.timed(&index.name, index.bytes, work).await?);
    }
    Ok(done)
}

/// Returns the cache tables that this VMS has.
async fn cache_tables(vms: &mut Connection) -> Result<Vec<Table>, MaintenanceError> {
    let names = vms.texts(READING, "SELECT name FROM sqlite_schema WHERE type = 'table'").await?;
    Ok(Table::ALL.iter().copied().filter(|table| names.iter().any(|name| name == table.as_str())).collect())
}

async fn indexes_of(vms: &mut Connection, table: Table) -> Result<Vec<String>, MaintenanceError> {
    let sql =
        format!("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = '{table}' ORDER BY name");
    vms.texts(READING, &sql).await
}

/// Estimates the bytes of a table. Lengths are stored at the beginning of a row, so no payload is read for them.
async fn bytes_of(vms: &mut Connection, table: Table) -> Result<u64, MaintenanceError> {
    let columns = vms.rows(READING, &format!("PRAGMA table_info(\"{table}\")")).await?;
    let has =
        |name: &str| columns.iter().any(|row| row.try_get::<String, _>(1).is_ok_and(|column| column == name));
    let lengths: Vec<String> = spec(table)
        .payload
        .iter()
        .filter(|column| has(column.name))
        .map(|column| format!("coalesce(octet_length(\"{}\"), 0)", column.name))
        .collect();
    let sum = if lengths.is_empty() { "0".to_owned() } else { lengths.join(" + ") };
    vms.number(READING, &format!("SELECT sum({sum}) + 100 * count(*) FROM \"{table}\"")).await
}

/// Quotes an identifier for SQL, whatever characters it contains.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Maximum number of findings per database: the first few already show that the remedy is to restore a
/// backup.
const FINDINGS: u32 = 100;

const ACTION: &str = "looking for damage";

/// `integrity`: looks for damage in VMS's database and in the daemon's own.
///
/// References between VMS's tables are not checked: VMS does not enforce them, so dangling ones are no damage.
pub(super) async fn integrity(task: &Task<'_>) -> Result<Done, MaintenanceError> {
    let mut done = Done::default();
    let path = task.path().display().to_string();
    match task.using(Access::Read, async |vms| check_vms(task, vms, &mut done).await).await {
        Ok(()) => {}
        // A database that cannot even be read is a finding itself.
        Err(error) => done.items.push(found(path, error)?),
    }
    task.steps.publish("the state database", 1, 2);
    let state = task.state.path();
    let whole = async {
        let sqlite = task.state.connection().await;
        let sqlite = sqlite.map_err(|source| MaintenanceError::of(state, "opening it", source))?;
        let state = Connection::over(state, sqlite, &task.interrupt).await?;
        state.using(async |state| check(task, state, "PRAGMA integrity_check").await).await
    };
    let mut item = match whole.await {
        Ok(item) => item,
        Err(error) => found(String::new(), error)?,
    };
    item.name = state.display().to_string();
    done.items.push(item);
    done.bad = done.items.iter().any(|item| !item.messages.is_empty());
    Ok(done)
}

async fn check_vms(task: &Task<'_>, vms: &mut Connection, done: &mut Done) -> Result<(), MaintenanceError> {
    let bytes = vms.size().await?.file;
    if vms.is_write_ahead().await? {
        task.steps.publish("VMS's database", 0, 2);
        let mut item = check(task, vms, "PRAGMA integrity_check").await?;
        (item.name, item.bytes) = (task.path().display().to_string(), bytes);
        done.items.push(item);
    } else {
        // Writers wait for a reader, so no read transaction lasts longer than the check of one table.
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name";
        let tables = vms.texts(ACTION, sql).await?;
        let name = task.path().display().to_string();
        let mut whole = MaintenanceItem { name, bytes, ..MaintenanceItem::default() };
        for (at, name) in tables.iter().enumerate() {
            task.steps.publish(name, at, tables.len() + 1);
            task.interrupt.limit(Some(task.limits.lock * 2));
            let checked = check(task, vms, &format!("PRAGMA integrity_check({})", quoted(name))).await;
            task.interrupt.limit(None);
            let checked = checked?;
            whole.seconds += checked.seconds;
            whole.messages.extend(checked.messages);
        }
        whole.messages.truncate(FINDINGS as usize);
        done.items.push(whole);
        done.notes.push(
            "pages that belong to no table were not checked: that requires a write-ahead log".to_owned(),
        );
    }
    Ok(())
}

async fn check(
    task: &Task<'_>,
    database: &mut Connection,
    pragma: &str,
) -> Result<MaintenanceItem, MaintenanceError> {
    let mut messages = Vec::new();
    let sql = if pragma.ends_with(')') { pragma.to_owned() } else { format!("{pragma}({FINDINGS})") };
    let mut item = task
        .timed("", 0, async {
            messages = database.texts(ACTION, &sql).await?;
            Ok(())
        })
        .await?;
    let findings = messages.iter().flat_map(|text| text.lines()).filter(|line| *line != "ok");
    item.messages = findings.take(FINDINGS as usize).map(|line| one_line(line).into_owned()).collect();
    Ok(item)
}

/// Converts an error that is itself a finding to an item; returns any other error.
fn found(name: String, error: MaintenanceError) -> Result<MaintenanceItem, MaintenanceError> {
    match &error {
        MaintenanceError::Sqlite { .. } => {
            Ok(MaintenanceItem { name, messages: vec![describe(&error)], ..MaintenanceItem::default() })
        }
        _ => Err(error),
    }
}
