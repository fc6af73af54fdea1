//! Samples of how many of the expected entries VMS's readers would have accepted.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::readiness::{ActiveModel, Column, Entity, Model};
use super::entity::{instant, micros};
use super::{Doing, State, StateError};

/// The entries at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadinessSample {
    /// When the sample was taken.
    pub at: DateTime<Utc>,
    /// Entries that should exist.
    pub expected: u64,
    /// Of those, the ones that VMS's readers would have accepted.
    pub accepted: u64,
}

impl From<Model> for ReadinessSample {
    fn from(row: Model) -> Self {
        let count = |n: i64| u64::try_from(n).unwrap_or_default();
        Self { at: instant(row.at), expected: count(row.expected), accepted: count(row.accepted) }
    }
}

impl State {
    /// Stores a sample, replacing one of the same instant.
    pub async fn keep_readiness(&self, sample: ReadinessSample) -> Result<(), StateError> {
        let row = ActiveModel {
            at: Set(micros(sample.at)),
            expected: Set(i64::try_from(sample.expected).unwrap_or(i64::MAX)),
            accepted: Set(i64::try_from(sample.accepted).unwrap_or(i64::MAX)),
        };
        let columns = [Column::Expected, Column::Accepted];
        Entity::insert(row)
            .on_conflict(OnConflict::column(Column::At).update_columns(columns).to_owned())
            .exec_without_returning(&self.write)
            .await
            .doing("keep a sample of readiness")?;
        Ok(())
    }

    /// The samples since an instant, oldest first.
    pub async fn readiness_since(&self, since: DateTime<Utc>) -> Result<Vec<ReadinessSample>, StateError> {
        let rows = Entity::find()
            .filter(Column::At.gte(micros(since)))
            .order_by_asc(Column::At)
            .all(self.reader())
            .await
            .doing("read the samples of readiness")?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Deletes the samples taken before an instant.
    pub async fn prune_readiness(&self, before: DateTime<Utc>) -> Result<u64, StateError> {
        let gone = Entity::delete_many().filter(Column::At.lt(micros(before))).exec(&self.write).await;
        Ok(gone.doing("prune the samples of readiness")?.rows_affected)
    }
}
