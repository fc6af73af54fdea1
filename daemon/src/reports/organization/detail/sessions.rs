//! `virtual_events`: `_get_virtual_events` of VMS's `OrganizationService`.
//!
//! A row is a member linked to a virtual session that counts, times each teacher registered for it; without
//! any registration there is one row with no teacher. Rows of teachers who are excluded from reports, or
//! whose exclusion is unknown, are dropped, so a session all of whose teachers are excluded is not listed at
//! all, although it is counted elsewhere. A registration of a teacher who does not exist keeps its row.
//!
//! There is one element per session. Its volunteers are distinct names: people with the same name count as
//! one. A row whose registration has one of the statuses [`REPORTED`] adds its classroom, so that a classroom
//! is repeated for every member at the session; `classrooms` counts distinct names of teachers. The school is
//! the one that Salesforce gives the teacher, not the one that VMS links; without one, or without a district,
//! `Unknown School` and `Unknown District` are shown.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::super::index::DetailIndex;
use super::engagement::{Engagement, name};
use super::events::{Row, by_event, date, date_sort, time, type_of};
use crate::snapshot::Event;

/// Statuses of a registration whose class attended, compared case-sensitively.
const REPORTED: [&str; 3] = ["attended", "simulcast", "successfully completed"];

#[derive(Serialize)]
pub(in super::super) struct VirtualEvent<'s> {
    id: i64,
    date: String,
    time: String,
    date_sort: String,
    title: Option<&'s str>,
    r#type: String,
    pub(super) volunteers: Vec<String>,
    volunteer_count: usize,
    classrooms: usize,
    pub(super) classroom_details: Vec<Classroom<'s>>,
}

#[derive(Serialize, Clone)]
pub(super) struct Classroom<'s> {
    teacher_id: i64,
    pub(super) teacher_name: Arc<str>,
    school_name: &'s str,
    district_name: &'s str,
    status: &'s str,
}

/// Returns the list, by beginning and title of the sessions.
pub(super) fn events<'s>(engagement: &[Engagement<'s>], index: &DetailIndex<'s>) -> Vec<VirtualEvent<'s>> {
    let mut classrooms = HashMap::new();
    let mut rows = Vec::new();
    for member in engagement {
        for &event in &member.sessions {
            if classrooms.entry(event.id).or_insert_with(|| classrooms_of(event, index)).is_some() {
                rows.push(Row { event, volunteer: member.volunteer, about: () });
            }
        }
    }
    by_event(rows)
        .into_iter()
        .map(|(event, rows)| {
            let classrooms = classrooms.get(&event.id).and_then(Option::as_deref);
            element(event, &rows, classrooms.unwrap_or_default())
        })
        .collect()
}

fn element<'s>(event: &'s Event, rows: &[Row<'s, ()>], classrooms: &[Classroom<'s>]) -> VirtualEvent<'s> {
    let mut seen = HashSet::new();
    let volunteers: Vec<String> =
        rows.iter().map(|row| name(row.volunteer)).filter(|name| seen.insert(name.clone())).collect();
    VirtualEvent {
        id: event.id,
        date: date(event),
        time: time(event),
        date_sort: date_sort(event),
        title: event.title.as_deref(),
        r#type: type_of(event),
        volunteer_count: volunteers.len(),
        volunteers,
        classrooms: classrooms.iter().map(|classroom| &classroom.teacher_name).collect::<HashSet<_>>().len(),
        classroom_details: rows.iter().flat_map(|_| classrooms.iter().cloned()).collect(),
    }
}

/// Returns the classrooms that each member's rows at a session add; `None` when the session has no row left.
fn classrooms_of<'s>(event: &Event, index: &DetailIndex<'s>) -> Option<Vec<Classroom<'s>>> {
    let mut registrations = index.registrations(event.id);
    let had_any = !registrations.is_empty();
    registrations.retain(|(_, teaching)| {
        teaching.is_none_or(|teaching| teaching.contact.exclude_from_reports == Some(false))
    });
    if had_any && registrations.is_empty() {
        return None;
    }
    let reported = registrations.into_iter().filter_map(|(registration, teaching)| {
        let teaching = teaching?;
        let status = registration.status.as_deref().filter(|status| REPORTED.contains(status))?;
        Some(Classroom {
            teacher_id: teaching.contact.id,
            teacher_name: name(teaching.contact).into(),
            school_name: teaching.school.unwrap_or("Unknown School"),
            district_name: teaching.district.unwrap_or("Unknown District"),
            status,
        })
    });
    Some(reported.collect())
}
