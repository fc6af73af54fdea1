//! How rows, instants and words are stored.

use std::str::FromStr;

use cached_proto::time::Timestamp;
use cached_proto::words::UnknownWord;
use chrono::{DateTime, Utc};

use super::StateError;

/// Declares the row of a table, in a module of its own for the names that are derived from it. The schema
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

/// An instant as it is stored.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// A stored instant.
pub(crate) fn instant(micros: i64) -> DateTime<Utc> {
    Timestamp::from_micros(micros).to_utc()
}

/// Parses a stored word; `None` for one that this version does not know. Another version wrote it: what has it
/// is kept as it is, and left out of everything that needs its meaning.
pub(crate) fn known<W: FromStr<Err = UnknownWord>>(value: impl AsRef<str>) -> Option<W> {
    value.as_ref().parse().ok()
}

/// Parses a stored word of one row that was asked for; an unknown one is an error, never guessed at.
pub(crate) fn word<W: FromStr<Err = UnknownWord>>(
    column: &'static str,
    value: String,
) -> Result<W, StateError> {
    value.parse().map_err(|_| StateError::UnknownWord { column, value })
}
