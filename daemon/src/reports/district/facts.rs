//! Facts about events that do not depend on the district.

use std::collections::HashMap;

use crate::reports::dialect::Hours;
use crate::reports::year::{SchoolYear, Year};
use crate::snapshot::{
    District, Event, EventTeacher, Groups, Participation, School, Snapshot, StudentParticipation, find,
};
use crate::vms::enums::COMPLETED;

/// Index over the snapshot that both district reports use.
#[derive(Debug)]
pub(super) struct Index<'s> {
    snapshot: &'s Snapshot,
    /// Completed events by start and id.
    completed: Vec<&'s Event>,
    districts: HashMap<i64, &'s District>,
    schools: HashMap<&'s str, &'s School>,
    links: Groups<i64>,
    volunteers: Groups<i64>,
    students: Groups<i64>,
    teachers: Groups<i64>,
}

impl<'s> Index<'s> {
    /// Indexes `snapshot`.
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        let completed = |event: &&Event| event.status.as_deref() == Some(COMPLETED);
        let mut completed: Vec<_> = snapshot.events.iter().filter(completed).collect();
        completed.sort_by_key(|event| (event.start.as_ref().map(|start| &start.text), event.id));
        Self {
            snapshot,
            completed,
            districts: snapshot.districts.iter().map(|district| (district.id, district)).collect(),
            schools: snapshot.schools.iter().map(|school| (&*school.id, school)).collect(),
            links: Groups::by(&snapshot.event_districts, |link| Some(link.event)),
            volunteers: Groups::by(&snapshot.participations, |row| row.is_attended().then_some(row.event)),
            students: Groups::by(&snapshot.student_participations, |row| attended(row).then_some(row.event)),
            teachers: Groups::by(&snapshot.event_teachers, |row| Some(row.event)),
        }
    }

    /// Returns the completed events of a school year, by start and id.
    pub(super) fn events_of(&self, year: SchoolYear) -> impl Iterator<Item = &'s Event> {
        let window = year.window();
        self.completed.iter().copied().filter(move |event| window.contains(event.start.as_ref()))
    }

    /// Returns the districts linked to an event through `event_districts`, each once.
    pub(super) fn linked(&self, event: &Event) -> Vec<&'s District> {
        let mut linked: Vec<&District> = Vec::new();
        for link in self.links.rows(&self.snapshot.event_districts, &event.id) {
            let district = self.districts.get(&link.district);
            linked.extend(district.filter(|district| linked.iter().all(|known| known.id != district.id)));
        }
        linked
    }

    /// Returns the ids of the districts that an event is linked to when the link is compared with the district's
    /// id as text, as VMS does where it looks for the links of one district.
    pub(super) fn linked_by_text(&self, event: &Event) -> impl Iterator<Item = i64> {
        let links = self.links.rows(&self.snapshot.event_districts, &event.id);
        links.filter(|link| *link.stored == link.district.to_string()).map(|link| link.district)
    }

    /// Returns the rows of an event's volunteers who took part, by id.
    pub(super) fn volunteers(&self, event: &Event) -> Vec<&'s Participation> {
        self.volunteers.rows(&self.snapshot.participations, &event.id).collect()
    }

    /// Returns all rows of an event's teachers, whatever their status.
    pub(super) fn teachers(&self, event: &Event) -> Vec<&'s EventTeacher> {
        self.teachers.rows(&self.snapshot.event_teachers, &event.id).collect()
    }

    /// Returns the students who attended an event and whose district is known.
    pub(super) fn roster(&self, event: &Event) -> Roster<'s> {
        let rows = self.students.rows(&self.snapshot.student_participations, &event.id);
        let mut attendees: Vec<_> = rows.filter_map(|row| self.attendee(row)).collect();
        attendees.sort_by_key(|attendee| (attendee.district, attendee.row.student));
        attendees.dedup_by_key(|attendee| (attendee.district, attendee.row.student));
        Roster(attendees)
    }

    fn attendee(&self, row: &'s StudentParticipation) -> Option<Attendee<'s>> {
        let students = &self.snapshot.students;
        let student = find(students, row.student, |student| student.id)?;
        // VMS's inner join over its person tables drops a student without a contact.
        find(&self.snapshot.contacts, row.student, |contact| contact.id)?;
        let school = self.school(student.school.as_deref()?)?;
        Some(Attendee { row, school, district: school.district?, grade: student.grade })
    }

    /// Returns a school by its id.
    pub(super) fn school(&self, id: &str) -> Option<&'s School> {
        self.schools.get(id).copied()
    }
}

fn attended(row: &StudentParticipation) -> bool {
    row.status.as_deref() == Some("Attended")
}

/// Sums the hours that were entered for volunteers, row by row.
pub(super) fn recorded_hours<'s>(rows: impl IntoIterator<Item = &'s Participation>) -> Hours {
    let mut hours = Hours::default();
    rows.into_iter().for_each(|row| hours.add(row.hours));
    hours
}

/// A student who attended an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attendee<'s> {
    /// The participation row.
    pub(super) row: &'s StudentParticipation,
    /// The student's school.
    pub(super) school: &'s School,
    /// The school's district.
    pub(super) district: i64,
    /// The student's grade.
    pub(super) grade: Option<i64>,
}

/// The students of an event, by district and student.
#[derive(Debug, Default)]
pub(super) struct Roster<'s>(Vec<Attendee<'s>>);

impl<'s> Roster<'s> {
    /// Returns the students of one district, ordered by student.
    pub(super) fn of(&self, district: i64) -> &[Attendee<'s>] {
        let from = self.0.partition_point(|attendee| attendee.district < district);
        let to = self.0.partition_point(|attendee| attendee.district <= district);
        self.0.get(from..to).unwrap_or(&[])
    }
}
