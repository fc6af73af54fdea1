//! What an organization's members did, and the three lists of events.
//!
//! # `in_person_events`
//!
//! As `_get_in_person_events` and `_calculate_student_count` of VMS's `OrganizationService`.
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
//!
//! # `virtual_events`
//!
//! As `_get_virtual_events`.
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
//!
//! # `cancelled_events`
//!
//! As `_get_cancelled_events`.
//!
//! One element per event, of any type, that is cancelled or has a participation of a member with one of the
//! statuses [`CANCELLED_STATUSES`]; it counts the distinct members with a matching participation, which is every one
//! of them when the event itself is cancelled. The status shown is always `Cancelled/No Show`. An event that
//! took place can be listed here as well as among the in-person events. VMS leaves the order undefined; here
//! it is by event id.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::Timelike;
use serde::Serialize;

use crate::reports::dialect::Hours;
use crate::reports::organization::index::{DetailIndex, Events, covers};
use crate::snapshot::{AttendanceDetail, Contact, Event, Participation};
use crate::vms::enums::{CANCELLED, CONFIRMED, VIRTUAL_SESSION, event_type_value};
use crate::vms::time::Stored;

/// One member's engagement in the events of a year.
pub(super) struct Engagement<'s> {
    pub(super) volunteer: &'s Contact,
    /// Participations of any status, by id.
    pub(super) participations: Vec<(&'s Participation, &'s Event)>,
    /// Counted virtual sessions, in the order of their links.
    pub(super) sessions: Vec<&'s Event>,
}

/// Returns the engagement of an organization's members, by volunteer id.
pub(super) fn engagement<'s>(organization: i64, year: &Events<'s>) -> Vec<Engagement<'s>> {
    let mut all: Vec<_> = year
        .members(organization)
        .filter(|(_, volunteer)| volunteer.exclude_from_reports == Some(false))
        .map(|(membership, volunteer)| Engagement {
            volunteer,
            participations: year
                .participations(volunteer.id)
                .filter(|(_, event)| covers(membership, event.start.as_ref()))
                .collect(),
            sessions: year
                .sessions(volunteer.id)
                .filter(|event| covers(membership, event.start.as_ref()))
                .collect(),
        })
        .collect();
    all.sort_by_key(|engagement| engagement.volunteer.id);
    all
}

/// Returns a name as VMS composes it; a missing part is printed as Python prints it (`None`).
pub(super) fn name(contact: &Contact) -> String {
    let [first, last] =
        [&contact.first_name, &contact.last_name].map(|part| part.as_deref().unwrap_or("None"));
    format!("{first} {last}")
}

/// A volunteer at an event, with a value that belongs to the pair.
struct Row<'s, T> {
    event: &'s Event,
    volunteer: &'s Contact,
    about: T,
}

/// Groups rows by event as VMS does: rows are sorted by the event's beginning and title and the volunteer's
/// last and first name, all as SQLite compares text (by bytes, NULL first), and events come in the order of
/// their first rows. Two events that begin together and share a title can therefore come in any order of ids.
/// Remaining ties are ordered by the ids of event and volunteer, then by the order of `rows`.
fn by_event<T>(mut rows: Vec<Row<'_, T>>) -> Vec<(&Event, Vec<Row<'_, T>>)> {
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
fn type_of(event: &Event) -> String {
    event.kind.as_deref().map_or_else(|| "Unknown".to_owned(), event_type_value)
}

/// Returns the day for display, `10/01/25`.
fn date(event: &Event) -> String {
    formatted(event, "%m/%d/%y")
}

/// Returns the time for display, `02:15 PM`; a dash at midnight, with which events without a time are stored.
fn time(event: &Event) -> String {
    match event.start.as_ref().map(|start| start.at) {
        Some(at) if (at.hour(), at.minute()) != (0, 0) => formatted(event, "%I:%M %p"),
        _ => "—".to_owned(),
    }
}

/// Returns the instant to sort by as ISO text: VMS's page compares these values with each other.
fn date_sort(event: &Event) -> String {
    let whole = event.start.as_ref().is_none_or(|start| start.at.nanosecond() / 1000 == 0);
    formatted(event, if whole { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" })
}

fn formatted(event: &Event, format: &str) -> String {
    event.start.as_ref().map(|Stored { at, .. }| at.format(format).to_string()).unwrap_or_default()
}

#[derive(Serialize)]
pub(super) struct InPersonEvent<'s> {
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
pub(super) fn in_person<'s>(
    engagement: &[Engagement<'s>],
    index: &DetailIndex<'s>,
) -> Vec<InPersonEvent<'s>> {
    by_event(engagement.iter().flat_map(attended_rows).collect())
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

fn attended_rows<'s>(engagement: &Engagement<'s>) -> Vec<Row<'s, Option<f64>>> {
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
        && (participation.is_attended() || is_confirmed(event))
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

/// Statuses of a registration whose class attended, compared case-sensitively.
const REPORTED: [&str; 3] = ["attended", "simulcast", "successfully completed"];

#[derive(Serialize)]
pub(super) struct VirtualEvent<'s> {
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
pub(super) fn sessions<'s>(engagement: &[Engagement<'s>], index: &DetailIndex<'s>) -> Vec<VirtualEvent<'s>> {
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

/// Statuses of a participation that was cancelled or missed, compared case-sensitively.
const CANCELLED_STATUSES: [&str; 8] = [
    "Cancelled",
    "No Show",
    "Did Not Attend",
    "Teacher No-Show",
    "Volunteer canceling due to snow",
    "Weather Cancellation",
    "School Closure",
    "Emergency Cancellation",
];

#[derive(Serialize)]
pub(super) struct CancelledEvent<'s> {
    date: String,
    title: Option<&'s str>,
    r#type: String,
    volunteers: usize,
    status: &'static str,
}

/// Returns the list, by event id.
pub(super) fn cancelled<'s>(engagement: &[Engagement<'s>]) -> Vec<CancelledEvent<'s>> {
    let mut events: BTreeMap<i64, (&Event, HashSet<i64>)> = BTreeMap::new();
    for member in engagement {
        for &(participation, event) in &member.participations {
            if was_cancelled_or_missed(participation, event) {
                events
                    .entry(event.id)
                    .or_insert_with(|| (event, HashSet::new()))
                    .1
                    .insert(member.volunteer.id);
            }
        }
    }
    events
        .into_values()
        .map(|(event, volunteers)| CancelledEvent {
            date: date(event),
            title: event.title.as_deref(),
            r#type: type_of(event),
            volunteers: volunteers.len(),
            status: "Cancelled/No Show",
        })
        .collect()
}

fn was_cancelled_or_missed(participation: &Participation, event: &Event) -> bool {
    event.status.as_deref() == Some(CANCELLED)
        || participation.status.as_deref().is_some_and(|status| CANCELLED_STATUSES.contains(&status))
}
