//! What the tests of all reports share.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::district::DistrictMapping;
use super::recruitment::Keywords;
use super::{Mode, Payload, ReportSettings};
use crate::snapshot::ExistingRow;
use crate::vms::tables::Key;

/// In the school year 2025/26 and the virtual year 2025-2026.
pub(super) fn now() -> DateTime<Utc> {
    "2026-03-15T02:00:00Z".parse().unwrap()
}

/// The settings of a new installation beside a VMS that runs in UTC.
pub(super) fn settings(mode: Mode) -> ReportSettings {
    let districts = DistrictMapping::embedded().unwrap();
    ReportSettings::new(mode, Tz::UTC, districts, Keywords::embedded().unwrap())
}

/// A sound row that is already in a report's table.
pub(super) fn existing(id: i64, key: Key) -> ExistingRow {
    ExistingRow { id, key, last_updated: None, valid: true, complete: true, bytes: 0 }
}

/// A payload column through its text, as VMS reads it.
pub(super) fn value(payload: &Payload<'_>) -> Value {
    match payload {
        Payload::Json(json) => serde_json::from_str(&serde_json::to_string(&**json).unwrap()).unwrap(),
        Payload::Text(text) => Value::from(&**text),
    }
}
