//! Helpers shared by the tests of all reports.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::district::DistrictMapping;
use super::recruitment::Keywords;
use super::{Mode, Payload, ReportSettings};
use crate::snapshot::ExistingRow;
use crate::vms::tables::Key;

/// Returns an instant in the school year 2025/26 and the virtual year 2025-2026.
pub(super) fn now() -> DateTime<Utc> {
    "2026-03-15T02:00:00Z".parse().unwrap()
}

/// Returns the settings of a new installation next to a VMS that runs in UTC.
pub(super) fn settings(mode: Mode) -> ReportSettings {
    let districts = DistrictMapping::embedded().unwrap();
    ReportSettings::new(mode, Tz::UTC, districts, Keywords::embedded().unwrap())
}

/// Returns a valid row that already exists in a report's table.
pub(super) fn existing(id: i64, key: Key) -> ExistingRow {
    ExistingRow { id, key, last_updated: None, valid: true, complete: true, bytes: 0 }
}

/// Returns a payload column parsed from its text, as VMS reads it.
pub(super) fn value(payload: &Payload<'_>) -> Value {
    match payload {
        Payload::Json(json) => serde_json::from_str(&serde_json::to_string(&**json).unwrap()).unwrap(),
        Payload::Text(text) => Value::from(&**text),
    }
}
