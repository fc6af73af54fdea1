//! Rules of the year-end report that are easy to get wrong.

mod figures;
mod rows;
mod students;

use serde_json::Value;

use super::YearEnd;
use crate::reports::Mode;
use crate::reports::district::fixture;
use crate::snapshot::Snapshot;

/// Returns `report_data` and `events_data` of a district in exact mode.
fn exact(source: &Snapshot, district: i64) -> (Value, Value) {
    let mut columns = fixture::payload(&YearEnd, source, Mode::Exact, district).into_iter();
    (columns.next().unwrap(), columns.next().unwrap())
}

/// Returns the events of a district's calendar, month by month.
fn calendar(source: &Snapshot, district: i64) -> Vec<Value> {
    let (_, events_data) = exact(source, district);
    let months = events_data["events_by_month"].as_object().unwrap().values();
    months.flat_map(|month| month["events"].as_array().unwrap().clone()).collect()
}
