//! The source that each cache table was last generated from, and the last recorded stamp of each entry: if the row
//! differs or is missing, another process has written.

use std::collections::{BTreeMap, HashMap};

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{ErrorContext, State, StateError, count, instant, micros, put, stored, table};
use crate::snapshot::{Source, SourceFacts};

table!(source, "sources", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) source: String,
    pub(crate) rows: i64,
    pub(crate) hash: String,
    pub(crate) taken: i64,
});
table!(entry_stamp, "entries", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) entry_key: String,
    pub(crate) row_id: i64,
    pub(crate) last_updated: String,
    pub(crate) fingerprint: Option<String>,
    pub(crate) payload: Option<String>,
    pub(crate) inputs: Option<String>,
});

/// One source table, as of the last generation of a cache table from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptSource {
    /// Its number of rows, and the hash over its columns.
    pub facts: SourceFacts,
    /// Instant of the snapshot.
    pub taken: DateTime<Utc>,
}

impl State {
    /// The sources that `table` was last generated from, by the name of the source table; empty when it was
    /// never generated.
    pub async fn sources(&self, table: Table) -> Result<BTreeMap<String, KeptSource>, StateError> {
        let rows = source::Entity::find()
            .filter(source::Column::TableName.eq(table.as_str()))
            .all(self.reader())
            .await
            .context("read the sources of a table")?;
        let mut sources = BTreeMap::new();
        for row in rows {
            // A hash in another format is that of another source: the table counts as changed.
            let Ok(hash) = u128::from_str_radix(&row.hash, 16) else { continue };
            let facts = SourceFacts { rows: count(row.rows), hash };
            sources.insert(row.source, KeptSource { facts, taken: instant(row.taken) });
        }
        Ok(sources)
    }

    /// Stores the sources that `table` was generated from, replacing those of its previous generation.
    pub async fn keep_sources(
        &self,
        table: Table,
        sources: &[(Source, SourceFacts)],
        taken: DateTime<Utc>,
    ) -> Result<(), StateError> {
        let action = "record the sources of a table";
        let rows = sources.iter().map(|(source, facts)| source::Model {
            table_name: table.as_str().to_owned(),
            source: source.table().to_owned(),
            rows: stored(facts.rows),
            hash: format!("{:032x}", facts.hash),
            taken: micros(taken),
        });
        let tx = self.begin().await?;
        source::Entity::delete_many()
            .filter(source::Column::TableName.eq(table.as_str()))
            .exec(&tx)
            .await
            .context(action)?;
        put(&tx, rows.collect()).await.context(action)?;
        tx.commit().await.context(action)
    }
}

/// An entry as it was written, or as it was found and left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryStamp {
    /// Id of the cache row.
    pub row_id: i64,
    /// `last_updated`, exactly as stored.
    pub last_updated: String,
    /// Fingerprint of the settings that the payload depends on; `None` for a row that another process wrote
    /// and that was left alone. Such a row is recorded so that its loss is detected, and never counts as the
    /// daemon's own.
    pub fingerprint: Option<String>,
    /// Digest of the payload that the daemon wrote; `None` for a row that was left alone.
    pub payload: Option<String>,
    /// Digest of everything that the payload was computed from; `None` for a row that was left alone.
    pub inputs: Option<String>,
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
        for keys in removed.chunks(super::stored::BATCH) {
            entry_stamp::Entity::delete_many()
                .filter(entry_stamp::Column::TableName.eq(table.as_str()))
                .filter(entry_stamp::Column::EntryKey.is_in(keys))
                .exec(&tx)
                .await
                .context("delete the records of removed entries")?;
        }
        let rows = written.into_iter().map(|(entry_key, stamp)| entry_stamp::Model {
            table_name: table.as_str().to_owned(),
            entry_key,
            row_id: stamp.row_id,
            last_updated: stamp.last_updated,
            fingerprint: stamp.fingerprint,
            payload: stamp.payload,
            inputs: stamp.inputs,
        });
        put(&tx, rows.collect()).await.context("record written entries")?;
        tx.commit().await.context("record written entries")
    }

    /// Clears the fingerprints of the daemon's own entries of a table, so that they count as stale; returns
    /// their number.
    pub async fn outdate(&self, table: Table) -> Result<u64, StateError> {
        let done = entry_stamp::Entity::update_many()
            .col_expr(entry_stamp::Column::Fingerprint, Expr::value(""))
            .filter(entry_stamp::Column::TableName.eq(table.as_str()))
            .filter(entry_stamp::Column::Fingerprint.is_not_null())
            .exec(&self.state.write)
            .await
            .context("clear the fingerprints of entries")?;
        Ok(done.rows_affected)
    }

    /// All stamps of a table, by entry key.
    pub async fn load(&self, table: Table) -> Result<HashMap<String, EntryStamp>, StateError> {
        let rows = entry_stamp::Entity::find()
            .filter(entry_stamp::Column::TableName.eq(table.as_str()))
            .all(self.state.reader())
            .await
            .context("read the records of written entries")?;
        let stamp = |row: entry_stamp::Model| {
            let entry_stamp::Model { row_id, last_updated, fingerprint, payload, inputs, .. } = row;
            (row.entry_key, EntryStamp { row_id, last_updated, fingerprint, payload, inputs })
        };
        Ok(rows.into_iter().map(stamp).collect())
    }
}
