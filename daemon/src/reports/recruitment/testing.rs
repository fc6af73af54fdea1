//! A small VMS to test rules on, at 02:00 UTC on 15 March 2026.

use std::sync::LazyLock;

use chrono_tz::Tz;
use serde_json::Value;

use crate::reports::testing::{self, existing, now, value};
use crate::reports::{Group, Mode, Payload, Report, ReportSettings};
use crate::snapshot::{
    Contact, Email, Event, EventSkill, Organization, Participation, Skill, Snapshot, Volunteer,
    VolunteerOrganization, VolunteerSkill,
};
use crate::vms::tables::{Key, Table};
use crate::vms::time::Stored;

pub(super) fn settings() -> ReportSettings {
    ReportSettings { zone: Tz::America__Chicago, ..testing::settings(Mode::Fixed) }
}

static SETTINGS: LazyLock<ReportSettings> = LazyLock::new(settings);

/// Returns an event with only an id, a type and a beginning.
pub(super) fn event(id: i64, kind: Option<&str>, start: &str) -> Event {
    Event {
        id,
        title: Some("".into()),
        kind: kind.map(Into::into),
        format: Some("IN_PERSON".into()),
        status: Some("CONFIRMED".into()),
        start: Stored::read(start),
        ..Event::default()
    }
}

pub(super) struct World(pub(super) Snapshot);

impl Default for World {
    fn default() -> Self {
        Self(Snapshot::without_rows())
    }
}

impl World {
    pub(super) fn event(mut self, event: Event) -> Self {
        self.0.events.push(event);
        self
    }

    /// Adds a volunteer named `V{id} Last` who may be asked, changed by `change`.
    pub(super) fn volunteer(mut self, id: i64, change: impl FnOnce(&mut Contact, &mut Volunteer)) -> Self {
        let mut contact = Contact {
            id,
            first_name: Some(format!("V{id}").into()),
            last_name: Some("Last".into()),
            exclude_from_reports: Some(false),
            do_not_contact: Some(false),
            email_opt_out: Some(false),
            ..Contact::default()
        };
        let mut volunteer = Volunteer { id, ..Volunteer::default() };
        change(&mut contact, &mut volunteer);
        self.0.contacts.push(contact);
        self.0.volunteers.push(volunteer);
        self
    }

    /// Adds a volunteer with a job title.
    pub(super) fn titled(self, id: i64, title: &str) -> Self {
        self.volunteer(id, |_, volunteer| volunteer.title = Some(title.into()))
    }

    pub(super) fn email(mut self, contact: i64, address: Option<&str>, primary: Option<bool>) -> Self {
        let id = i64::try_from(self.0.emails.len()).unwrap();
        self.0.emails.push(Email { id, contact, address: address.map(Into::into), primary });
        self
    }

    pub(super) fn organization(mut self, id: i64, name: &str) -> Self {
        self.0.organizations.push(Organization { id, name: Some(name.into()) });
        self
    }

    pub(super) fn member(mut self, volunteer: i64, organization: i64, primary: Option<bool>) -> Self {
        let link =
            VolunteerOrganization { volunteer, organization, primary, ..VolunteerOrganization::default() };
        self.0.volunteer_organizations.push(link);
        self
    }

    pub(super) fn participation(self, volunteer: i64, event: i64) -> Self {
        self.participation_as(volunteer, event, Some("No-Show"), None)
    }

    pub(super) fn participation_as(
        mut self,
        volunteer: i64,
        event: i64,
        status: Option<&str>,
        participant_type: Option<&str>,
    ) -> Self {
        let id = i64::try_from(self.0.participations.len()).unwrap();
        let (status, participant_type) = (status.map(Into::into), participant_type.map(Into::into));
        let row = Participation { id, event, volunteer, status, hours: None, participant_type };
        self.0.participations.push(row);
        self
    }

    /// Adds skills with ids from 1.
    pub(super) fn skills(mut self, names: &[&str]) -> Self {
        let skill = |(id, &name): (i64, &&str)| Skill { id, name: Some(name.into()) };
        self.0.skills = (1..).zip(names).map(skill).collect();
        self
    }

    pub(super) fn has_skills(mut self, volunteer: i64, skills: &[i64]) -> Self {
        self.0.volunteer_skills.extend(skills.iter().map(|&skill| VolunteerSkill { volunteer, skill }));
        self
    }

    pub(super) fn asks_for(mut self, event: i64, skills: &[i64]) -> Self {
        self.0.event_skills.extend(skills.iter().map(|&skill| EventSkill { event, skill }));
        self
    }

    /// Adds existing candidate rows.
    pub(super) fn rows(mut self, events: impl IntoIterator<Item = i64>) -> Self {
        let row = |event: i64| existing(event, Key(vec![event.into()]));
        self.0.existing.insert(Table::RecruitmentCandidatesCache, events.into_iter().map(row).collect());
        self
    }

    /// Returns the groups that a report builds, with their entries' payloads as JSON.
    pub(super) fn build(&self, report: &dyn Report) -> Vec<(Group<'_>, Vec<Value>)> {
        report.build(&self.0, &SETTINGS, now()).map(|group| (group.clone(), payloads(&group))).collect()
    }
}

fn payloads(group: &Group<'_>) -> Vec<Value> {
    let json = |payload: &Payload<'_>| match payload {
        column @ Payload::Json(_) => value(column),
        Payload::Text(_) => panic!("all payloads are JSON"),
    };
    group.entries.iter().map(|entry| json(&entry.payload[0])).collect()
}
