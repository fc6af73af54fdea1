//! The JSON form of an entry: what `cachectl get --json` prints and what the web serves.
//!
//! Keys are stable and only ever added.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::time::Timestamp;
use crate::verb::get::{Column, GetReply};
use crate::words::{CacheType, Table, TableState};

/// An entry, with its payload as JSON instead of text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryReport {
    /// The type of the table.
    #[serde(rename = "type")]
    pub cache_type: CacheType,
    /// The table.
    pub table: Table,
    /// The key columns with their values as text; empty for NULL.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, String>))]
    pub key: Map<String, Value>,
    /// `fresh`, `stale`, `missing`, `incomplete` or `invalid`.
    pub state: TableState,
    /// When it was generated.
    pub generated: Option<Timestamp>,
    /// Seconds since then; below 0 when it carries a stamp from the future.
    pub age_seconds: Option<f64>,
    /// The run that makes it, when it is missing and should be there: text, so that scripts do not count with it.
    pub run: Option<String>,
    /// The payload columns.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::BTreeMap<String, Value>))]
    pub columns: Map<String, Value>,
}

impl From<&GetReply> for EntryReport {
    fn from(reply: &GetReply) -> Self {
        let key = reply.key.iter().map(|part| (part.column.clone(), Value::from(part.value.as_str())));
        Self {
            cache_type: reply.cache_type,
            table: reply.table,
            key: key.collect(),
            state: reply.state,
            generated: reply.generated,
            age_seconds: reply.age_seconds,
            run: reply.run.map(|run| run.to_string()),
            columns: payload(&reply.columns),
        }
    }
}

/// Converts payload columns to JSON: a JSON column becomes its value, any other text is kept as stored.
pub fn payload(columns: &[Column]) -> Map<String, Value> {
    let value = |column: &Column| {
        column.text.as_deref().map_or(Value::Null, |text| {
            let parsed = if column.json { serde_json::from_str(text).ok() } else { None };
            parsed.unwrap_or_else(|| Value::from(text))
        })
    };
    columns.iter().map(|column| (column.name.clone(), value(column))).collect()
}
