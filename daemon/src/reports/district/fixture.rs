//! Small sources for tests, in the school year 2025/26.

use serde_json::Value;

use crate::reports::testing::{self, existing, now, value};
use crate::reports::{Group, Mode, Report, ReportSettings};
use crate::snapshot::{
    AttendanceDetail, Contact, District, Email, Event, EventDistrict, EventTeacher, Organization,
    Participation, School, Skill, Snapshot, Student, StudentParticipation, Teacher, Volunteer,
    VolunteerOrganization, VolunteerSkill,
};
use crate::vms::tables::{Key, KeyValue, Table};
use crate::vms::time::Stored;

use super::{DistrictMapping, count};

/// Two districts of the test mapping, "Center" before "Alder", which has the alias "Alder Hills".
pub(super) const CENTER: i64 = 7;
pub(super) const ALDER: i64 = 3;

const MAPPING: &str = r#"
schema_version = 1
[[district]]
id = "sf-center"
name = "Center School District"
[[district]]
id = "sf-alder"
name = "Alder School District"
aliases = ["Alder Hills"]
[[district]]
id = "sf-hidden"
name = "Hidden"
show = false
[[district]]
id = "sf-absent"
name = "Absent"
"#;

pub(super) fn settings(mode: Mode) -> ReportSettings {
    ReportSettings { districts: DistrictMapping::parse(MAPPING).unwrap(), ..testing::settings(mode) }
}

/// Returns a source with the two districts, each with a high school (`c-high`, `a-high`).
pub(super) fn source() -> Snapshot {
    let mut source = Snapshot::without_rows();
    source.districts.push(district(ALDER, "sf-alder", "Alder School District"));
    source.districts.push(district(CENTER, "sf-center", "Center School District"));
    source.districts.push(district(8, "sf-hidden", "Hidden"));
    source.districts.push(district(9, "sf-other", "Alder Hills Annex"));
    source.schools.push(school("a-high", "North High", ALDER, Some("High")));
    source.schools.push(school("c-high", "South High", CENTER, Some("High")));
    source
}

pub(super) fn district(id: i64, salesforce_id: &str, name: &str) -> District {
    District { id, salesforce_id: Some(salesforce_id.into()), name: name.into(), code: None }
}

pub(super) fn school(id: &str, name: &str, district: i64, level: Option<&str>) -> School {
    School { id: id.into(), name: name.into(), district: Some(district), level: level.map(Into::into) }
}

/// Returns a completed event at 09:05 on 5 September 2025, with a type and a partner text.
pub(super) fn event(id: i64, kind: Option<&str>, partner: Option<&str>) -> Event {
    Event {
        id,
        title: Some(format!("Event {id}").into()),
        kind: kind.map(Into::into),
        status: Some("COMPLETED".into()),
        start: Stored::read("2025-09-05 09:05:00.000000"),
        district_partner: partner.map(Into::into),
        ..Event::default()
    }
}

/// Adds the rows that belong to events, one at a time.
pub(super) trait Rows {
    fn link(&mut self, event: i64, district: i64);
    fn counted(&mut self, event: i64, students: Option<i64>);
    fn volunteer(&mut self, event: i64, volunteer: i64, hours: Option<f64>);
    fn student(&mut self, event: i64, student: i64, school: &str);
    fn teacher(&mut self, event: i64, teacher: i64, status: &str);
    fn member(&mut self, volunteer: i64, organization: i64);
}

impl Rows for Snapshot {
    fn link(&mut self, event: i64, district: i64) {
        self.event_districts.push(EventDistrict { event, district, stored: district.to_string().into() });
    }

    fn counted(&mut self, event: i64, students: Option<i64>) {
        let detail = AttendanceDetail { event, total_students: students, classrooms: None, rotations: None };
        self.attendance_details.push(detail);
    }

    fn volunteer(&mut self, event: i64, volunteer: i64, hours: Option<f64>) {
        let id = count(self.participations.len());
        let status = Some("Attended".into());
        let row = Participation { id, event, volunteer, status, hours, ..Participation::default() };
        self.participations.push(row);
    }

    fn student(&mut self, event: i64, student: i64, school: &str) {
        let id = count(self.student_participations.len());
        let status = Some("Attended".into());
        self.student_participations.push(StudentParticipation { id, event, student, status });
        if self.students.iter().all(|row| row.id != student) {
            self.students.push(Student { id: student, school: Some(school.into()), grade: None });
            self.students.sort_by_key(|row| row.id);
            add_contact(self, student, None, None);
        }
    }

    fn teacher(&mut self, event: i64, teacher: i64, status: &str) {
        let status = Some(status.into());
        self.event_teachers.push(EventTeacher { event, teacher, status, ..EventTeacher::default() });
    }

    fn member(&mut self, volunteer: i64, organization: i64) {
        let link = VolunteerOrganization { volunteer, organization, ..VolunteerOrganization::default() };
        self.volunteer_organizations.push(link);
    }
}

/// Adds a person; calls may come in any order of ids.
pub(super) fn add_contact(source: &mut Snapshot, id: i64, first: Option<&str>, last: Option<&str>) {
    source.contacts.push(Contact {
        id,
        first_name: first.map(Into::into),
        last_name: last.map(Into::into),
        ..Contact::default()
    });
    source.contacts.sort_by_key(|contact| contact.id);
}

/// Adds a volunteer with two addresses, of which the second is the primary one, and with skills.
pub(super) fn add_volunteer(source: &mut Snapshot, id: i64, last: &str, skills: &[&str]) {
    add_contact(source, id, Some("Ann"), Some(last));
    source.volunteers.push(Volunteer { id, ..Volunteer::default() });
    source.volunteers.sort_by_key(|volunteer| volunteer.id);
    for (address, primary) in [("old@example.org", false), ("main@example.org", true)] {
        let id_of_row = count(source.emails.len());
        let (address, primary) = (Some(address.into()), Some(primary));
        source.emails.push(Email { id: id_of_row, contact: id, address, primary });
    }
    for &name in skills {
        let skill = count(source.skills.len());
        source.skills.push(Skill { id: skill, name: Some(name.into()) });
        source.volunteer_skills.push(VolunteerSkill { volunteer: id, skill });
    }
}

pub(super) fn add_organization(source: &mut Snapshot, id: i64, name: &str) {
    source.organizations.push(Organization { id, name: Some(name.into()) });
    source.organizations.sort_by_key(|organization| organization.id);
}

pub(super) fn add_teacher(source: &mut Snapshot, id: i64, school: &str) {
    source.teachers.push(Teacher { id, school: Some(school.into()), salesforce_school: None });
    source.teachers.sort_by_key(|teacher| teacher.id);
}

pub(super) fn add_existing(source: &mut Snapshot, table: Table, keys: &[&[&str]]) {
    let rows = keys.iter().map(|key| existing(1, text_key(key)));
    source.existing.entry(table).or_default().extend(rows);
}

pub(super) fn text_key(columns: &[&str]) -> Key {
    Key(columns.iter().map(|&column| KeyValue::from(column)).collect())
}

/// Returns all groups that a report builds.
pub(super) fn groups<'s>(
    report: &dyn Report,
    source: &'s Snapshot,
    settings: &'s ReportSettings,
) -> Vec<Group<'s>> {
    report.build(source, settings, now()).collect()
}

/// Returns the payload columns of a district in 2025/26, in the table's order.
pub(super) fn payload(report: &dyn Report, source: &Snapshot, mode: Mode, district: i64) -> Vec<Value> {
    let settings = settings(mode);
    let groups = groups(report, source, &settings);
    let group = groups.iter().find(|group| group.name == "2526").unwrap();
    let key = KeyValue::from(district.to_string());
    let entry = group.entries.iter().find(|entry| entry.key.0.last() == Some(&key)).unwrap();
    entry.payload.iter().map(value).collect()
}
