//! The output of report builders: payloads, entries and groups.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::vms::tables::Key;

/// A value that is stored as JSON, whatever its type. Each type has its own code down to the last member: a serializer
/// behind a pointer would be called for each number.
pub trait Json: Send + Sync {
    /// Appends its JSON to a buffer.
    fn append(&self, buffer: &mut Vec<u8>) -> serde_json::Result<()>;
}

impl<T: Serialize + Send + Sync> Json for T {
    fn append(&self, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(buffer, self)
    }
}

/// Value of one payload column. The store serializes it, so that only one group at a time is held as text.
#[derive(Clone)]
pub enum Payload<'s> {
    /// A value for a JSON column. Entries that carry the same payload may share it.
    Json(Arc<dyn Json + 's>),
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

/// A part of a payload that many entries share: it is serialized to JSON once.
#[derive(Debug)]
pub struct Shared<T> {
    value: T,
    text: OnceLock<Box<RawValue>>,
}

impl<T> Shared<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self { value, text: OnceLock::new() }
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.text.get() {
            return text.serialize(serializer);
        }
        let text = to_raw_value(&self.value).map_err(S::Error::custom)?;
        self.text.get_or_init(|| text).serialize(serializer)
    }
}

/// A JSON object whose keys keep the order in which they first appeared, as VMS's pages show them.
#[derive(Debug, Clone)]
pub struct Ordered<K, V> {
    positions: HashMap<K, usize>,
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self { positions: HashMap::new(), entries: Vec::new() }
    }
}

impl<K, V> Ordered<K, V> {
    /// Returns the number of keys.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the values.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// Returns the keys with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }
}

impl<K: Hash + Eq + Clone, V: Default> Ordered<K, V> {
    /// Returns the value of `key`, inserting a default if the key is missing.
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        let entries = &mut self.entries;
        let position = *self.positions.entry(key.clone()).or_insert_with(|| {
            entries.push((key, V::default()));
            entries.len() - 1
        });
        &mut entries[position].1
    }
}

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
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

impl<'s> Entry<'s> {
    /// Creates an entry with a single payload column, of JSON.
    pub fn of_one(key: Key, value: impl Serialize + Send + Sync + 's) -> Self {
        Self { key, payload: vec![Payload::json(value)] }
    }
}

/// A part of a report that depends on the same things and is built as a whole, in one or more groups: a year, a window
/// of days, an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Keys of its entries; none for a section that only removes rows, for which nothing is built.
    pub keys: Vec<Key>,
    /// What its payloads depend on besides the sources, the settings and its keys: text that differs whenever the
    /// passing of time alone changes a payload. Empty for a function of the source.
    pub clock: String,
    /// Keys whose rows are removed; if the section has entries, by its groups.
    pub retired: Vec<Key>,
}

/// A set of entries that is replaced in one transaction.
#[derive(Debug, Clone)]
pub struct Group<'s> {
    /// Name of the group within the table, for messages.
    pub name: String,
    /// Entries, in the order in which rows are to be inserted.
    pub entries: Vec<Entry<'s>>,
    /// Keys whose rows are removed because the report no longer has them.
    pub retire: Vec<Key>,
}

impl<'s> Group<'s> {
    /// Creates a group that removes no row.
    pub fn new(name: impl Into<String>, entries: Vec<Entry<'s>>) -> Self {
        Self { name: name.into(), entries, retire: Vec::new() }
    }

    /// Returns the group as the only one of its year.
    pub fn alone(self) -> Built<'s> {
        Box::new(std::iter::once(self))
    }
}

/// Groups, each computed on demand.
pub type Built<'s> = Box<dyn Iterator<Item = Group<'s>> + 's>;

/// Computes the groups of the section at a position of the report's list; none where the section has no entry. Sections
/// may be computed in any order.
pub type Builder<'s> = Box<dyn Fn(usize) -> Built<'s> + 's>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_part_has_the_same_json_every_time() {
        #[derive(Serialize)]
        struct Payload {
            own: u8,
            common: Arc<Shared<Vec<f64>>>,
        }
        let common = Arc::new(Shared::new(vec![1.0, 0.1]));
        for own in 0..2 {
            let text = serde_json::to_string(&Payload { own, common: Arc::clone(&common) }).unwrap();
            assert_eq!(text, format!("{{\"own\":{own},\"common\":[1.0,0.1]}}"));
        }
    }
}
