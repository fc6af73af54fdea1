//! Ordering and formatting that the lists of events share.

use std::collections::HashMap;

use chrono::Timelike;

use crate::snapshot::{Contact, Event};
use crate::vms::enums::event_type_value;
use crate::vms::time::Stored;

/// A volunteer at an event, with a value that belongs to the pair.
pub(super) struct Row<'s, T> {
    pub(super) event: &'s Event,
    pub(super) volunteer: &'s Contact,
    pub(super) about: T,
}

/// Groups rows by event as VMS does: rows are sorted by the event's beginning and title and the volunteer's
/// last and first name, all as SQLite compares text (by bytes, NULL first), and events come in the order of
/// their first rows. Two events that begin together and share a title can therefore come in any order of ids.
/// Remaining ties are ordered by the ids of event and volunteer, then by the order of `rows`.
pub(super) fn by_event<T>(mut rows: Vec<Row<'_, T>>) -> Vec<(&Event, Vec<Row<'_, T>>)> {
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut positions = HashMap::new();
    let mut events: Vec<(&Event, Vec<Row<'_, T>>)> = Vec::new();
    for row in rows {
        let position = *positions.entry(row.event.id).or_insert(events.len());
        match events.get_mut(position) {
            Some((_, rows)) => rows.push(row),
            None => events.push((row.event, vec![row])),
        }
    }
    events
}

fn order<'s, T>(row: &Row<'s, T>) -> impl Ord + use<'s, T> {
    (
        row.event.start.as_ref().map(|start| &*start.text),
        row.event.title.as_deref(),
        row.volunteer.last_name.as_deref(),
        row.volunteer.first_name.as_deref(),
        row.event.id,
        row.volunteer.id,
    )
}

/// Returns the value of an event's type; `Unknown` without one.
pub(super) fn type_of(event: &Event) -> String {
    event.kind.as_deref().map_or_else(|| "Unknown".to_owned(), event_type_value)
}

/// Returns the day for display, `10/01/25`.
pub(super) fn date(event: &Event) -> String {
    formatted(event, "%m/%d/%y")
}

/// Returns the time for display, `02:15 PM`; a dash at midnight, with which events without a time are stored.
pub(super) fn time(event: &Event) -> String {
    match event.start.as_ref().map(|start| start.at) {
        Some(at) if (at.hour(), at.minute()) != (0, 0) => formatted(event, "%I:%M %p"),
        _ => "—".to_owned(),
    }
}

/// Returns the instant to sort by as ISO text: VMS's page compares these values with each other.
pub(super) fn date_sort(event: &Event) -> String {
    let whole = event.start.as_ref().is_none_or(|start| start.at.nanosecond() / 1000 == 0);
    formatted(event, if whole { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" })
}

fn formatted(event: &Event, format: &str) -> String {
    event.start.as_ref().map(|Stored { at, .. }| at.format(format).to_string()).unwrap_or_default()
}
