//! `get`: reads one entry the way VMS would, and reports its state.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::words::{CacheType, Table, TableState};

/// Request for an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetRequest {
    /// The table.
    pub table: Table,
    /// The known key columns with their values; the empty text stands for NULL. Columns that are left out may
    /// have any value, as long as exactly one entry matches.
    pub key: Vec<KeyPart>,
}

/// A key column with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// Its name.
    pub column: String,
    /// Its value as text; empty for NULL.
    pub value: String,
}

/// A payload column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether its text is JSON.
    pub json: bool,
    /// The stored text; `None` for NULL.
    pub text: Option<String>,
}

/// Answer to `get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GetReply {
    /// The type of the table.
    #[serde(rename = "type")]
    pub cache_type: CacheType,
    /// The table.
    pub table: Table,
    /// The whole key of the entry; for an entry that is missing, the part that was given.
    pub key: Vec<KeyPart>,
    /// `fresh`, `stale`, `missing`, `incomplete` or `invalid`.
    pub state: TableState,
    /// When it was generated.
    pub generated: Option<Timestamp>,
    /// Seconds since it was generated; negative when its timestamp is in the future.
    pub age_seconds: Option<f64>,
    /// Its payload; empty when it is missing.
    pub columns: Vec<Column>,
    /// The run that generates the entry, when it is missing and should be there.
    pub run: Option<i64>,
}
