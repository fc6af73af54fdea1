//! Rows of a source table that can be read only if the table was loaded.

use std::ops::Deref;

/// The rows of a source table, in table order.
///
/// # Panics
///
/// When the rows are used although the table was not loaded. A report that reads a table which it does not
/// declare would otherwise see it as empty whenever no other report of the run declares it, and store wrong
/// figures. The panic fails that one table: whoever calls a report contains its panics.
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
        reason = "a wrong figure must be impossible, and callers of reports contain panics"
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

#[cfg(test)]
mod testing {
    use std::ops::DerefMut;

    use super::Loaded;

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
    fn rows_of_a_table_that_was_not_loaded_cannot_be_read() {
        let _ = crate::snapshot::Snapshot::default().events.len();
    }

    #[test]
    fn a_table_that_was_loaded_may_be_empty() {
        assert!(crate::snapshot::Snapshot::without_rows().events.is_empty());
    }
}
