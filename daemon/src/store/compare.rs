//! Finds the rows whose stored payload already equals the one to be written.

use std::collections::{HashMap, HashSet};

use futures_util::TryStreamExt;
use sea_orm::{DatabaseConnection, DbBackend, DbErr, QueryResult, Statement, StreamTrait};

use super::SerializedEntry;
use crate::vms::VmsError;
use crate::vms::tables::{TableSpec, by_ids};

const DOING: &str = "comparing with what is stored";

/// Returns those of the rows named by id whose stored payload equals the entry's, byte for byte. One stored
/// row is in memory at a time.
pub(super) async fn unchanged(
    db: &DatabaseConnection,
    spec: &TableSpec,
    entries: &HashMap<i64, &SerializedEntry>,
) -> Result<HashSet<i64>, VmsError> {
    let columns: Vec<String> =
        spec.payload.iter().map(|column| format!("CAST(\"{}\" AS TEXT)", column.name)).collect();
    let mut same = HashSet::new();
    let ids: Vec<i64> = entries.keys().copied().collect();
    for (rows, values) in by_ids(&ids) {
        let sql = format!("SELECT id, {} FROM \"{}\" {rows}", columns.join(", "), spec.table);
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let mut rows = db.stream_raw(statement).await.map_err(VmsError::of(DOING))?;
        while let Some(row) = rows.try_next().await.map_err(VmsError::of(DOING))? {
            let id: i64 = row.try_get_by_index(0).map_err(VmsError::of(DOING))?;
            if let Some(entry) = entries.get(&id)
                && equals(&row, entry).map_err(VmsError::of(DOING))?
            {
                same.insert(id);
            }
        }
    }
    Ok(same)
}

fn equals(row: &QueryResult, entry: &SerializedEntry) -> Result<bool, DbErr> {
    for (index, text) in (1..).zip(&entry.columns) {
        let stored: Option<Vec<u8>> = row.try_get_by_index(index)?;
        if stored.as_deref() != Some(text.as_bytes()) {
            return Ok(false);
        }
    }
    Ok(true)
}
