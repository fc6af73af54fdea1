//! Records of when another process emptied or replaced cache tables.

use cached_proto::words::Table;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::wipe::{ActiveModel, Column, Entity};
use super::entity::word;
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

impl State {
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
            let unknown = |_| StateError::UnknownWord { column: "wipes.day", value: row.day.clone() };
            Ok(Wipe {
                day: row.day.parse().map_err(unknown)?,
                hour: u32::try_from(row.hour).unwrap_or_default(),
                table: word("wipes.table_name", row.table_name)?,
            })
        };
        rows.into_iter().map(wipe).collect()
    }
}
