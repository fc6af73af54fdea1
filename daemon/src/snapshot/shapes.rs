//! A cache of the shapes of stored payloads, so that they are parsed only once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ExistingRow, ReadDepth};
use crate::vms::tables::Table;

/// Age after which everything is parsed again: a payload can be damaged without a change of its stamp or its
/// length.
const TRUSTED: TimeDelta = TimeDelta::hours(1);

/// The shapes of rows, as of when they were parsed.
#[derive(Debug, Default)]
pub struct Shapes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    since: DateTime<Utc>,
    tables: HashMap<Table, HashMap<i64, Shape>>,
}

#[derive(Debug)]
struct Shape {
    last_updated: Option<String>,
    bytes: u64,
    valid: bool,
    complete: bool,
}

impl Shape {
    fn is_of(&self, row: &ExistingRow) -> bool {
        self.last_updated == row.last_updated && self.bytes == row.bytes
    }
}

impl Shapes {
    /// Returns a depth that uses the shapes known at `now`.
    pub fn depth(&self, now: DateTime<Utc>) -> ReadDepth<'_> {
        let mut known = self.known();
        // If the clock was set back, `since` lies in the future.
        if now < known.since || now - known.since >= TRUSTED {
            *known = Known { since: now, tables: HashMap::new() };
        }
        ReadDepth::Known(self)
    }

    /// Applies known shapes to the `rows` of a table, and returns the ids of the rows whose shape is unknown.
    /// Drops the shapes of rows that no longer exist.
    pub(super) fn apply(&self, table: Table, rows: &mut [ExistingRow]) -> Vec<i64> {
        let mut known = self.known();
        let mut old = known.tables.remove(&table).unwrap_or_default();
        let shapes = known.tables.entry(table).or_default();
        let mut unknown = Vec::new();
        for row in rows {
            match old.remove(&row.id).filter(|shape| shape.is_of(row)) {
                Some(shape) => {
                    (row.valid, row.complete) = (shape.valid, shape.complete);
                    shapes.insert(row.id, shape);
                }
                None => unknown.push(row.id),
            }
        }
        unknown
    }

    /// Stores the shapes of rows that were parsed.
    pub(super) fn learn(&self, table: Table, rows: &[ExistingRow]) {
        let mut known = self.known();
        let shapes = known.tables.entry(table).or_default();
        for row in rows {
            let ExistingRow { valid, complete, bytes, .. } = *row;
            shapes.insert(row.id, Shape { last_updated: row.last_updated.clone(), bytes, valid, complete });
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
