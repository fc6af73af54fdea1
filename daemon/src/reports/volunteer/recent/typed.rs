//! Volunteers who were active in a window with events of one type: the typed rows of fixed mode.
//!
//! This is what VMS's `_derive_filtered_from_base` yields for base entries that have their participations. An
//! entry keeps the participations of the row's type, by start, event and id, each as often as the person is
//! linked to organizations of the entry's name; without any it is left out. Counts, hours and the last date
//! are computed from the kept participations; hours are added left to right and then rounded to one digit.
//! The list is the base list by lower-cased name. Participations without a type, or of a type that VMS does
//! not declare, are in no typed row.

use std::collections::HashMap;

use serde::Serialize;

use super::super::people::{Attendance, FullName};
use super::active::Row;
use crate::reports::number::round;
use crate::vms::enums::{EVENT_TYPES, declared_event_type};
use crate::vms::time;

/// Number of titles shown; further ones are replaced by an ellipsis.
const SHOWN_TITLES: usize = 5;

/// An entry of a typed list.
#[derive(Debug, Serialize)]
pub(super) struct Active<'s> {
    id: i64,
    name: FullName<'s>,
    email: (),
    organization: &'s str,
    events: Vec<Attended<'s>>,
    event_count: usize,
    total_hours: f64,
    last_event_date: Option<String>,
    last_event_type: &'static str,
    events_display: String,
}

/// A participation.
#[derive(Debug, Clone, Serialize)]
struct Attended<'s> {
    id: i64,
    title: Option<&'s str>,
    date: String,
    #[serde(rename = "type")]
    kind: &'static str,
    hours: f64,
}

/// Returns the lists of all types, in the order of [`EVENT_TYPES`].
pub(super) fn by_type<'s>(rows: &[Row<'_, 's>]) -> impl Iterator<Item = Vec<Active<'s>>> + use<'s> {
    let mut alphabetical: Vec<&Row<'_, 's>> = rows.iter().collect();
    alphabetical.sort_by_cached_key(|row| row.person.name().lowercase());
    let mut lists: HashMap<&'static str, Vec<Active<'s>>> = HashMap::new();
    for row in alphabetical {
        let mut kept: Vec<(&'static str, Attendance<'s>)> = row
            .attended
            .iter()
            .filter_map(|&attendance| {
                Some((declared_event_type(attendance.event.kind.as_deref()?)?, attendance))
            })
            .collect();
        kept.sort_unstable_by_key(|(kind, attendance)| (*kind, attendance.order()));
        for same in kept.chunk_by(|a, b| a.0 == b.0) {
            if let Some(&(kind, _)) = same.first() {
                lists.entry(kind).or_default().push(entry(row, kind, same));
            }
        }
    }
    EVENT_TYPES.into_iter().map(move |kind| lists.remove(kind).unwrap_or_default())
}

fn entry<'s>(row: &Row<'_, 's>, kind: &'static str, kept: &[(&'static str, Attendance<'s>)]) -> Active<'s> {
    let events: Vec<Attended<'s>> = kept
        .iter()
        .flat_map(|(_, attendance)| {
            let attended = Attended {
                id: attendance.event.id,
                title: attendance.event.title.as_deref(),
                date: time::iso(attendance.start.at),
                kind,
                hours: attendance.row.hours.unwrap_or_default(),
            };
            std::iter::repeat_n(attended, row.affiliation.links)
        })
        .collect();
    Active {
        id: row.person.id(),
        name: row.person.name(),
        email: (),
        organization: row.affiliation.shown(),
        event_count: events.len(),
        total_hours: round(events.iter().fold(0.0, |sum, event| sum + event.hours), 1),
        last_event_date: events.last().map(|event| event.date.clone()),
        last_event_type: kind,
        events_display: display(events.iter().filter_map(|event| event.title)),
        events,
    }
}

/// Joins distinct titles in the order in which they first appear.
fn display<'s>(titles: impl Iterator<Item = &'s str>) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for title in titles.filter(|title| !title.is_empty()) {
        if distinct.contains(&title) {
            continue;
        }
        if distinct.len() == SHOWN_TITLES {
            return distinct.join("; ") + " …";
        }
        distinct.push(title);
    }
    distinct.join("; ")
}
