//! Keys of cache rows.

use std::fmt;

use sea_orm::Value;

/// One key column's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// SQL NULL: the column does not apply to this row.
    Null,
    /// An integer.
    Int(i64),
    /// Text; dates are `YYYY-MM-DD`.
    Text(String),
}

impl From<&KeyValue> for Value {
    fn from(value: &KeyValue) -> Self {
        match value {
            KeyValue::Null => Self::String(None),
            KeyValue::Int(value) => Self::BigInt(Some(*value)),
            KeyValue::Text(text) => text.as_str().into(),
        }
    }
}

impl From<i64> for KeyValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for KeyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for KeyValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The key of a cache row, in the order of its table's key columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub Vec<KeyValue>);

impl Key {
    /// The value of the column at `position`.
    pub fn get(&self, position: usize) -> Option<&KeyValue> {
        self.0.get(position)
    }

    /// The text of the column at `position`.
    pub fn text(&self, position: usize) -> Option<&str> {
        match self.get(position) {
            Some(KeyValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The integer of the column at `position`.
    pub fn int(&self, position: usize) -> Option<i64> {
        match self.get(position) {
            Some(KeyValue::Int(value)) => Some(*value),
            _ => None,
        }
    }
}

/// Values joined by `|`, with `|` and `\` in them escaped, so that two keys never look alike.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, value) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("|")?;
            }
            match value {
                KeyValue::Null => f.write_str("\\0")?,
                KeyValue::Int(value) => write!(f, "{value}")?,
                KeyValue::Text(text) => f.write_str(&text.replace('\\', "\\\\").replace('|', "\\|"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_keys_look_different() {
        let keys = [
            Key(vec![KeyValue::Null, "a".into()]),
            Key(vec!["".into(), "a".into()]),
            Key(vec!["\\0".into(), "a".into()]),
            Key(vec!["|a".into()]),
        ];
        let shown: std::collections::HashSet<String> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), keys.len(), "{shown:?}");
    }
}
