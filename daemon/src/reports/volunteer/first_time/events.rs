//! Events that a first-time volunteer attended in the year.
//!
//! Attended participations in completed events within the year, by start, event and id. VMS's database layer
//! drops duplicate rows, so two participations in one event with the same status and hours are one. Hours are
//! rounded to two digits; missing and zero hours are the integer 0.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use super::super::ATTENDED;
use super::super::people::{Attendance, Person};
use crate::reports::number::Hours;
use crate::reports::year::Window;
use crate::vms::enums::event_type_value;

/// Shown for a missing event type.
const UNKNOWN_TYPE: &str = "Unknown";
/// Shown for a missing district.
const NO_DISTRICT: &str = "N/A";

/// An entry of a person's list.
#[derive(Debug, Serialize)]
pub(super) struct Event<'s> {
    title: Option<&'s str>,
    #[serde(serialize_with = "short_date")]
    date: NaiveDate,
    #[serde(rename = "type")]
    kind: String,
    hours: Hours,
    district: &'s str,
}

/// Returns the list of one person.
pub(super) fn events<'s>(person: &Person<'s>, window: &Window) -> Arc<[Event<'s>]> {
    let mut attended = person.attended(window, &ATTENDED);
    attended.sort_unstable_by_key(Attendance::order);
    let mut seen = HashSet::new();
    attended
        .into_iter()
        .filter(|one| seen.insert((one.event.id, one.row.hours.map(f64::to_bits), one.row.status.as_deref())))
        .map(|attendance| {
            let mut hours = Hours::default();
            hours.add(attendance.row.hours);
            let event = attendance.event;
            Event {
                title: event.title.as_deref(),
                date: attendance.start.at.date(),
                kind: event.kind.as_deref().map_or_else(|| UNKNOWN_TYPE.to_owned(), event_type_value),
                hours: hours.rounded(2),
                district: event.district_partner.as_deref().filter(|d| !d.is_empty()).unwrap_or(NO_DISTRICT),
            }
        })
        .collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn short_date<S: serde::Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&date.format("%b %d, %Y"))
}
