//! `breakdown_data`: each event with its participants, latest event first.
//!
//! Volunteers are ordered by hours and last name, one entry per row. Students are ordered by school, grade
//! and last name, where a grade is compared as text. A virtual session has a note instead of students; its
//! text is what VMS's Excel file prints.

use std::sync::Arc;

use serde::Serialize;

use super::event::{Engaged, date, kind, location};
use super::people::{Directory, Person, Profile, Pupil};
use crate::reports::district::count;
use crate::reports::district::facts::recorded_hours;
use crate::reports::number::Hours;
use crate::snapshot::Participation;

#[derive(Serialize)]
pub(super) struct Breakdown<'s> {
    events_breakdown: Vec<BrokenDownEvent<'s>>,
    total_events: i64,
}

#[derive(Serialize)]
struct BrokenDownEvent<'s> {
    id: i64,
    date: String,
    title: Option<&'s str>,
    #[serde(rename = "type")]
    kind: String,
    location: &'s str,
    volunteers: Vec<PresentVolunteer<'s>>,
    students: Vec<PresentStudent<'s>>,
    volunteer_count: i64,
    student_count: i64,
    total_volunteer_hours: Hours,
    is_virtual: bool,
}

#[derive(Serialize)]
struct PresentVolunteer<'s> {
    #[serde(flatten)]
    person: Person<'s>,
    organization: &'s str,
    hours: Hours,
    skills: Arc<[&'s str]>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PresentStudent<'s> {
    Known(Pupil<'s>),
    Estimated { note: String },
}

impl<'s> Breakdown<'s> {
    /// Creates the breakdown of a district's events, which are ordered by start and id; the breakdown is in
    /// reverse order, as VMS gets simultaneous events when SQLite walks its index of starts backwards.
    pub(super) fn of(engaged: &[Engaged<'_, 's>], directory: &Directory<'s>) -> Self {
        Self {
            events_breakdown: engaged.iter().rev().map(|engaged| broken_down(engaged, directory)).collect(),
            total_events: count(engaged.len()),
        }
    }
}

fn broken_down<'s>(engaged: &Engaged<'_, 's>, directory: &Directory<'s>) -> BrokenDownEvent<'s> {
    let event = engaged.event.event;
    let mut total_volunteer_hours = Hours::default();
    let mut volunteers: Vec<_> = engaged
        .event
        .volunteers
        .iter()
        .filter_map(|row| {
            let volunteer = present(row, directory)?;
            total_volunteer_hours.add(row.hours);
            Some(volunteer)
        })
        .collect();
    volunteers.sort_by(|a, b| {
        let hours = b.hours.compare(a.hours);
        hours.then_with(|| a.person.last_name.cmp(b.person.last_name))
    });
    let students = students(engaged, directory);
    BrokenDownEvent {
        id: event.id,
        date: date(event, "%B %d, %Y"),
        title: event.title.as_deref(),
        kind: kind(event),
        location: location(event),
        volunteer_count: count(volunteers.len()),
        volunteers,
        student_count: engaged.students,
        students,
        total_volunteer_hours: total_volunteer_hours.rounded(1),
        is_virtual: engaged.event.is_virtual,
    }
}

fn present<'s>(row: &Participation, directory: &Directory<'s>) -> Option<PresentVolunteer<'s>> {
    let Profile { person, organization, skills } = directory.volunteer(row.volunteer)?;
    let hours = recorded_hours([row]).rounded(1);
    Some(PresentVolunteer { person, organization, hours, skills })
}

fn students<'s>(engaged: &Engaged<'_, 's>, directory: &Directory<'s>) -> Vec<PresentStudent<'s>> {
    if engaged.event.is_virtual {
        let note = format!("Virtual session - estimated {} students participated", engaged.students);
        return vec![PresentStudent::Estimated { note }];
    }
    let mut rows: Vec<_> = engaged.roster.iter().collect();
    rows.sort_unstable_by_key(|attendee| attendee.row.id);
    let mut pupils: Vec<_> = rows.into_iter().filter_map(|row| directory.student(row)).collect();
    pupils.sort_by_cached_key(|pupil| (pupil.school, pupil.grade.text(), pupil.person.last_name));
    pupils.into_iter().map(PresentStudent::Known).collect()
}
