//! `dia_events_report_cache`: upcoming events of "Data in Action", and their volunteers.
//!
//! It mirrors `_query_dia_events` and `_serialize_for_cache` of VMS's `routes/reports/dia_events.py`.
//!
//! Listed are events of the DIA types that begin after now, if volunteers are wanted for them or their title
//! contains one of a few phrases (as SQLite compares: ignoring the case of ASCII letters). Their status is
//! not checked: drafts and cancelled events are listed as well. They are ordered by beginning, type and id,
//! which is the order in which SQLite returns them to VMS.
//!
//! An event counts as filled as soon as it has any participation, whatever its status. Its volunteers are
//! listed in the order of participations; those who no longer exist are left out, so the list of a filled
//! event can be empty. Volunteers who are inactive or not to be contacted are listed, too. A person's address
//! is the first primary one, or else the first; the employer is the organization of the first primary link,
//! or else of the first; if that organization does not exist, the employer's name as typed in unless it
//! resembles a Salesforce id, or else `N/A`.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::reports::dialect::Like;
use crate::reports::recruitment::keywords::{self, Placeholder};
use crate::reports::recruitment::{Directory, full_name, next_start};
use crate::reports::{Builder, Context, Entry, Group, Report, ReportSettings, Section};
use crate::snapshot::{Contact, Event, Participation, Snapshot, Source, Volunteer};
use crate::vms::enums::{event_status_value, event_type_value};
use crate::vms::tables::{Key, Table};
use crate::vms::time::{self, Stored};

/// The report of upcoming DIA events: one entry, without key columns.
#[derive(Debug, Clone, Copy)]
pub struct Dia;

impl Report for Dia {
    fn table(&self) -> Table {
        Table::DiaEventsReportCache
    }

    fn rules_version(&self) -> u32 {
        1
    }

    fn sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::School,
            Source::EventParticipation,
            Source::Contact,
            Source::Volunteer,
            Source::Email,
            Source::VolunteerOrganization,
            Source::Organization,
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        // There is only one key; events determine when its payload changes.
        &[Source::Event]
    }

    fn own_settings(&self, settings: &ReportSettings) -> Vec<u8> {
        settings.keywords.canonical_text().into_bytes()
    }

    fn keys(&self, _: Context<'_>) -> Vec<Key> {
        vec![Key(Vec::new())]
    }

    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        // Events leave the report as they begin.
        let clock = format!("{:?}", listed(cx).iter().map(|event| event.id).collect::<Vec<_>>());
        vec![Section { keys: self.keys(cx), clock, retired: Vec::new() }]
    }

    fn next_payloads(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        next_start(listed(cx).into_iter(), cx.now)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        Box::new(move |_| Group::new("all events", vec![Entry::of_one(Key(Vec::new()), payload(cx))]).alone())
    }
}

#[derive(Debug, Serialize)]
struct DiaEvents<'s> {
    filled_events: Vec<Filled<'s>>,
    unfilled_events: Vec<Unfilled<'s>>,
}

#[derive(Debug, Serialize)]
struct Filled<'s> {
    event: Facts<'s>,
    volunteers: Vec<Attendee<'s>>,
}

#[derive(Debug, Serialize)]
struct Unfilled<'s> {
    #[serde(flatten)]
    event: Facts<'s>,
    volunteers_needed: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Facts<'s> {
    id: i64,
    title: Option<&'s str>,
    r#type: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    location: Option<&'s str>,
    school_id: Option<&'s str>,
    school_name: Option<&'s str>,
    status: Option<&'s str>,
    description: Option<&'s str>,
    salesforce_id: Option<&'s str>,
    salesforce_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct Attendee<'s> {
    name: String,
    email: Option<&'s str>,
    organization: Option<&'s str>,
    status: Option<&'s str>,
    participant_type: &'s str,
}

fn payload(cx: Context<'_>) -> DiaEvents<'_> {
    let (snapshot, rules) = (cx.snapshot, &cx.settings.keywords.dia);
    let events = listed(cx);
    let people = People::at(snapshot, &events);
    let schools: HashMap<&str, &str> =
        snapshot.schools.iter().map(|school| (school.id.as_ref(), school.name.as_ref())).collect();
    let mut payload = DiaEvents { filled_events: Vec::new(), unfilled_events: Vec::new() };
    for event in events {
        let facts = facts(event, &schools, rules);
        match people.participations.get(&event.id) {
            Some(participations) => {
                let volunteers =
                    participations.iter().filter_map(|row| people.attendee(row, rules)).collect();
                payload.filled_events.push(Filled { event: facts, volunteers });
            }
            None => payload
                .unfilled_events
                .push(Unfilled { event: facts, volunteers_needed: event.volunteers_needed }),
        }
    }
    payload
}

fn listed(cx: Context<'_>) -> Vec<&Event> {
    let rules = &cx.settings.keywords.dia;
    let now = time::to_text(cx.now.naive_utc());
    let phrases: Vec<Like> = rules.title_phrases.iter().map(|phrase| Like::containing(phrase)).collect();
    let is_dia = |event: &Event| {
        event.kind.as_deref().is_some_and(|kind| rules.event_types.iter().any(|name| name == kind))
    };
    let is_wanted = |event: &Event| {
        event.volunteers_needed.is_some_and(|wanted| wanted > 0)
            || event.title.as_deref().is_some_and(|title| phrases.iter().any(|like| like.matches(title)))
    };
    let is_coming = |event: &Event| event.start.as_ref().is_some_and(|start| *start.text > *now);
    let mut events: Vec<&Event> = cx
        .snapshot
        .events
        .iter()
        .filter(|event| is_dia(event) && is_coming(event) && is_wanted(event))
        .collect();
    events.sort_by_key(|event| {
        (event.start.as_ref().map(|start| &*start.text), event.kind.as_deref(), event.id)
    });
    events
}

fn facts<'s>(event: &'s Event, schools: &HashMap<&str, &'s str>, rules: &keywords::Dia) -> Facts<'s> {
    let iso = |at: &Option<Stored>| at.as_ref().map(|at| time::iso(at.at));
    let salesforce_id = event.salesforce_id.as_deref();
    Facts {
        id: event.id,
        title: event.title.as_deref(),
        r#type: event.kind.as_deref().map(event_type_value),
        start_date: iso(&event.start),
        end_date: iso(&event.end),
        location: event.location.as_deref(),
        school_id: event.school.as_deref(),
        school_name: event.school.as_deref().and_then(|school| schools.get(school).copied()),
        status: event.status.as_deref().map(event_status_value),
        description: event.description.as_deref(),
        salesforce_id,
        salesforce_url: salesforce_id
            .filter(|id| !id.is_empty())
            .map(|id| rules.salesforce_event_url.fill(&[(Placeholder::SalesforceId, &id)])),
    }
}

/// Participants of the listed events.
struct People<'s> {
    participations: HashMap<i64, Vec<&'s Participation>>,
    volunteers: HashMap<i64, &'s Volunteer>,
    contacts: HashMap<i64, &'s Contact>,
    directory: Directory<'s>,
}

impl<'s> People<'s> {
    fn at(snapshot: &'s Snapshot, events: &[&Event]) -> Self {
        let listed: HashSet<i64> = events.iter().map(|event| event.id).collect();
        let mut participations: HashMap<i64, Vec<&Participation>> = HashMap::new();
        let mut present = HashSet::new();
        for row in snapshot.participations.iter().filter(|row| listed.contains(&row.event)) {
            participations.entry(row.event).or_default().push(row);
            present.insert(row.volunteer);
        }
        let volunteers = snapshot.volunteers.iter().filter(|volunteer| present.contains(&volunteer.id));
        let contacts = snapshot.contacts.iter().filter(|contact| present.contains(&contact.id));
        Self {
            participations,
            volunteers: volunteers.map(|volunteer| (volunteer.id, volunteer)).collect(),
            contacts: contacts.map(|contact| (contact.id, contact)).collect(),
            directory: Directory::of(snapshot, |person| present.contains(&person)),
        }
    }

    fn attendee(&self, row: &'s Participation, rules: &'s keywords::Dia) -> Option<Attendee<'s>> {
        let volunteer = *self.volunteers.get(&row.volunteer)?;
        let contact = self.contacts.get(&row.volunteer)?;
        Some(Attendee {
            name: full_name(contact),
            email: self.directory.email(row.volunteer),
            organization: match self.directory.main_employer(row.volunteer) {
                Some(organization) => organization.name.as_deref(),
                None => Some(typed_in(volunteer, rules)),
            },
            status: row.status.as_deref(),
            participant_type: row
                .participant_type
                .as_deref()
                .filter(|kind| !kind.is_empty())
                .unwrap_or(&rules.default_participant_type),
        })
    }
}

fn typed_in<'s>(volunteer: &'s Volunteer, rules: &'s keywords::Dia) -> &'s str {
    volunteer
        .organization_name
        .as_deref()
        .filter(|name| !name.is_empty() && !name.starts_with(&rules.salesforce_id_prefix))
        .unwrap_or(&rules.no_organization)
}
