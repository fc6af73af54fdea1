//! Rows of a table grouped by one of their columns, without copying them.

use std::collections::HashMap;
use std::ops::Range;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_key_come_in_table_order_and_keyless_rows_not_at_all() {
        let rows = [(Some(2), 'a'), (Some(1), 'b'), (None, 'c'), (Some(2), 'd'), (Some(2), 'e')];
        let groups = Groups::by(&rows, |row| row.0);
        let letters = |key: i32| groups.rows(&rows, &key).map(|row| row.1).collect::<String>();
        assert_eq!((letters(1), letters(2), letters(3)), ("b".into(), "ade".into(), String::new()));
    }
}
