//! What a builder yields.

use std::sync::Arc;

use crate::vms::tables::Key;

/// The value of one payload column; serialized by the store, so that only one group at a time is text.
#[derive(Clone)]
pub enum Payload<'s> {
    /// A value for a JSON column. Entries that carry the same payload may share it.
    Json(Arc<dyn erased_serde::Serialize + Send + Sync + 's>),
    /// Plain text.
    Text(Arc<str>),
}

impl<'s> Payload<'s> {
    /// A value for a JSON column.
    pub fn json(value: impl serde::Serialize + Send + Sync + 's) -> Self {
        Self::Json(Arc::new(value))
    }
}

impl std::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Payloads hold personal data and never reach a log.
        f.write_str(match self {
            Self::Json(_) => "Json(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}

/// One row of a cache table: its key, and its payload columns in the order of the table's description.
#[derive(Debug, Clone)]
pub struct Entry<'s> {
    /// The key.
    pub key: Key,
    /// The payload columns.
    pub payload: Vec<Payload<'s>>,
}

/// What is replaced in one transaction.
#[derive(Debug, Clone)]
pub struct Group<'s> {
    /// Its name within the table, for messages.
    pub name: String,
    /// Its entries, in the order in which rows are to be inserted.
    pub entries: Vec<Entry<'s>>,
    /// Keys whose rows are removed, because the report no longer has them.
    pub retire: Vec<Key>,
}
