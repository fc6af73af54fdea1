//! Keys of cache rows.

use std::fmt;

use sea_orm::Value;

use super::TableSpec;

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

/// As it is given and shown in a search; NULL is the empty string.
impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Int(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
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

    /// Whether a row of this key is VMS's own, and no refresh makes it.
    pub fn is_left_to_vms(&self, spec: &TableSpec) -> bool {
        spec.fixed.is_some_and(|(position, value)| self.text(position) != Some(value))
    }

    /// Parses a key of the table from its [`Display`](fmt::Display) form; `None` when the text is no such
    /// key.
    pub fn from_text(text: &str, spec: &TableSpec) -> Option<Self> {
        if spec.key.is_empty() {
            return text.is_empty().then(|| Self(Vec::new()));
        }
        let parts = unescaped(text)?;
        if parts.len() != spec.key.len() {
            return None;
        }
        let value = |(column, part): (&&str, Option<String>)| match part {
            None => KeyValue::Null,
            Some(part) if spec.integers.contains(column) => {
                part.parse().map_or(KeyValue::Text(part), KeyValue::Int)
            }
            Some(part) => KeyValue::Text(part),
        };
        Some(Self(spec.key.iter().zip(parts).map(value).collect()))
    }
}

/// Splits a written key into its parts; a part is `None` for NULL.
fn unescaped(text: &str) -> Option<Vec<Option<String>>> {
    let mut parts = vec![Some(String::new())];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let part = parts.last_mut()?;
        match c {
            '|' => parts.push(Some(String::new())),
            '\\' => match chars.next()? {
                '0' => *part = None,
                escaped => part.as_mut()?.push(escaped),
            },
            plain => part.as_mut()?.push(plain),
        }
    }
    Some(parts)
}

/// Joins the values by `|`, with `|` and `\` in them escaped, so that two different keys never have the same
/// text.
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
    use crate::vms::tables::{Table, spec};

    #[test]
    fn a_written_key_is_read_again() {
        let text = |parts: &[&str]| Key(parts.iter().map(|part| (*part).into()).collect());
        let null = KeyValue::Null;
        for (table, key) in [
            (Table::DiaEventsReportCache, Key(vec![])),
            (Table::RecruitmentCandidatesCache, Key(vec![7.into()])),
            (Table::OrganizationDetailCache, Key(vec!["2526".into(), 12.into()])),
            (Table::OrganizationReports, text(&["2526", "12"])),
            (
                Table::VirtualSessionDistrictCache,
                text(&["2025-2026", r"a|b\c \0", "2025-08-01", "2026-07-31"]),
            ),
            (Table::VirtualSessionDistrictCache, text(&["2025-2026", "", "", "Grün"])),
            (
                Table::RecentVolunteersReportCache,
                Key(vec!["2526".into(), null.clone(), null.clone(), "ALL".into(), null]),
            ),
        ] {
            assert_eq!(Key::from_text(&key.to_string(), spec(table)), Some(key.clone()), "{table} {key}");
        }
        for text in ["", "2526|1|2", r"2526|\", r"2526|a\0b"] {
            assert_eq!(Key::from_text(text, spec(Table::OrganizationDetailCache)), None, "{text}");
        }
    }

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
