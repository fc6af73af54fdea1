//! The five columns: who was engaged, person by person and event by event.
//!
//! `summary_stats` are the figures that the list page shows for each district. `events_data` lists the
//! district's events by start.
//!
//! # `volunteers_data` and `students_data`
//!
//! All participants, most engaged first.
//!
//! A volunteer's organization is that of the membership entered first, whichever is marked as primary; the
//! address is the first one marked as primary. Skills are ordered by their ids. A grade of zero is printed
//! like an unknown one.
//!
//! # `breakdown_data`
//!
//! Each event with its participants, latest event first.
//!
//! Volunteers are ordered by hours and last name, one entry per row. Students are ordered by school, grade
//! and last name, where a grade is compared as text. A virtual session has a note instead of students; its
//! text is what VMS's Excel file prints.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use crate::reports::dialect::Hours;
use crate::reports::district::count;
use crate::reports::district::engagement::events::{Engaged, date, kind, location};
use crate::reports::district::facts::{Attendee, recorded_hours};
use crate::reports::entry::Ordered;
use crate::snapshot::{Participation, Snapshot, find};

const UNKNOWN: &str = "N/A";

/// Facts about people that do not depend on events.
#[derive(Debug)]
pub(super) struct Directory<'s> {
    snapshot: &'s Snapshot,
    emails: HashMap<i64, &'s str>,
    /// Organizations of each volunteer, in the order of entry.
    organizations: HashMap<i64, Vec<i64>>,
    skills: HashMap<i64, Arc<[&'s str]>>,
}

impl<'s> Directory<'s> {
    /// Indexes `snapshot`.
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        let mut emails = HashMap::new();
        for email in snapshot.emails.iter().filter(|email| email.primary == Some(true)) {
            emails.entry(email.contact).or_insert(email.address.as_deref().unwrap_or_default());
        }
        let mut organizations: HashMap<i64, Vec<i64>> = HashMap::new();
        for link in &snapshot.volunteer_organizations {
            organizations.entry(link.volunteer).or_default().push(link.organization);
        }
        let mut skills: HashMap<i64, BTreeMap<i64, &str>> = HashMap::new();
        for link in &snapshot.volunteer_skills {
            let skill = find(&snapshot.skills, link.skill, |skill| skill.id);
            if let Some(name) = skill.and_then(|skill| skill.name.as_deref()) {
                skills.entry(link.volunteer).or_default().insert(link.skill, name);
            }
        }
        let skills = skills.into_iter().map(|(id, skills)| (id, skills.into_values().collect())).collect();
        Self { snapshot, emails, organizations, skills }
    }

    /// Returns the organizations of a volunteer.
    pub(super) fn organizations(&self, volunteer: i64) -> &[i64] {
        self.organizations.get(&volunteer).map_or(&[], Vec::as_slice)
    }

    /// Returns a volunteer; `None` when only a participation row refers to the id.
    pub(super) fn volunteer(&self, id: i64) -> Option<Profile<'s>> {
        find(&self.snapshot.volunteers, id, |volunteer| volunteer.id)?;
        let person = self.person(id)?;
        let organization = self.organizations(id).first().copied();
        let organization = organization.and_then(|id| find(&self.snapshot.organizations, id, |row| row.id));
        Some(Profile {
            person,
            organization: organization.and_then(|row| row.name.as_deref()).unwrap_or(UNKNOWN),
            skills: self.skills.get(&id).cloned().unwrap_or_default(),
        })
    }

    /// Returns a student.
    pub(super) fn student(&self, attendee: &Attendee<'s>) -> Option<Pupil<'s>> {
        let grade = attendee.grade.filter(|&grade| grade != 0);
        Some(Pupil {
            person: self.person(attendee.row.student)?,
            school: &attendee.school.name,
            grade: grade.map_or(Grade::Unknown(UNKNOWN), Grade::Known),
        })
    }

    fn person(&self, id: i64) -> Option<Person<'s>> {
        let contact = find(&self.snapshot.contacts, id, |contact| contact.id)?;
        Some(Person {
            id,
            first_name: contact.first_name.as_deref().unwrap_or_default(),
            last_name: contact.last_name.as_deref().unwrap_or_default(),
            email: self.emails.get(&id).copied().unwrap_or_default(),
        })
    }
}

#[derive(Serialize)]
pub(super) struct Person<'s> {
    id: i64,
    first_name: &'s str,
    pub(super) last_name: &'s str,
    email: &'s str,
}

/// Facts about a volunteer that do not depend on events.
pub(super) struct Profile<'s> {
    pub(super) person: Person<'s>,
    pub(super) organization: &'s str,
    pub(super) skills: Arc<[&'s str]>,
}

/// Facts about a student that do not depend on events.
#[derive(Serialize)]
pub(super) struct Pupil<'s> {
    #[serde(flatten)]
    pub(super) person: Person<'s>,
    pub(super) school: &'s str,
    pub(super) grade: Grade,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Grade {
    Known(i64),
    Unknown(&'static str),
}

impl Grade {
    /// Returns the text by which VMS sorts: grade 10 comes before grade 5.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Known(grade) => grade.to_string(),
            Self::Unknown(text) => (*text).to_owned(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct EngagedVolunteer<'s> {
    #[serde(flatten)]
    person: Person<'s>,
    organization: &'s str,
    events_count: i64,
    total_hours: Hours,
    skills: Arc<[&'s str]>,
}

#[derive(Default)]
struct Given {
    events: HashSet<i64>,
    hours: Hours,
}

/// Returns the rows of all volunteers who took part, by id: the order in which VMS reads them and adds their
/// hours.
pub(super) fn participations<'s>(engaged: &[Engaged<'_, 's>]) -> Vec<&'s Participation> {
    let mut rows: Vec<_> =
        engaged.iter().flat_map(|engaged| engaged.event.volunteers.iter().copied()).collect();
    rows.sort_unstable_by_key(|row| row.id);
    rows
}

/// Returns `volunteers_data`: by number of events, then by hours, then by first row.
pub(super) fn volunteers<'s>(
    engaged: &[Engaged<'_, 's>],
    directory: &Directory<'s>,
) -> Vec<EngagedVolunteer<'s>> {
    let mut given: Ordered<i64, Given> = Ordered::default();
    for row in participations(engaged) {
        let given = given.entry(row.volunteer);
        given.events.insert(row.event);
        given.hours.add(row.hours);
    }
    let mut volunteers: Vec<_> = given
        .iter()
        .filter_map(|(&id, given)| {
            let Profile { person, organization, skills } = directory.volunteer(id)?;
            let (events_count, total_hours) = (count(given.events.len()), given.hours.rounded(1));
            Some(EngagedVolunteer { person, organization, events_count, total_hours, skills })
        })
        .collect();
    volunteers.sort_by(|a, b| {
        let events = b.events_count.cmp(&a.events_count);
        events.then_with(|| b.total_hours.compare(a.total_hours))
    });
    volunteers
}

#[derive(Serialize)]
pub(super) struct EngagedStudent<'s> {
    #[serde(flatten)]
    pupil: Pupil<'s>,
    events_count: i64,
}

/// Returns `students_data`: by number of events, then by last name, then by first row.
pub(super) fn students<'s>(
    engaged: &[Engaged<'_, 's>],
    directory: &Directory<'s>,
) -> Vec<EngagedStudent<'s>> {
    let mut rows: Vec<&Attendee<'s>> = engaged.iter().flat_map(|engaged| engaged.roster).collect();
    rows.sort_unstable_by_key(|attendee| attendee.row.id);
    let mut attended: Ordered<i64, Vec<&Attendee<'s>>> = Ordered::default();
    for attendee in rows {
        attended.entry(attendee.row.student).push(attendee);
    }
    let mut students: Vec<_> = attended
        .values()
        .filter_map(|rows| {
            let pupil = directory.student(rows.first()?)?;
            Some(EngagedStudent { pupil, events_count: count(rows.len()) })
        })
        .collect();
    students.sort_by_key(|student| (Reverse(student.events_count), student.pupil.person.last_name));
    students
}

#[derive(Serialize)]
pub(super) struct Summary<'s> {
    name: &'s str,
    unique_volunteers: i64,
    total_volunteer_engagements: i64,
    total_volunteer_hours: Hours,
    unique_students: i64,
    total_student_participations: i64,
    total_students_with_virtual: i64,
    unique_events: i64,
    unique_organizations: i64,
    schools_engaged: i64,
}

/// Returns the summary of a district, under its name in the mapping.
///
/// Unlike the lists of people it also counts volunteers who no longer exist. Schools are those at which
/// events took place, of any district.
pub(super) fn summary<'s>(
    name: &'s str,
    engaged: &[Engaged<'_, 's>],
    directory: &Directory<'s>,
) -> Summary<'s> {
    let rows = participations(engaged);
    let volunteers: HashSet<i64> = rows.iter().map(|row| row.volunteer).collect();
    let organizations: HashSet<i64> =
        volunteers.iter().flat_map(|&volunteer| directory.organizations(volunteer)).copied().collect();
    let students = || engaged.iter().flat_map(|engaged| engaged.roster).map(|attendee| attendee.row.student);
    let schools: HashSet<&str> = engaged
        .iter()
        .filter_map(|engaged| engaged.event.event.school.as_deref())
        .filter(|school| !school.is_empty())
        .collect();
    Summary {
        name,
        unique_volunteers: count(volunteers.len()),
        total_volunteer_engagements: count(rows.len()),
        total_volunteer_hours: recorded_hours(rows).rounded(1),
        unique_students: count(students().collect::<HashSet<_>>().len()),
        total_student_participations: count(students().count()),
        total_students_with_virtual: engaged.iter().map(|engaged| engaged.students).sum(),
        unique_events: count(engaged.len()),
        unique_organizations: count(organizations.len()),
        schools_engaged: count(schools.len()),
    }
}

#[derive(Serialize)]
pub(super) struct ListedEvent<'s> {
    id: i64,
    date: String,
    title: Option<&'s str>,
    #[serde(rename = "type")]
    kind: String,
    location: &'s str,
    volunteer_count: i64,
    student_count: i64,
    volunteer_hours: Hours,
}

/// Returns `events_data`.
pub(super) fn listed<'s>(engaged: &[Engaged<'_, 's>]) -> Vec<ListedEvent<'s>> {
    let listed = |engaged: &Engaged<'_, 's>| {
        let event = engaged.event.event;
        ListedEvent {
            id: event.id,
            date: date(event, "%m/%d/%Y"),
            title: event.title.as_deref(),
            kind: kind(event),
            location: location(event),
            volunteer_count: count(engaged.event.volunteers.len()),
            student_count: engaged.students,
            volunteer_hours: recorded_hours(engaged.event.volunteers.iter().copied()).rounded(1),
        }
    };
    engaged.iter().map(listed).collect()
}

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
    let students = present_students(engaged, directory);
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

fn present_students<'s>(engaged: &Engaged<'_, 's>, directory: &Directory<'s>) -> Vec<PresentStudent<'s>> {
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
