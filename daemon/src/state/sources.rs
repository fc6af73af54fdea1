//! The sources that each cache table was last generated from as a whole.

use std::collections::BTreeMap;

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::source::{ActiveModel, Column, Entity};
use super::entity::{instant, micros};
use super::{Doing, State, StateError};
use crate::snapshot::{Source, SourceFacts};

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
        let rows = Entity::find()
            .filter(Column::TableName.eq(table.as_str()))
            .all(self.reader())
            .await
            .doing("read what a table was made of")?;
        let mut sources = BTreeMap::new();
        for row in rows {
            // A hash of another form is of another source: the table counts as changed.
            let Ok(hash) = u128::from_str_radix(&row.hash, 16) else { continue };
            let facts = SourceFacts { rows: u64::try_from(row.rows).unwrap_or_default(), hash };
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
        let doing = "keep what a table was made of";
        let rows = sources.iter().map(|(source, facts)| ActiveModel {
            table_name: Set(table.as_str().to_owned()),
            source: Set(source.table().to_owned()),
            rows: Set(i64::try_from(facts.rows).unwrap_or(i64::MAX)),
            hash: Set(format!("{:032x}", facts.hash)),
            taken: Set(micros(taken)),
        });
        let tx = self.begin().await?;
        Entity::delete_many().filter(Column::TableName.eq(table.as_str())).exec(&tx).await.doing(doing)?;
        if !sources.is_empty() {
            Entity::insert_many(rows).exec_without_returning(&tx).await.doing(doing)?;
        }
        tx.commit().await.doing(doing)
    }
}
