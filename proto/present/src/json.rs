//! JSON for scripts and for people: one form for `cachectl --json` and for the web. Keys are stable and only ever added.

use std::borrow::Cow;
use std::fmt::Write as _;

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::get::{Column, GetReply};
use cached_proto::words::{CacheType, Table, TableState};
use serde::Serialize;
use serde_json::{Map, Value};

/// Renders the value as indented JSON with a newline at its end. Fails only for values that JSON cannot
/// represent, such as a map whose keys are not text.
pub fn pretty<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut text = escaped(&serde_json::to_string_pretty(value)?);
    text.push('\n');
    Ok(text)
}

/// Renders the value as JSON without a line break.
pub fn compact<T: Serialize>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|json| escaped(&json))
}

/// Escapes bidirectional controls and line separators, which JSON allows unescaped but which a terminal or a
/// browser acts on. They occur only inside strings, so escaping them keeps the value.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if disturbs(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn disturbs(c: char) -> bool {
    let plain = c == '\n' || (c.is_ascii() && !c.is_ascii_control());
    !plain && matches!(one_line(c.encode_utf8(&mut [0; 4])), Cow::Owned(_))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_the_json_value_is_unchanged() {
        let hostile = "all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end";
        for given in [hostile, "\u{7f}\u{9b}31m", "Kärlek 🎓 \\ \"quoted\"", "\u{e0001}"] {
            let json = pretty(&given).unwrap();
            assert!(!json.trim_end().chars().any(disturbs), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), given);
        }
        assert_eq!(pretty(&"Kärlek").unwrap(), "\"Kärlek\"\n");
    }
}
