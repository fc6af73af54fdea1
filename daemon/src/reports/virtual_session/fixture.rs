//! A small hand-made source, and the payloads that the reports build from it.

use std::sync::Arc;

use super::index::Index;
use super::sessions::Session;
use super::{VirtualDistricts, VirtualSessions};
use crate::reports::testing::{self, now, value};
use crate::reports::virtual_year::VirtualYear;
use crate::reports::{Mode, Report, ReportSettings};
use crate::snapshot::{
    Contact, District, Event, EventDistrict, EventTeacher, EventVolunteer, ExistingRow, Organization, School,
    Snapshot, Teacher, Volunteer, VolunteerOrganization,
};
use crate::vms::tables::{Key, KeyValue, Table};
use crate::vms::time::Stored;

/// Returns the settings of a new installation.
pub(super) fn settings() -> ReportSettings {
    testing::settings(Mode::Fixed)
}

/// Returns four sessions of the year 2025-2026.
///
/// Session 4 took place with Ann (Ruskin High in Grandview, attended), Bob (Lone High in no district, only
/// registered), a teacher who does not exist, and two presenters; it is linked to the districts 2 and 10.
/// Session 5, at the same time, has only a partner text; session 3, before it, has no participants and no
/// place. Session 2, the earliest, took place with Ann alone.
pub(super) fn classroom_day() -> Snapshot {
    let mut main = event(4, "2025-11-02 13:30:00.000000", "COMPLETED");
    main.district_partner = Some("Partner".into());
    main.series = Some("Tech".into());
    main.duration = Some(45);
    let mut partner = event(5, "2025-11-02 13:30:00.000000", "DRAFT");
    partner.district_partner = Some("Partner".into());
    let mut local = volunteer(12, "0015f00000JU4opAAD");
    local.local_status = Some("local".into());
    let mut other = volunteer(13, "Text");
    other.people_of_color = Some(true);
    Snapshot {
        events: vec![
            event(2, "2025-09-01 00:05:00.000000", "COMPLETED"),
            event(3, "2025-10-01 09:00:00.000000", "DRAFT"),
            main,
            partner,
        ]
        .into(),
        event_districts: vec![district_link(4, "2"), district_link(4, "10")].into(),
        districts: vec![named_district(1, "Grandview"), named_district(2, "Two"), named_district(10, "Ten")]
            .into(),
        schools: vec![school("s1", "Ruskin High", Some(1)), school("s2", "Lone High", None)].into(),
        event_teachers: vec![
            registration(4, 9, "attended"),
            registration(4, 2, "registered"),
            registration(4, 1, "attended"),
            registration(2, 1, "attended"),
        ]
        .into(),
        teachers: vec![teacher(1, "s1"), teacher(2, "s2")].into(),
        event_volunteers: vec![
            EventVolunteer { event: 4, volunteer: 13 },
            EventVolunteer { event: 4, volunteer: 12 },
        ]
        .into(),
        volunteers: vec![local, other].into(),
        contacts: vec![
            contact(1, "Ann", "", "Able"),
            contact(2, "Bob", "", "Baker"),
            contact(12, "Val", "Q", "Two"),
            contact(13, "Vic", "", "One"),
        ]
        .into(),
        organizations: vec![organization(1, "Alpha")].into(),
        volunteer_organizations: vec![membership(12, 1, true)].into(),
        ..Snapshot::without_rows()
    }
}

fn year() -> VirtualYear {
    VirtualYear::from_key("2025-2026").unwrap()
}

/// Returns the sessions of the year.
pub(super) fn sessions(snapshot: &Snapshot) -> Vec<Arc<Session<'_>>> {
    super::sessions::sessions(&Index::new(snapshot), year())
}

/// Returns `session_data`, `district_summaries`, `overall_summary` and `filter_options` of the year.
pub(super) fn report(snapshot: &Snapshot) -> [serde_json::Value; 4] {
    entry(&VirtualSessions, snapshot, &year().to_string(), 0)
}

/// Returns `session_data`, `monthly_stats`, `school_breakdown`, `teacher_breakdown` and `summary_stats` of a
/// name in the year; the name is given a row, so that it has an entry.
pub(super) fn district(snapshot: &mut Snapshot, name: &str) -> [serde_json::Value; 5] {
    let (first, last) = (year().first_day().to_string(), year().last_day().to_string());
    let row = existing(&[&year().to_string(), name, &first, &last]);
    snapshot.existing.insert(Table::VirtualSessionDistrictCache, vec![row]);
    entry(&VirtualDistricts, snapshot, name, 1)
}

fn entry<const N: usize>(
    report: &dyn Report,
    snapshot: &Snapshot,
    wanted: &str,
    column: usize,
) -> [serde_json::Value; N] {
    let settings = settings();
    let groups = report.build(snapshot, &settings, now());
    let entries = groups.flat_map(|group| group.entries);
    let entry = entries.into_iter().find(|entry| entry.key.text(column) == Some(wanted)).unwrap();
    let values: Vec<_> = entry.payload.iter().map(value).collect();
    values.try_into().unwrap()
}

/// Returns an existing row with this key.
pub(super) fn existing(key: &[&str]) -> ExistingRow {
    testing::existing(1, Key(key.iter().copied().map(KeyValue::from).collect()))
}

/// Returns a virtual session.
pub(super) fn event(id: i64, start: &str, status: &str) -> Event {
    Event {
        id,
        title: Some(format!("Session {id}").into()),
        kind: Some("VIRTUAL_SESSION".into()),
        format: Some("VIRTUAL".into()),
        status: Some(status.into()),
        start: Stored::read(start),
        ..Event::default()
    }
}

pub(super) fn district_link(event: i64, district: &str) -> EventDistrict {
    EventDistrict { event, district: district.parse().unwrap(), stored: district.into() }
}

pub(super) fn school(id: &str, name: &str, district: Option<i64>) -> School {
    School { id: id.into(), name: name.into(), district, level: district.map(|_| "High".into()) }
}

pub(super) fn contact(id: i64, first: &str, middle: &str, last: &str) -> Contact {
    Contact {
        id,
        first_name: Some(first.into()),
        middle_name: Some(middle.into()),
        last_name: Some(last.into()),
        ..Contact::default()
    }
}

pub(super) fn volunteer(id: i64, organization_name: &str) -> Volunteer {
    Volunteer { id, organization_name: Some(organization_name.into()), ..Volunteer::default() }
}

pub(super) fn organization(id: i64, name: &str) -> Organization {
    Organization { id, name: Some(name.into()) }
}

pub(super) fn membership(volunteer: i64, organization: i64, primary: bool) -> VolunteerOrganization {
    let primary = Some(primary);
    VolunteerOrganization { volunteer, organization, primary, ..VolunteerOrganization::default() }
}

fn named_district(id: i64, name: &str) -> District {
    District { id, name: name.into(), ..District::default() }
}

fn registration(event: i64, teacher: i64, status: &str) -> EventTeacher {
    EventTeacher { event, teacher, status: Some(status.into()), ..EventTeacher::default() }
}

fn teacher(id: i64, school: &str) -> Teacher {
    Teacher { id, school: Some(school.into()), ..Teacher::default() }
}
