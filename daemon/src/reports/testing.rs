//! A small VMS for testing the rules of reports, built row by row, and the output of the reports on it.
//!
//! It is 15 March 2026, 02:00 UTC. Every event is completed and all people may be shown and asked, unless a
//! test changes it.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::district::DistrictMapping;
use super::recruitment::Keywords;
use super::{Context, Group, Mode, Payload, Report, ReportSettings};
use crate::snapshot::{
    AttendanceDetail, Contact, District, Email, Event, EventDistrict, EventSkill, EventTeacher,
    EventVolunteer, ExistingRow, Organization, Participation, School, Skill, Snapshot, Student,
    StudentParticipation, Teacher, Volunteer, VolunteerOrganization, VolunteerSkill,
};
use crate::vms::tables::{Key, KeyValue, Table, spec};
use crate::vms::time::Stored;

/// Returns an instant in the school year 2025/26 and the virtual year 2025-2026.
pub(super) fn now() -> DateTime<Utc> {
    "2026-03-15T02:00:00Z".parse().unwrap()
}

/// Returns the settings of a new installation next to a VMS that runs in UTC.
pub(super) fn settings(mode: Mode) -> ReportSettings {
    let districts = DistrictMapping::embedded().unwrap();
    ReportSettings::new(mode, Tz::UTC, districts, Keywords::embedded().unwrap())
}

/// Returns a payload column parsed from its text, as VMS reads it.
pub(super) fn value(payload: &Payload<'_>) -> Value {
    match payload {
        Payload::Json(json) => {
            let mut text = Vec::new();
            json.append(&mut text).unwrap();
            serde_json::from_slice(&text).unwrap()
        }
        Payload::Text(text) => Value::from(&**text),
    }
}

/// Returns one member of every object of a list.
pub(super) fn column(list: &Value, member: &str) -> Value {
    list.as_array().unwrap().iter().map(|element| element[member].clone()).collect()
}

/// Returns a key of texts; an empty text is NULL.
pub(super) fn key(columns: &[&str]) -> Key {
    let column = |text: &&str| if text.is_empty() { KeyValue::Null } else { (*text).into() };
    Key(columns.iter().map(column).collect())
}

/// Returns a completed event titled `Event {id}`; `start` is a day, or also has a time.
pub(super) fn event<'a>(id: i64, kind: impl Into<Option<&'a str>>, start: &str) -> Event {
    const MIDNIGHT: &str = "0000-00-00 00:00:00.000000";
    Event {
        id,
        title: Some(format!("Event {id}").into()),
        kind: kind.into().map(Into::into),
        status: Some("COMPLETED".into()),
        start: Stored::read(&[start, MIDNIGHT.get(start.len()..).unwrap_or_default()].concat()),
        ..Event::default()
    }
}

/// Returns an event in person that is planned and has no title.
pub(super) fn planned<'a>(id: i64, kind: impl Into<Option<&'a str>>, start: &str) -> Event {
    let (title, format, status) = (Some("".into()), Some("IN_PERSON".into()), Some("CONFIRMED".into()));
    Event { title, format, status, ..event(id, kind, start) }
}

/// Returns an event at 09:05 on 5 September 2025 with a partner text.
pub(super) fn partnered<'a>(id: i64, kind: impl Into<Option<&'a str>>, partner: Option<&str>) -> Event {
    Event { district_partner: partner.map(Into::into), ..event(id, kind, "2025-09-05 09:05:00") }
}

pub(super) fn career_fair(id: i64, status: &str) -> Event {
    Event { status: Some(status.into()), ..event(id, "CAREER_FAIR", "2025-10-01 09:30:00") }
}

pub(super) fn session(id: i64) -> Event {
    event(id, "VIRTUAL_SESSION", "2025-11-05 14:15:00")
}

/// The source and the settings of both modes. Rows are added in any order of ids.
pub(super) struct World {
    snapshot: Snapshot,
    exact: ReportSettings,
    fixed: ReportSettings,
}

impl Default for World {
    fn default() -> Self {
        let [exact, fixed] = [Mode::Exact, Mode::Fixed].map(settings);
        Self { snapshot: Snapshot::without_rows(), exact, fixed }
    }
}

impl Deref for World {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Snapshot {
        &mut self.snapshot
    }
}

/// Inserts a row behind those of no greater id.
fn insert<R>(rows: &mut Vec<R>, row: R, id: impl Fn(&R) -> i64) {
    let at = rows.partition_point(|other| id(other) <= id(&row));
    rows.insert(at, row);
}

fn next_id<R>(rows: &[R]) -> i64 {
    i64::try_from(rows.len()).unwrap() + 1
}

/// Places and events.
impl World {
    pub(super) fn set(mut self, change: impl Fn(&mut ReportSettings)) -> Self {
        change(&mut self.exact);
        change(&mut self.fixed);
        self
    }

    pub(super) fn district(mut self, id: i64, salesforce_id: &str, name: &str) -> Self {
        let salesforce_id = Some(salesforce_id.into());
        insert(&mut self.districts, District { id, salesforce_id, name: name.into(), code: None }, |d| d.id);
        self
    }

    pub(super) fn school<'a>(
        mut self,
        id: &str,
        name: &str,
        district: impl Into<Option<i64>>,
        level: impl Into<Option<&'a str>>,
    ) -> Self {
        let (district, level) = (district.into(), level.into().map(Into::into));
        self.schools.push(School { id: id.into(), name: name.into(), district, level });
        self
    }

    pub(super) fn event(mut self, event: Event) -> Self {
        insert(&mut self.events, event, |event| event.id);
        self
    }

    pub(super) fn in_district(mut self, event: i64, district: i64) -> Self {
        self.event_districts.push(EventDistrict { event, district, stored: district.to_string().into() });
        self
    }

    /// Has staff count students at an event.
    pub(super) fn counted(mut self, event: i64, total_students: Option<i64>) -> Self {
        self.attendance_details.push(AttendanceDetail { event, total_students, ..Default::default() });
        self
    }

    pub(super) fn asks_for(mut self, event: i64, skills: &[i64]) -> Self {
        self.event_skills.extend(skills.iter().map(|&skill| EventSkill { event, skill }));
        self
    }

    pub(super) fn organization(mut self, id: i64, name: &str) -> Self {
        insert(&mut self.organizations, Organization { id, name: Some(name.into()) }, |row| row.id);
        self
    }

    /// Adds skills with ids from 1.
    pub(super) fn skills(mut self, names: &[&str]) -> Self {
        for &name in names {
            let id = next_id(&self.skills);
            self.skills.push(Skill { id, name: Some(name.into()) });
        }
        self
    }
}

/// People, and their participation.
impl World {
    pub(super) fn person(mut self, id: i64, first: &str, last: &str) -> Self {
        let contact = Contact {
            id,
            first_name: Some(first.into()),
            last_name: Some(last.into()),
            exclude_from_reports: Some(false),
            do_not_contact: Some(false),
            email_opt_out: Some(false),
            ..Contact::default()
        };
        insert(&mut self.contacts, contact, |contact| contact.id);
        self
    }

    /// Sets whether a person is excluded from reports, or that it is unknown.
    pub(super) fn excluded(mut self, id: i64, exclude: Option<bool>) -> Self {
        self.contacts.iter_mut().find(|contact| contact.id == id).unwrap().exclude_from_reports = exclude;
        self
    }

    pub(super) fn email<'a>(
        mut self,
        contact: i64,
        address: impl Into<Option<&'a str>>,
        primary: Option<bool>,
    ) -> Self {
        let (id, address) = (next_id(&self.emails), address.into().map(Into::into));
        self.emails.push(Email { id, contact, address, primary });
        self
    }

    pub(super) fn volunteer(self, id: i64, first: &str, last: &str) -> Self {
        let mut world = self.person(id, first, last);
        insert(&mut world.volunteers, Volunteer { id, ..Volunteer::default() }, |row| row.id);
        world
    }

    /// Adds a volunteer with a job title.
    pub(super) fn titled(self, id: i64, title: &str) -> Self {
        self.volunteer_as(id, |_, volunteer| volunteer.title = Some(title.into()))
    }

    /// Adds a volunteer named `V{id} Last`, changed by `change`.
    pub(super) fn volunteer_as(self, id: i64, change: impl FnOnce(&mut Contact, &mut Volunteer)) -> Self {
        let mut world = self.volunteer(id, &format!("V{id}"), "Last");
        let Snapshot { contacts, volunteers, .. } = &mut world.snapshot;
        let contact = contacts.iter_mut().find(|contact| contact.id == id).unwrap();
        change(contact, volunteers.iter_mut().find(|volunteer| volunteer.id == id).unwrap());
        world
    }

    /// Sets the date of a volunteer's first engagement.
    pub(super) fn began(mut self, id: i64, date: &str) -> Self {
        let volunteer = self.volunteers.iter_mut().find(|volunteer| volunteer.id == id).unwrap();
        volunteer.first_date = Some(date.into());
        self
    }

    pub(super) fn has_skills(mut self, volunteer: i64, skills: &[i64]) -> Self {
        self.volunteer_skills.extend(skills.iter().map(|&skill| VolunteerSkill { volunteer, skill }));
        self
    }

    /// Adds a current membership without an end.
    pub(super) fn member(self, volunteer: i64, organization: i64) -> Self {
        self.member_as(volunteer, organization, None)
    }

    pub(super) fn member_as(mut self, volunteer: i64, organization: i64, primary: Option<bool>) -> Self {
        let status = Some("Current".into());
        let link = VolunteerOrganization { volunteer, organization, primary, status, ..Default::default() };
        self.volunteer_organizations.push(link);
        self
    }

    /// Links a volunteer to a new organization of this name.
    pub(super) fn works_for(self, volunteer: i64, name: &str) -> Self {
        let id = next_id(&self.organizations);
        self.organization(id, name).member(volunteer, id)
    }

    pub(super) fn took_part<'a>(
        mut self,
        event: i64,
        volunteer: i64,
        status: impl Into<Option<&'a str>>,
        hours: Option<f64>,
    ) -> Self {
        let (id, status) = (next_id(&self.participations), status.into().map(Into::into));
        let row = Participation { id, event, volunteer, status, hours, participant_type: None };
        self.participations.push(row);
        self
    }

    /// Sets the role of the last participation.
    pub(super) fn in_role(mut self, participant_type: &str) -> Self {
        self.participations.last_mut().unwrap().participant_type = Some(participant_type.into());
        self
    }

    /// Links a volunteer to an event without a participation.
    pub(super) fn linked(mut self, event: i64, volunteer: i64) -> Self {
        self.event_volunteers.push(EventVolunteer { event, volunteer });
        self
    }

    /// Has a student of a school attend an event.
    pub(super) fn attended(mut self, event: i64, student: i64, school: &str) -> Self {
        let (id, status) = (next_id(&self.student_participations), Some("Attended".into()));
        self.student_participations.push(StudentParticipation { id, event, student, status });
        if self.students.iter().any(|row| row.id == student) {
            return self;
        }
        let row = Student { id: student, school: Some(school.into()), grade: None };
        insert(&mut self.students, row, |row| row.id);
        insert(&mut self.contacts, Contact { id: student, ..Contact::default() }, |row| row.id);
        self
    }

    /// Adds a teacher, whose contact is added separately, with their school and the one that Salesforce gives.
    pub(super) fn teacher<'a>(
        mut self,
        id: i64,
        school: impl Into<Option<&'a str>>,
        salesforce_school: impl Into<Option<&'a str>>,
    ) -> Self {
        let [school, salesforce_school] =
            [school.into(), salesforce_school.into()].map(|school| school.map(Into::into));
        insert(&mut self.teachers, Teacher { id, school, salesforce_school }, |row| row.id);
        self
    }

    pub(super) fn registered(mut self, event: i64, teacher: i64, status: &str) -> Self {
        let status = Some(status.into());
        self.event_teachers.push(EventTeacher { event, teacher, status, ..EventTeacher::default() });
        self
    }
}

/// Cache rows, and the output of the reports.
impl World {
    /// Adds a row that already exists in a cache table.
    pub(super) fn has_row(mut self, table: Table, key: Key) -> Self {
        let rows = self.existing.entry(table).or_default();
        let id = next_id(rows);
        rows.push(ExistingRow::of(id, key));
        self
    }

    pub(super) fn cx(&self, mode: Mode) -> Context<'_> {
        let settings = match mode {
            Mode::Exact => &self.exact,
            Mode::Fixed => &self.fixed,
        };
        Context::new(&self.snapshot, settings, now())
    }

    pub(super) fn keys(&self, report: &dyn Report) -> Vec<Key> {
        report.keys(self.cx(Mode::Fixed))
    }

    pub(super) fn groups(&self, report: &dyn Report, mode: Mode) -> Vec<Group<'_>> {
        report.build(self.cx(mode)).collect()
    }

    /// Returns the keys of the rows that a report removes.
    pub(super) fn retired(&self, report: &dyn Report) -> Vec<Key> {
        report.sections(self.cx(Mode::Fixed)).into_iter().flat_map(|section| section.retired).collect()
    }

    /// Returns the keys of the entries that a report builds.
    pub(super) fn built(&self, report: &dyn Report) -> Vec<Key> {
        let entries = self.groups(report, Mode::Fixed).into_iter().flat_map(|group| group.entries);
        entries.map(|entry| entry.key).collect()
    }

    /// Returns the payload columns of an entry by name; they keep the order of keys and the kinds of numbers.
    pub(super) fn entry(&self, report: &dyn Report, mode: Mode, key: &Key) -> Map<String, Value> {
        let names = spec(report.table()).payload.iter().map(|column| column.name.to_owned());
        let mut entries = report.build(self.cx(mode)).flat_map(|group| group.entries);
        let entry = entries.find(|entry| entry.key == *key).unwrap();
        names.zip(entry.payload.iter().map(value)).collect()
    }

    /// Returns the payload columns of an entry in the order of its table.
    pub(super) fn columns<const N: usize>(&self, report: &dyn Report, mode: Mode, key: &Key) -> [Value; N] {
        self.entry(report, mode, key)
            .into_iter()
            .map(|(_, value)| value)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap()
    }

    /// Returns all entries by the text of their key: the payload columns by name.
    pub(super) fn rows(&self, report: &dyn Report, mode: Mode) -> Map<String, Value> {
        let names = || spec(report.table()).payload.iter().map(|column| column.name.to_owned());
        let row = |payload: &[Payload<'_>]| names().zip(payload.iter().map(value)).collect::<Map<_, _>>();
        let entries = report.build(self.cx(mode)).flat_map(|group| group.entries);
        entries.map(|entry| (entry.key.to_string(), Value::Object(row(&entry.payload)))).collect()
    }
}

/// Two districts of the mapping of [`two_districts`]: Center comes before Alder.
pub(super) const CENTER: i64 = 7;
pub(super) const ALDER: i64 = 3;

/// Returns two districts, each with a high school (`c-high`, `a-high`); Alder has the alias "Alder Hills".
pub(super) fn two_districts() -> World {
    const MAPPING: &str = r#"
        schema_version = 1
        district = [
            { id = "sf-center", name = "Center School District" },
            { id = "sf-alder", name = "Alder School District", aliases = ["Alder Hills"] },
            { id = "sf-hidden", name = "Hidden", show = false },
            { id = "sf-absent", name = "Absent" },
        ]"#;
    World::default()
        .set(|settings| settings.districts = DistrictMapping::parse(MAPPING).unwrap())
        .district(ALDER, "sf-alder", "Alder School District")
        .district(CENTER, "sf-center", "Center School District")
        .district(8, "sf-hidden", "Hidden")
        .district(9, "sf-other", "Alder Hills Annex")
        .school("a-high", "North High", ALDER, "High")
        .school("c-high", "South High", CENTER, "High")
}

/// Returns a virtual session titled `Session {id}`.
pub(super) fn class(id: i64, start: &str, status: &str) -> Event {
    let (title, format, status) =
        (Some(format!("Session {id}").into()), Some("VIRTUAL".into()), Some(status.into()));
    Event { title, format, status, ..event(id, "VIRTUAL_SESSION", start) }
}

/// Returns four sessions of the year 2025-2026.
///
/// Session 4 took place with Ann (Ruskin High in Grandview, attended), Bob (Lone High in no district, only
/// registered), a teacher who does not exist, and two presenters; it is linked to the districts 2 and 10.
/// Session 5, at the same time, has only a partner text; session 3, before it, has no participants and no
/// place. Session 2, the earliest, took place with Ann alone.
pub(super) fn classroom_day() -> World {
    let partner = || Some("Partner".into());
    let main = class(4, "2025-11-02 13:30:00", "COMPLETED");
    World::default()
        .event(class(2, "2025-09-01 00:05:00", "COMPLETED"))
        .event(class(3, "2025-10-01 09:00:00", "DRAFT"))
        .event(Event { district_partner: partner(), series: Some("Tech".into()), duration: Some(45), ..main })
        .event(Event { district_partner: partner(), ..class(5, "2025-11-02 13:30:00", "DRAFT") })
        .in_district(4, 2)
        .in_district(4, 10)
        .district(1, "", "Grandview")
        .district(2, "", "Two")
        .district(10, "", "Ten")
        .school("s1", "Ruskin High", 1, "High")
        .school("s2", "Lone High", None, None)
        .registered(4, 9, "attended")
        .registered(4, 2, "registered")
        .registered(4, 1, "attended")
        .registered(2, 1, "attended")
        .person(1, "Ann", "Able")
        .teacher(1, "s1", None)
        .person(2, "Bob", "Baker")
        .teacher(2, "s2", None)
        .linked(4, 13)
        .linked(4, 12)
        .volunteer_as(12, |contact, volunteer| {
            (contact.first_name, contact.middle_name) = (Some("Val".into()), Some("Q".into()));
            contact.last_name = Some("Two".into());
            volunteer.organization_name = Some("0015f00000JU4opAAD".into());
            volunteer.local_status = Some("local".into());
        })
        .volunteer_as(13, |contact, volunteer| {
            (contact.first_name, contact.last_name) = (Some("Vic".into()), Some("One".into()));
            volunteer.organization_name = Some("Text".into());
            volunteer.people_of_color = Some(true);
        })
        .organization(1, "Alpha")
        .member_as(12, 1, Some(true))
}
