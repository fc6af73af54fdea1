//! A small VMS to test rules on. It is 15 March 2026, 02:00 UTC; all people may be shown, and every event is
//! completed, unless a test changes it.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::reports::testing::{self, existing, now, value};
use crate::reports::{Group, Mode, Payload, Report, ReportSettings};
use crate::snapshot::{
    Contact, Event, Organization, Participation, Snapshot, Volunteer, VolunteerOrganization,
};
use crate::vms::tables::{Key, KeyValue, Table};
use crate::vms::time::Stored;

static EXACT: LazyLock<ReportSettings> = LazyLock::new(|| testing::settings(Mode::Exact));
static FIXED: LazyLock<ReportSettings> = LazyLock::new(|| testing::settings(Mode::Fixed));

/// Returns static settings: builders borrow them for as long as the snapshot.
pub(super) fn settings(mode: Mode) -> &'static ReportSettings {
    match mode {
        Mode::Exact => &EXACT,
        Mode::Fixed => &FIXED,
    }
}

pub(super) struct World(pub(super) Snapshot);

impl Default for World {
    fn default() -> Self {
        Self(Snapshot::without_rows())
    }
}

impl World {
    /// Adds a volunteer named `name`, "First Last".
    pub(super) fn person(mut self, id: i64, name: &str) -> Self {
        let (first, last) = name.split_once(' ').unwrap();
        self.0.contacts.push(Contact {
            id,
            first_name: Some(first.into()),
            last_name: Some(last.into()),
            exclude_from_reports: Some(false),
            ..Contact::default()
        });
        self.0.volunteers.push(Volunteer { id, ..Volunteer::default() });
        self
    }

    /// Sets the date of the last person's first engagement.
    pub(super) fn began(mut self, date: &str) -> Self {
        self.0.volunteers.last_mut().unwrap().first_date = Some(date.into());
        self
    }

    /// Sets whether the last person is excluded from reports, or that it is unknown.
    pub(super) fn excluded(mut self, excluded: Option<bool>) -> Self {
        self.0.contacts.last_mut().unwrap().exclude_from_reports = excluded;
        self
    }

    /// Links the last person to a new organization of this name.
    pub(super) fn works_for(mut self, name: &str) -> Self {
        let id = i64::try_from(self.0.organizations.len()).unwrap() + 1;
        self.0.organizations.push(Organization { id, name: Some(name.into()) });
        self.0.volunteer_organizations.push(VolunteerOrganization {
            volunteer: self.0.volunteers.last().unwrap().id,
            organization: id,
            ..VolunteerOrganization::default()
        });
        self
    }

    /// Adds an event titled `Event N` on `start`, "2026-01-31" or with a time; `kind` may be empty.
    pub(super) fn event(mut self, id: i64, kind: &str, start: &str) -> Self {
        self.0.events.push(Event {
            id,
            title: Some(format!("Event {id}").into()),
            kind: Some(kind).filter(|kind| !kind.is_empty()).map(Into::into),
            status: Some("COMPLETED".into()),
            start: Stored::read(&[start, &" 00:00:00.000000"[start.len() - 10..]].concat()),
            ..Event::default()
        });
        self
    }

    pub(super) fn last_event(&mut self) -> &mut Event {
        self.0.events.last_mut().unwrap()
    }

    /// Adds a volunteer's participation in an event.
    pub(super) fn part(mut self, volunteer: i64, event: i64, status: &str, hours: Option<f64>) -> Self {
        let id = i64::try_from(self.0.participations.len()).unwrap() + 1;
        let status = Some(status.into());
        let row = Participation { id, event, volunteer, status, hours, ..Participation::default() };
        self.0.participations.push(row);
        self
    }

    pub(super) fn existing(mut self, table: Table, key: Key) -> Self {
        let rows = self.0.existing.entry(table).or_default();
        rows.push(existing(i64::try_from(rows.len()).unwrap() + 1, key));
        self
    }

    /// Returns the payloads that `report` builds from this world, by the text of the key.
    pub(super) fn payloads(&self, report: &dyn Report, mode: Mode) -> HashMap<String, Value> {
        let groups = report.build(&self.0, settings(mode), now());
        groups
            .flat_map(|group| group.entries)
            .map(|entry| (entry.key.to_string(), json(&entry.payload)))
            .collect()
    }

    /// Returns the text of the payload under `key`, with its key order and its kinds of numbers.
    pub(super) fn text(&self, report: &dyn Report, mode: Mode, key: &Key) -> String {
        let mut groups = report.build(&self.0, settings(mode), now()).flat_map(|group| group.entries);
        json(&groups.find(|entry| entry.key == *key).unwrap().payload).to_string()
    }

    pub(super) fn groups(&self, report: &dyn Report, mode: Mode) -> Vec<Group<'_>> {
        report.build(&self.0, settings(mode), now()).collect()
    }
}

fn json(payload: &[Payload<'_>]) -> Value {
    let [column @ Payload::Json(_)] = payload else { panic!("one JSON column") };
    value(column)
}

/// Returns the key of a recent volunteers row of a school year.
pub(super) fn year_key(year: &str, event_types: &str) -> Key {
    Key(vec![year.into(), KeyValue::Null, KeyValue::Null, event_types.into(), KeyValue::Null])
}

/// Returns the key of a recent volunteers row of a span of days.
pub(super) fn days_key(from: &str, to: &str, event_types: &str) -> Key {
    Key(vec![KeyValue::Null, from.into(), to.into(), event_types.into(), KeyValue::Null])
}
