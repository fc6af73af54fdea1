//! Rows of a source table: they can be read only if the table was loaded, and are grouped without a copy.

use std::collections::HashMap;
use std::ops::{Deref, Range};

/// The rows of a source table, in table order.
///
/// # Panics
///
/// If the rows are used although the table was not loaded. A report that reads a table which it does not
/// declare would otherwise see it as empty whenever no other report of the run declares it, and store wrong
/// figures. The panic fails only that one table: callers of reports catch panics.
#[derive(Debug, Clone)]
pub struct Loaded<R>(Option<Vec<R>>);

impl<R> Default for Loaded<R> {
    /// Rows of a table that was not loaded.
    fn default() -> Self {
        Self(None)
    }
}

impl<R> From<Vec<R>> for Loaded<R> {
    fn from(rows: Vec<R>) -> Self {
        Self(Some(rows))
    }
}

impl<R> Deref for Loaded<R> {
    type Target = Vec<R>;

    #[expect(
        clippy::panic,
        reason = "a wrong figure must be impossible, and callers of reports catch panics"
    )]
    fn deref(&self) -> &Vec<R> {
        self.0.as_ref().unwrap_or_else(|| {
            let row = std::any::type_name::<R>();
            let row = row.rsplit("::").next().unwrap_or(row);
            panic!("it reads rows of {row}, which are not among its declared sources and were not loaded")
        })
    }
}

impl<'l, R> IntoIterator for &'l Loaded<R> {
    type Item = &'l R;
    type IntoIter = std::slice::Iter<'l, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Positions of rows by a key; within a key, in table order.
#[derive(Debug)]
pub struct Groups<K> {
    ranges: HashMap<K, Range<usize>>,
    positions: Vec<u32>,
}

impl<K: std::hash::Hash + Eq + Clone> Groups<K> {
    /// Groups `rows` by `key`; rows without a key are left out.
    pub fn by<T>(rows: &[T], key: impl Fn(&T) -> Option<K>) -> Self {
        let mut sizes: HashMap<K, usize> = HashMap::new();
        for row in rows {
            if let Some(key) = key(row) {
                *sizes.entry(key).or_default() += 1;
            }
        }
        let mut end = 0;
        let mut ranges: HashMap<K, Range<usize>> = HashMap::with_capacity(sizes.len());
        for (key, size) in sizes {
            // Filled below: `end` of each range moves up as its rows are placed.
            ranges.insert(key, end..end);
            end += size;
        }
        let mut positions = vec![0; end];
        for (position, row) in (0u32..).zip(rows) {
            if let Some(range) = key(row).and_then(|key| ranges.get_mut(&key)) {
                if let Some(slot) = positions.get_mut(range.end) {
                    *slot = position;
                }
                range.end += 1;
            }
        }
        Self { ranges, positions }
    }

    /// Returns the rows of one key, in table order.
    pub fn rows<'t, T, Q>(&self, rows: &'t [T], key: &Q) -> impl Iterator<Item = &'t T> + use<'_, 't, T, K, Q>
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.positions(key).iter().filter_map(|&position| rows.get(position as usize))
    }

    /// Returns the positions of one key's rows, in table order.
    pub fn positions<Q>(&self, key: &Q) -> &[u32]
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.ranges.get(key).and_then(|range| self.positions.get(range.clone())).unwrap_or(&[])
    }
}

/// Returns the row with an id in a table whose rows are ordered by id.
pub fn find<R>(rows: &[R], id: i64, id_of: impl Fn(&R) -> i64) -> Option<&R> {
    rows.get(rows.binary_search_by_key(&id, id_of).ok()?)
}

#[cfg(test)]
mod testing {
    use std::ops::DerefMut;

    use super::{Groups, Loaded};

    impl<R> FromIterator<R> for Loaded<R> {
        fn from_iter<I: IntoIterator<Item = R>>(rows: I) -> Self {
            Self(Some(rows.into_iter().collect()))
        }
    }

    impl<R> DerefMut for Loaded<R> {
        fn deref_mut(&mut self) -> &mut Vec<R> {
            self.0.get_or_insert_default()
        }
    }

    #[test]
    #[should_panic(expected = "reads rows of Event, which are not among its declared sources")]
    fn reading_rows_of_a_table_that_was_not_loaded_panics() {
        let _ = crate::snapshot::Snapshot::default().events.len();
    }

    #[test]
    fn a_loaded_table_may_be_empty() {
        assert!(crate::snapshot::Snapshot::without_rows().events.is_empty());
    }

    #[test]
    fn rows_are_grouped_by_key_in_table_order_without_keyless_rows() {
        let rows = [(Some(2), 'a'), (Some(1), 'b'), (None, 'c'), (Some(2), 'd'), (Some(2), 'e')];
        let groups = Groups::by(&rows, |row| row.0);
        let letters = |key: i32| groups.rows(&rows, &key).map(|row| row.1).collect::<String>();
        assert_eq!((letters(1), letters(2), letters(3)), ("b".into(), "ade".into(), String::new()));
    }
}
