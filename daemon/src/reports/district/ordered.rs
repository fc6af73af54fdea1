//! JSON objects whose keys keep the order in which they first appeared, as VMS's pages show them.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Serialize, Serializer};

/// Values by key, in the order of first appearance.
#[derive(Debug, Clone)]
pub(super) struct Ordered<K, V> {
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
    /// Returns the value of `key`, inserting a default if there is none yet.
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
