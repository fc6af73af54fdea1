//! A small VMS to test rules on: everything happens in the school year 2526.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::reports::testing::{self, existing, now, value};
use crate::reports::{Group, Mode, Payload, Report, ReportSettings};
use crate::snapshot::{
    Contact, Email, Event, EventTeacher, EventVolunteer, Organization, Participation, Snapshot, Teacher,
    Volunteer, VolunteerOrganization,
};
use crate::vms::tables::{Key, KeyValue, spec};
use crate::vms::time::Stored;

pub(super) const CURRENT_MEMBER: Option<&str> = Some("Current");

static SETTINGS: LazyLock<ReportSettings> =
    LazyLock::new(|| ReportSettings { organization_reports_table: true, ..testing::settings(Mode::Exact) });

/// Returns static settings: builders borrow them for as long as the snapshot.
pub(super) fn settings() -> &'static ReportSettings {
    &SETTINGS
}

pub(super) struct World(pub(super) Snapshot);

impl Default for World {
    fn default() -> Self {
        Self(Snapshot::without_rows())
    }
}

impl World {
    /// Creates a world with one organization, id 1.
    pub(super) fn with_organization() -> Self {
        Self::default().organization(1, "Acme")
    }

    pub(super) fn organization(mut self, id: i64, name: &str) -> Self {
        self.0.organizations.push(Organization { id, name: Some(name.into()) });
        self
    }

    fn contact(&mut self, id: i64, first: &str, last: &str) {
        self.0.contacts.push(Contact {
            id,
            first_name: Some(first.into()),
            last_name: Some(last.into()),
            exclude_from_reports: Some(false),
            ..Contact::default()
        });
    }

    /// Adds a volunteer with a membership in organization 1 that has no start and no end.
    pub(super) fn volunteer(mut self, id: i64, first: &str, last: &str) -> Self {
        self.contact(id, first, last);
        self.0.volunteers.push(Volunteer { id, ..Volunteer::default() });
        self.member(id, 1, CURRENT_MEMBER, None, None)
    }

    pub(super) fn member(
        mut self,
        volunteer: i64,
        organization: i64,
        status: Option<&str>,
        start: Option<&str>,
        end: Option<&str>,
    ) -> Self {
        self.0.volunteer_organizations.push(VolunteerOrganization {
            volunteer,
            organization,
            status: status.map(Into::into),
            start: start.map(Into::into),
            end: end.map(Into::into),
            ..VolunteerOrganization::default()
        });
        self
    }

    pub(super) fn teacher(mut self, id: i64, first: &str, last: &str, school: Option<&str>) -> Self {
        self.contact(id, first, last);
        let salesforce_school = school.map(Into::into);
        self.0.teachers.push(Teacher { id, school: None, salesforce_school });
        self
    }

    /// Sets whether a person is excluded from reports.
    pub(super) fn excluded(mut self, id: i64, exclude: Option<bool>) -> Self {
        self.0.contacts.iter_mut().find(|contact| contact.id == id).unwrap().exclude_from_reports = exclude;
        self
    }

    /// Adds an event that begins at `start`, a day and time without fraction.
    pub(super) fn event(mut self, id: i64, kind: Option<&str>, status: &str, start: &str) -> Self {
        self.0.events.push(Event {
            id,
            title: Some(format!("Event {id}").into()),
            kind: kind.map(Into::into),
            status: Some(status.into()),
            start: Stored::read(&format!("{start}.000000")),
            ..Event::default()
        });
        self
    }

    pub(super) fn career_fair(self, id: i64, status: &str) -> Self {
        self.event(id, Some("CAREER_FAIR"), status, "2025-10-01 09:30:00")
    }

    pub(super) fn session(self, id: i64) -> Self {
        self.event(id, Some("VIRTUAL_SESSION"), "COMPLETED", "2025-11-05 14:15:00")
    }

    pub(super) fn took_part(mut self, event: i64, volunteer: i64, status: &str, hours: Option<f64>) -> Self {
        let id = i64::try_from(self.0.participations.len()).unwrap() + 1;
        let status = Some(status.into());
        let row = Participation { id, event, volunteer, status, hours, ..Participation::default() };
        self.0.participations.push(row);
        self
    }

    pub(super) fn linked(mut self, event: i64, volunteer: i64) -> Self {
        self.0.event_volunteers.push(EventVolunteer { event, volunteer });
        self
    }

    pub(super) fn registered(mut self, event: i64, teacher: i64, status: &str) -> Self {
        let status = Some(status.into());
        self.0.event_teachers.push(EventTeacher { event, teacher, status, ..EventTeacher::default() });
        self
    }

    pub(super) fn email(mut self, contact: i64, address: &str, primary: Option<bool>) -> Self {
        let id = i64::try_from(self.0.emails.len()).unwrap() + 1;
        self.0.emails.push(Email { id, contact, address: Some(address.into()), primary });
        self
    }

    /// Adds a row that already exists in a report's table.
    pub(super) fn has_row(mut self, report: &dyn Report, key: Vec<KeyValue>) -> Self {
        let rows = self.0.existing.entry(report.table()).or_default();
        let id = i64::try_from(rows.len()).unwrap() + 1;
        rows.push(existing(id, Key(key)));
        self
    }

    /// Returns the rows that `report` builds: by key, the payload columns by name.
    pub(super) fn rows(&self, report: &dyn Report) -> Map<String, Value> {
        let names = || spec(report.table()).payload.iter().map(|column| column.name.to_owned());
        let row = |payload: &[Payload<'_>]| names().zip(payload.iter().map(value)).collect::<Map<_, _>>();
        let groups: Vec<Group<'_>> = report.build(&self.0, settings(), now()).collect();
        groups
            .iter()
            .flat_map(|group| &group.entries)
            .map(|entry| (entry.key.to_string(), Value::Object(row(&entry.payload))))
            .collect()
    }

    /// Returns the detail of organization 1 in 2526.
    pub(super) fn detail(&self) -> Value {
        self.rows(&super::Detail).remove("2526|1").unwrap()
    }

    /// Returns the summary of 2526.
    pub(super) fn summary(&self) -> Value {
        self.rows(&super::Summary).remove("2526").unwrap()["organizations_data"].take()
    }
}

/// Returns the text of a value; it distinguishes `0` from `0.0`, and orders of keys.
pub(super) fn text(value: &Value) -> String {
    value.to_string()
}
