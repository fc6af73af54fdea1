//! How rows, instants and words are stored.

use std::str::FromStr;

use cached_proto::time::Timestamp;
use cached_proto::words::UnknownWord;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, Insert, IntoActiveModel, Iterable as _, ModelTrait,
    PrimaryKeyToColumn,
};

use super::StateError;

/// Declares the row of a table, in a module of its own for the derived names. The schema
/// documents why each column exists.
macro_rules! table {
    ($row:ident, $name:tt, { $($columns:tt)* }) => {
        pub(crate) mod $row {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $name)]
            pub(crate) struct Model {
                $($columns)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub(crate) enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

pub(crate) use table;

/// Rows per statement, well below `SQLite`'s limit of 32,766 bound values.
pub(super) const BATCH: usize = 1000;

/// Inserts rows, each replacing a row with the same key.
pub(crate) async fn put<M, E>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<(), DbErr>
where
    M: ModelTrait<Entity = E> + IntoActiveModel<E::ActiveModel>,
    E: EntityTrait<Model = M>,
{
    let is_key = |column: &E::Column| E::PrimaryKey::from_column(*column).is_some();
    let (keys, others): (Vec<_>, Vec<_>) = E::Column::iter().partition(is_key);
    let mut known = OnConflict::columns(keys);
    let known = if others.is_empty() { known.do_nothing() } else { known.update_columns(others) }.to_owned();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let batch = Insert::many(rows.by_ref().take(BATCH)).on_conflict(known.clone());
        batch.exec_without_returning(db).await?;
    }
    Ok(())
}

/// A count as it is stored.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A stored count.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// An instant as it is stored.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// A stored instant.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    Timestamp::from_micros(micros).to_utc()
}

/// Parses a stored word; `None` for one that this version does not know. Another version wrote it: its row
/// is kept as it is, and left out of everything that needs the meaning of the word.
pub(crate) fn known<W: FromStr<Err = UnknownWord>>(value: impl AsRef<str>) -> Option<W> {
    value.as_ref().parse().ok()
}

/// Parses a stored word of a single requested row; an unknown word is an error.
pub(crate) fn word<W: FromStr<Err = UnknownWord>>(
    column: &'static str,
    value: String,
) -> Result<W, StateError> {
    value.parse().map_err(|_| StateError::UnknownWord { column, value })
}
