//! The last complete generation of each cache table.

use cached_proto::words::Table;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::entity::generation::{ActiveModel, Column, Entity};
use super::{Doing, State, StateError};

/// The last complete generation of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Hash over everything its payloads depend on.
    pub inputs: String,
    /// Entries of the report.
    pub entries: u64,
    /// Bytes of payload.
    pub bytes: u64,
}

impl State {
    /// The last complete generation of a table, if there was one.
    pub async fn generation(&self, table: Table) -> Result<Option<Generation>, StateError> {
        let row = Entity::find_by_id(table.as_str())
            .one(self.reader())
            .await
            .doing("read what a table was generated from")?;
        Ok(row.map(|row| Generation {
            inputs: row.inputs,
            entries: u64::try_from(row.entries).unwrap_or_default(),
            bytes: u64::try_from(row.bytes).unwrap_or_default(),
        }))
    }

    /// Stores the last complete generation of a table.
    pub async fn keep_generation(&self, table: Table, generation: Generation) -> Result<(), StateError> {
        let row = ActiveModel {
            table_name: Set(table.as_str().to_owned()),
            inputs: Set(generation.inputs),
            entries: Set(i64::try_from(generation.entries).unwrap_or(i64::MAX)),
            bytes: Set(i64::try_from(generation.bytes).unwrap_or(i64::MAX)),
        };
        Entity::insert(row)
            .on_conflict(
                OnConflict::column(Column::TableName)
                    .update_columns([Column::Inputs, Column::Entries, Column::Bytes])
                    .to_owned(),
            )
            .exec_without_returning(&self.write)
            .await
            .doing("keep what a table was generated from")?;
        Ok(())
    }

    /// Deletes the generation of a table, so that the next refresh computes it again.
    pub async fn forget_generation(&self, table: Table) -> Result<(), StateError> {
        Entity::delete_by_id(table.as_str())
            .exec(&self.write)
            .await
            .doing("forget what a table was generated from")?;
        Ok(())
    }
}
