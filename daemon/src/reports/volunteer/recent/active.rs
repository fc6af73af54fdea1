//! Active volunteers of a window, as the base row lists them.
//!
//! Participations in completed events within the window whose status is attended or simulcast, of people whom
//! reports may show; events without a type count. A person's rows have the number of participations (not of
//! events) and their unrounded hours, always a float. The newest comes first; ties by id, then by
//! organization. `last_event_type` is not the type of the last event: VMS takes the greatest of the stored
//! type names.

use std::rc::Rc;

use serde::Serialize;

use super::super::ATTENDED_OR_SIMULCAST;
use super::super::people::{Affiliation, Attendance, FullName, Person};
use crate::reports::year::Window;
use crate::vms::enums::event_type_value;
use crate::vms::time::{self, Stored};

/// A row of the base list, before serialization.
#[derive(Debug, Clone)]
pub(super) struct Row<'p, 's> {
    pub(super) person: &'p Person<'s>,
    pub(super) affiliation: &'p Affiliation<'s>,
    /// Participations by start, each once; never empty.
    pub(super) attended: Rc<[Attendance<'s>]>,
    last: &'s Stored,
}

/// Returns the rows of a window, in the order of the base list.
pub(super) fn rows<'p, 's>(people: &'p [Person<'s>], window: &Window) -> Vec<Row<'p, 's>> {
    let mut rows = Vec::new();
    for person in people.iter().filter(|person| person.is_reportable()) {
        let attended: Rc<[_]> = person.attended(window, &ATTENDED_OR_SIMULCAST).into();
        let Some(last) = attended.iter().map(|attendance| attendance.start).max_by_key(|start| &start.text)
        else {
            continue;
        };
        rows.extend(person.affiliations.iter().map(|affiliation| Row {
            person,
            affiliation,
            attended: Rc::clone(&attended),
            last,
        }));
    }
    // Stable: people come by id, and their organizations by name.
    rows.sort_by_key(|row| std::cmp::Reverse(&row.last.text));
    rows
}

/// An entry of the base list.
#[derive(Debug, Serialize)]
pub(super) struct Active<'s> {
    id: i64,
    name: FullName<'s>,
    email: (),
    organization: &'s str,
    event_count: usize,
    total_hours: f64,
    last_event_date: String,
    last_event_type: Option<String>,
    events: [(); 0],
}

impl<'s> From<&Row<'_, 's>> for Active<'s> {
    fn from(row: &Row<'_, 's>) -> Self {
        let kinds = row.attended.iter().filter_map(|attendance| attendance.event.kind.as_deref());
        Self {
            id: row.person.id(),
            name: row.person.name(),
            email: (),
            organization: row.affiliation.shown(),
            event_count: row.attended.len() * row.affiliation.links,
            total_hours: row
                .affiliation
                .sum_hours(row.attended.iter().map(|attendance| attendance.row.hours)),
            last_event_date: time::iso(row.last.at),
            last_event_type: kinds.max().map(event_type_value),
            events: [],
        }
    }
}
