//! Entities of the state database. The schema documents why each column exists.

pub(crate) mod attempt;
pub(crate) mod chore;
pub(crate) mod counter;
pub(crate) mod entry_stamp;
pub(crate) mod generation;
pub(crate) mod guard_count;
pub(crate) mod guarded;
pub(crate) mod guarded_list;
pub(crate) mod job;
pub(crate) mod readiness;
pub(crate) mod rewrite;
pub(crate) mod run;
pub(crate) mod setting;
pub(crate) mod slot;
pub(crate) mod source;
pub(crate) mod wipe;

use std::str::FromStr;

use cached_proto::time::Timestamp;
use cached_proto::words::UnknownWord;
use chrono::{DateTime, Utc};

use super::StateError;

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
