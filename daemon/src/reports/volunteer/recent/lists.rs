//! The lists of a window: in its base row, and in its typed rows.
//!
//! # Active volunteers
//!
//! Participations in completed events within the window whose status is attended or simulcast, of people whom
//! reports may show; events without a type count. A person's rows have the number of participations (not of
//! events) and their unrounded hours, always a float. The newest comes first; ties by id, then by
//! organization. `last_event_type` is not the type of the last event: VMS takes the greatest of the stored
//! type names.
//!
//! # First-time volunteers
//!
//! Mirrors VMS's second query: people whom reports may show and whose first engagement lies in the window,
//! newest first, then by id, then by organization. The figures cover a lifetime: all participations of any
//! status count, whatever their date.
//!
//! # Typed rows of fixed mode
//!
//! Volunteers who were active in a window with events of one type.
//! This is what VMS's `_derive_filtered_from_base` yields for base entries that have their participations. An
//! entry keeps the participations of the row's type, by start, event and id, each as often as the person is
//! linked to organizations of the entry's name; without any it is left out. Counts, hours and the last date
//! are computed from the kept participations; hours are added left to right and then rounded to one digit.
//! The list is the base list by lower-cased name. Participations without a type, or of a type that VMS does
//! not declare, are in no typed row.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use crate::reports::Shared;
use crate::reports::dialect::round;
use crate::reports::volunteer::{ATTENDED_OR_SIMULCAST, Affiliation, Attendance, FullName, Person};
use crate::reports::year::Window;
use crate::vms::enums::{declared_event_type, event_type_value};
use crate::vms::time::{self, Stored};

/// A row of the base list, before serialization.
#[derive(Debug, Clone)]
pub(super) struct Row<'s> {
    id: i64,
    name: FullName<'s>,
    affiliation: Affiliation<'s>,
    /// Participations by start, each once; never empty.
    attended: Rc<[Attendance<'s>]>,
    last: &'s Stored,
}

/// Returns the rows of a window, in the order of the base list.
pub(super) fn active<'s>(people: &[Person<'s>], window: &Window) -> Vec<Row<'s>> {
    let mut rows = Vec::new();
    for person in people.iter().filter(|person| person.is_reportable()) {
        let attended: Rc<[_]> = person.attended(window, &ATTENDED_OR_SIMULCAST).into();
        let Some(last) = attended.iter().map(|attendance| attendance.start).max_by_key(|start| &start.text)
        else {
            continue;
        };
        rows.extend(person.affiliations.iter().map(|&affiliation| Row {
            id: person.id(),
            name: person.name(),
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

impl<'s> From<&Row<'s>> for Active<'s> {
    fn from(row: &Row<'s>) -> Self {
        let kinds = row.attended.iter().filter_map(|attendance| attendance.event.kind.as_deref());
        Self {
            id: row.id,
            name: row.name,
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

/// An entry of the base list.
#[derive(Debug, Serialize)]
pub(super) struct FirstTime<'s> {
    id: i64,
    name: FullName<'s>,
    first_volunteer_date: NaiveDate,
    total_events: usize,
    total_hours: f64,
    organization: &'s str,
    events: [(); 0],
}

/// Returns the list of a base row.
pub(super) fn first_time<'s>(people: &[Person<'s>], window: &Window) -> Vec<FirstTime<'s>> {
    let mut rows = Vec::new();
    for person in people.iter().filter(|person| person.is_reportable()) {
        let Some(first_volunteer_date) = person.began_in(window) else { continue };
        rows.extend(person.affiliations.iter().map(|affiliation| FirstTime {
            id: person.id(),
            name: person.name(),
            first_volunteer_date,
            total_events: person.participations.len() * affiliation.links,
            total_hours: affiliation.sum_hours(person.participations.iter().map(|one| one.row.hours)),
            organization: affiliation.shown(),
            events: [],
        }));
    }
    // Stable: people come by id, and their organizations by name.
    rows.sort_by_key(|row| Reverse(row.first_volunteer_date));
    rows
}

/// An entry of a typed row's list: the result of VMS's derivation for an entry without `events`. Its zeros
/// are integers.
#[derive(Debug, Serialize)]
pub(super) struct Zeroed<'s> {
    id: i64,
    name: FullName<'s>,
    first_volunteer_date: NaiveDate,
    organization: &'s str,
    title: (),
    events: [(); 0],
    total_events: u8,
    total_hours: u8,
}

/// Returns the list of a typed row: the base list by lower-cased name; equal names keep its order.
pub(super) fn zeroed<'s>(rows: &[FirstTime<'s>]) -> Arc<Shared<Vec<Zeroed<'s>>>> {
    let mut alphabetical: Vec<&FirstTime<'s>> = rows.iter().collect();
    alphabetical.sort_by_cached_key(|row| row.name.lowercase());
    let zeroed = alphabetical
        .into_iter()
        .map(|row| Zeroed {
            id: row.id,
            name: row.name,
            first_volunteer_date: row.first_volunteer_date,
            organization: row.organization,
            title: (),
            events: [],
            total_events: 0,
            total_hours: 0,
        })
        .collect();
    Arc::new(Shared::new(zeroed))
}

/// Number of titles shown; further ones are replaced by an ellipsis.
const SHOWN_TITLES: usize = 5;

/// An entry of a typed list.
#[derive(Debug, Serialize)]
pub(super) struct TypedActive<'s> {
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

/// The rows of a window as typed rows list them.
#[derive(Debug)]
pub(super) struct ByType<'s> {
    /// All of them, by lower-cased name; equal names keep the order of the base list.
    rows: Vec<Row<'s>>,
    /// Positions of those that have participations of a type.
    positions: HashMap<&'static str, Vec<usize>>,
}

impl<'s> ByType<'s> {
    pub(super) fn of(mut rows: Vec<Row<'s>>) -> Self {
        rows.sort_by_cached_key(|row| row.name.lowercase());
        let mut positions: HashMap<_, Vec<usize>> = HashMap::new();
        for (position, row) in rows.iter().enumerate() {
            for kind in row.attended.iter().filter_map(kind).collect::<BTreeSet<_>>() {
                positions.entry(kind).or_default().push(position);
            }
        }
        Self { rows, positions }
    }

    /// Returns the list of a type.
    pub(super) fn list(&self, kind: &'static str) -> Vec<TypedActive<'s>> {
        let positions = self.positions.get(kind).into_iter().flatten();
        positions.filter_map(|&position| self.rows.get(position)).map(|row| entry(row, kind)).collect()
    }
}

fn kind(attendance: &Attendance<'_>) -> Option<&'static str> {
    declared_event_type(attendance.event.kind.as_deref()?)
}

fn entry<'s>(row: &Row<'s>, of: &'static str) -> TypedActive<'s> {
    let mut kept: Vec<&Attendance<'s>> =
        row.attended.iter().filter(|attendance| kind(attendance) == Some(of)).collect();
    kept.sort_unstable_by_key(|attendance| attendance.order());
    let events: Vec<Attended<'s>> = kept
        .into_iter()
        .flat_map(|attendance| {
            let attended = Attended {
                id: attendance.event.id,
                title: attendance.event.title.as_deref(),
                date: time::iso(attendance.start.at),
                kind: of,
                hours: attendance.row.hours.unwrap_or_default(),
            };
            std::iter::repeat_n(attended, row.affiliation.links)
        })
        .collect();
    TypedActive {
        id: row.id,
        name: row.name,
        email: (),
        organization: row.affiliation.shown(),
        event_count: events.len(),
        total_hours: round(events.iter().fold(0.0, |sum, event| sum + event.hours), 1),
        last_event_date: events.last().map(|event| event.date.clone()),
        last_event_type: of,
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
