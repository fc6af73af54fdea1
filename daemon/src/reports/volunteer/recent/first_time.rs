//! First-time volunteers of a window: the base list, and the zeroed copy in every typed row.
//!
//! Mirrors VMS's second query: people whom reports may show and whose first engagement lies in the window,
//! newest first, then by id, then by organization. The figures cover a lifetime: all participations of any
//! status count, whatever their date.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use super::super::people::{FullName, Person};
use crate::reports::Shared;
use crate::reports::year::Window;

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
pub(super) fn rows<'s>(people: &[Person<'s>], window: &Window) -> Vec<FirstTime<'s>> {
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
