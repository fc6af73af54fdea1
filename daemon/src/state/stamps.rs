//! Records how each entry of the cache tables was left last. If another row or none is found there, another
//! process has written.

use std::collections::HashMap;

use cached_proto::words::Table;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::entry_stamp::{ActiveModel, Column, Entity};
use super::{Doing, State, StateError};

/// Rows per statement, well below `SQLite`'s limit of 32,766 bound values.
const BATCH: usize = 1000;

/// An entry as it was written, or found and left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryStamp {
    /// Id of the cache row.
    pub row_id: i64,
    /// `last_updated`, exactly as stored.
    pub last_updated: String,
    /// Fingerprint of the settings that the payload depends on; `None` for a row that another process wrote
    /// and that was left alone. Such a row is recorded so that its loss is noticed, and never counts as the
    /// daemon's own.
    pub fingerprint: Option<String>,
    /// Digest of the payload that the daemon wrote; `None` for a row that was left alone.
    pub payload: Option<String>,
}

/// The stamps of all cache tables.
#[derive(Debug)]
pub struct EntryStamps<'a> {
    state: &'a State,
}

impl<'a> EntryStamps<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state }
    }

    /// Stores the stamps of entries that were written or left alone and deletes those of removed entries, all
    /// or nothing.
    pub async fn record(
        &self,
        table: Table,
        written: Vec<(String, EntryStamp)>,
        removed: &[String],
    ) -> Result<(), StateError> {
        if written.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let tx = self.state.begin().await?;
        for keys in removed.chunks(BATCH) {
            Entity::delete_many()
                .filter(Column::TableName.eq(table.as_str()))
                .filter(Column::EntryKey.is_in(keys))
                .exec(&tx)
                .await
                .doing("forget removed entries")?;
        }
        let mut rows = written.into_iter().map(|(entry_key, stamp)| ActiveModel {
            table_name: Set(table.as_str().to_owned()),
            entry_key: Set(entry_key),
            row_id: Set(stamp.row_id),
            last_updated: Set(stamp.last_updated),
            fingerprint: Set(stamp.fingerprint),
            payload: Set(stamp.payload),
        });
        loop {
            let batch: Vec<_> = rows.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            Entity::insert_many(batch)
                .on_conflict(
                    OnConflict::columns([Column::TableName, Column::EntryKey])
                        .update_columns([
                            Column::RowId,
                            Column::LastUpdated,
                            Column::Fingerprint,
                            Column::Payload,
                        ])
                        .to_owned(),
                )
                .exec_without_returning(&tx)
                .await
                .doing("keep written entries")?;
        }
        tx.commit().await.doing("keep written entries")
    }

    /// Clears the fingerprints of the daemon's own entries of a table, so that they count as stale; returns
    /// their number.
    pub async fn outdate(&self, table: Table) -> Result<u64, StateError> {
        let done = Entity::update_many()
            .col_expr(Column::Fingerprint, Expr::value(""))
            .filter(Column::TableName.eq(table.as_str()))
            .filter(Column::Fingerprint.is_not_null())
            .exec(&self.state.write)
            .await
            .doing("forget what entries were made from")?;
        Ok(done.rows_affected)
    }

    /// All stamps of a table, by entry key.
    pub async fn load(&self, table: Table) -> Result<HashMap<String, EntryStamp>, StateError> {
        let rows = Entity::find()
            .filter(Column::TableName.eq(table.as_str()))
            .all(self.state.reader())
            .await
            .doing("read what was written")?;
        let stamp = |row: super::entity::entry_stamp::Model| {
            let (row_id, last_updated) = (row.row_id, row.last_updated);
            let (fingerprint, payload) = (row.fingerprint, row.payload);
            (row.entry_key, EntryStamp { row_id, last_updated, fingerprint, payload })
        };
        Ok(rows.into_iter().map(stamp).collect())
    }
}
