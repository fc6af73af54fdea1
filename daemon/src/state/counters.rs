//! Counters that survive restarts.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, ExprTrait};

use super::entity::counter;
use super::{Doing, State, StateError};

impl State {
    /// Adds to a counter, creating it if it does not exist.
    pub async fn bump(&self, name: &str, by: u64) -> Result<(), StateError> {
        bump(&self.write, name, by).await
    }

    /// All counters by name.
    pub async fn counters(&self) -> Result<BTreeMap<String, u64>, StateError> {
        let rows = counter::Entity::find().all(self.reader()).await.doing("read the counters")?;
        Ok(rows.into_iter().map(|row| (row.name, u64::try_from(row.value).unwrap_or_default())).collect())
    }
}

/// Adds to a counter in the caller's transaction: the count and what is counted are committed together.
pub(crate) async fn bump(db: &impl ConnectionTrait, name: &str, by: u64) -> Result<(), StateError> {
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    let grown = Expr::col((counter::Entity, counter::Column::Value)).add(by);
    counter::Entity::insert(counter::ActiveModel { name: Set(name.to_owned()), value: Set(by) })
        .on_conflict(
            OnConflict::column(counter::Column::Name).value(counter::Column::Value, grown).to_owned(),
        )
        .exec_without_returning(db)
        .await
        .doing("count")?;
    Ok(())
}
