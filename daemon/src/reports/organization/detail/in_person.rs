//! `in_person_events`: `_get_in_person_events` and `_calculate_student_count` of VMS's `OrganizationService`.
//!
//! A row is a participation that is attended, or of any status when the event is confirmed, in an event whose
//! type is known and not a virtual session. VMS queries whole objects and its ORM silently drops duplicate
//! rows, so participations of one volunteer in one event with the same status and hours count once. After
//! that, a row without hours is dropped unless its event is confirmed, where it counts as zero hours. There
//! is one element per event that has a row left; names are not made distinct. The hours of an event are
//! rounded to two decimals.
//!
//! Students come from the attendance that staff entered, when students, classrooms and rotations are all
//! given, students are not zero and the latter two are positive: a volunteer then met
//! `students / classrooms * rotations` of them, rounded down. Otherwise they are the event's number of
//! participants, and the number per volunteer is null.

use std::collections::HashSet;

use serde::Serialize;

use super::super::attended;
use super::super::index::DetailIndex;
use super::engagement::{Engagement, name};
use super::events::{Row, by_event, date, date_sort, type_of};
use crate::reports::number::Hours;
use crate::snapshot::{AttendanceDetail, Event, Participation};
use crate::vms::enums::{CONFIRMED, VIRTUAL_SESSION};

#[derive(Serialize)]
pub(in super::super) struct InPersonEvent<'s> {
    id: i64,
    date: String,
    date_sort: String,
    title: Option<&'s str>,
    r#type: String,
    pub(super) volunteers: Vec<String>,
    volunteer_count: usize,
    hours: Hours,
    pub(super) students: i64,
    students_per_volunteer: Option<i64>,
    is_calculated: bool,
}

/// Returns the list, by beginning and title of the events.
pub(super) fn events<'s>(engagement: &[Engagement<'s>], index: &DetailIndex<'s>) -> Vec<InPersonEvent<'s>> {
    by_event(engagement.iter().flat_map(rows).collect())
        .into_iter()
        .map(|(event, rows)| {
            let mut hours = Hours::default();
            for row in &rows {
                hours.add(row.about);
            }
            let (students, students_per_volunteer) = students(event, index.attendance(event.id));
            InPersonEvent {
                id: event.id,
                date: date(event),
                date_sort: date_sort(event),
                title: event.title.as_deref(),
                r#type: type_of(event),
                volunteer_count: rows.len(),
                volunteers: rows.iter().map(|row| name(row.volunteer)).collect(),
                hours: hours.rounded(2),
                students,
                students_per_volunteer,
                is_calculated: students_per_volunteer.is_some(),
            }
        })
        .collect()
}

fn rows<'s>(engagement: &Engagement<'s>) -> Vec<Row<'s, Option<f64>>> {
    let mut seen = HashSet::new();
    engagement
        .participations
        .iter()
        .filter(|(participation, event)| is_in_person(participation, event))
        .filter(|(participation, event)| {
            // Adding zero turns `-0.0` into `0.0`, so that both compare equal by bits.
            let hours = participation.hours.map(|hours| (hours + 0.0).to_bits());
            seen.insert((event.id, participation.status.as_deref(), hours))
        })
        .filter(|(participation, event)| participation.hours.is_some() || is_confirmed(event))
        .map(|&(participation, event)| Row {
            event,
            volunteer: engagement.volunteer,
            about: participation.hours,
        })
        .collect()
}

fn is_in_person(participation: &Participation, event: &Event) -> bool {
    event.kind.as_deref().is_some_and(|kind| kind != VIRTUAL_SESSION)
        && (attended(participation) || is_confirmed(event))
}

fn is_confirmed(event: &Event) -> bool {
    event.status.as_deref() == Some(CONFIRMED)
}

/// Returns the number of students at an event, and how many of them each volunteer met, if that can be
/// computed.
fn students(event: &Event, attendance: Option<&AttendanceDetail>) -> (i64, Option<i64>) {
    if let Some(&AttendanceDetail {
        total_students: Some(students),
        classrooms: Some(classrooms @ 1..),
        rotations: Some(rotations @ 1..),
        ..
    }) = attendance
        && students != 0
    {
        return (students, Some(per_volunteer(students, classrooms, rotations)));
    }
    (event.participant_count.unwrap_or_default(), None)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "VMS calculates with floats; numbers of students are far below 2^53"
)]
fn per_volunteer(students: i64, classrooms: i64, rotations: i64) -> i64 {
    (students as f64 / classrooms as f64 * rotations as f64).floor() as i64
}
