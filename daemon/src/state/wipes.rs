//! Records of when another process emptied, replaced or rewrote cache tables.

use cached_proto::words::Table;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::wipe::{ActiveModel, Column, Entity};
use super::entity::{instant, known, micros, rewrite};
use super::{Doing, State, StateError};

/// How long wipes are kept.
const KEPT: TimeDelta = TimeDelta::days(14);

/// One table, wiped within one hour of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wipe {
    /// The civil date.
    pub day: NaiveDate,
    /// The civil hour, 0 to 23.
    pub hour: u32,
    /// The table.
    pub table: Table,
}

/// Rows of a table that another process rewrote at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// When.
    pub at: DateTime<Utc>,
    /// The table.
    pub table: Table,
    /// How many rows.
    pub rows: u64,
}

impl State {
    /// Records that rows of `tables` were rewritten at once, with their numbers, and deletes records more
    /// than two weeks older.
    pub async fn keep_rewrites(
        &self,
        at: DateTime<Utc>,
        tables: &[(Table, usize)],
    ) -> Result<(), StateError> {
        let doing = "keep when tables were rewritten";
        if tables.is_empty() {
            return Ok(());
        }
        let rows = tables.iter().map(|(table, rows)| rewrite::ActiveModel {
            at: Set(micros(at)),
            table_name: Set(table.as_str().to_owned()),
            rows: Set(i64::try_from(*rows).unwrap_or(i64::MAX)),
        });
        let tx = self.begin().await?;
        let known = OnConflict::columns([rewrite::Column::At, rewrite::Column::TableName])
            .update_column(rewrite::Column::Rows)
            .to_owned();
        let insert = rewrite::Entity::insert_many(rows).on_conflict(known);
        insert.exec_without_returning(&tx).await.doing(doing)?;
        let old = rewrite::Entity::delete_many().filter(rewrite::Column::At.lt(micros(at - KEPT)));
        old.exec(&tx).await.doing(doing)?;
        tx.commit().await.doing(doing)
    }

    /// Rewrites since an instant, oldest first.
    pub async fn rewrites(&self, since: DateTime<Utc>) -> Result<Vec<Rewrite>, StateError> {
        let rows = rewrite::Entity::find()
            .filter(rewrite::Column::At.gte(micros(since)))
            .order_by_asc(rewrite::Column::At)
            .all(self.reader())
            .await
            .doing("read when tables were rewritten")?;
        let read = |row: rewrite::Model| {
            let (at, rows) = (instant(row.at), u64::try_from(row.rows).unwrap_or_default());
            Some(Rewrite { at, table: known(row.table_name)?, rows })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Records that `tables` were wiped at a civil date-time, and deletes wipes more than two weeks older.
    pub async fn keep_wipes(&self, at: NaiveDateTime, tables: &[Table]) -> Result<(), StateError> {
        let doing = "keep when tables were wiped";
        if tables.is_empty() {
            return Ok(());
        }
        let rows = tables.iter().map(|table| ActiveModel {
            day: Set(at.date().to_string()),
            hour: Set(at.hour().into()),
            table_name: Set(table.as_str().to_owned()),
        });
        let tx = self.begin().await?;
        let known =
            OnConflict::columns([Column::Day, Column::Hour, Column::TableName]).do_nothing().to_owned();
        Entity::insert_many(rows).on_conflict(known).exec_without_returning(&tx).await.doing(doing)?;
        Entity::delete_many()
            .filter(Column::Day.lt((at.date() - KEPT).to_string()))
            .exec(&tx)
            .await
            .doing(doing)?;
        tx.commit().await.doing(doing)
    }

    /// Wipes since a civil date.
    pub async fn wipes(&self, since: NaiveDate) -> Result<Vec<Wipe>, StateError> {
        let rows = Entity::find()
            .filter(Column::Day.gte(since.to_string()))
            .all(self.reader())
            .await
            .doing("read when tables were wiped")?;
        let wipe = |row: super::entity::wipe::Model| {
            let hour = u32::try_from(row.hour).unwrap_or_default();
            Some(Wipe { day: row.day.parse().ok()?, hour, table: known(row.table_name)? })
        };
        Ok(rows.into_iter().filter_map(wipe).collect())
    }
}
