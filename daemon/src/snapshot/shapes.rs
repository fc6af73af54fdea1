//! What is known of the shapes of stored payloads, so that looking again costs no parsing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ExistingRow, ReadDepth};
use crate::vms::tables::Table;

/// After this everything is parsed again: whoever damages a payload may leave its stamp and its length alone.
const TRUSTED: TimeDelta = TimeDelta::hours(1);

/// The shapes of rows as they were when they were parsed.
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
    /// A look by what is known at `now`.
    pub fn depth(&self, now: DateTime<Utc>) -> ReadDepth<'_> {
        let mut known = self.known();
        // A clock that was set back makes it known since an instant of the future.
        if now < known.since || now - known.since >= TRUSTED {
            *known = Known { since: now, tables: HashMap::new() };
        }
        ReadDepth::Known(self)
    }

    /// Tells the `rows` of a table their shapes, and returns the ids of those of which none is known. Forgets rows that
    /// are gone.
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

    /// Keeps the shapes of rows that were parsed.
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
