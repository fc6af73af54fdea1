//! `organization_summary_cache`: one row per school year, one element per organization.
//!
//! Mirrors the query and merge in `organization_report` of VMS's `routes/reports/organization_report.py` for
//! `host_filter=all` and `mode=verified`.
//!
//! For every organization with a member in the year:
//!
//! * from attended participations of its members, whatever the event's type: distinct events, the sum of
//!   hours, distinct volunteers. Hours are added in the order of the participations' ids, in which SQLite
//!   reads them: another order can change the floating point sum, and with it the rounded one;
//! * from links of its members to virtual sessions that count: distinct events, distinct volunteers.
//!
//! The counts of both are added; hours come from participations only and are rounded to two decimals, half to
//! even on the exact binary value, and a sum of nothing or zero is the integer 0. Neither the dates of a
//! membership within the year nor a person's exclusion from reports matter here. An organization with neither
//! participations nor sessions is absent. VMS orders by hours, descending; ties keep the order in which its
//! page collects them: organizations with attended participations by id, then those with sessions only, by
//! id.

use std::collections::HashSet;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::number::Hours;
use super::super::year::SchoolYear;
use super::super::{Entry, Group, Payload, Report, ReportSettings};
use super::index::{Index, Year};
use super::{attended, sql_sum};
use crate::snapshot::{Organization, Snapshot, Source};
use crate::vms::tables::{Key, Table};

#[cfg(test)]
mod tests;

/// The report that fills `organization_summary_cache`.
#[derive(Debug, Clone, Copy)]
pub struct Summary;

impl Report for Summary {
    fn table(&self) -> Table {
        Table::OrganizationSummaryCache
    }

    fn sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::EventVolunteers,
            Source::EventParticipation,
            Source::Contact,
            Source::Volunteer,
            Source::Organization,
            Source::VolunteerOrganization,
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        &[]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        years(snapshot, settings, now).into_iter().map(key).collect()
    }

    fn next_keys(
        &self,
        _: &Snapshot,
        settings: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        SchoolYear::turns(after, settings.zone)
    }

    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let index = Rc::new(Index::new(snapshot));
        Box::new(years(snapshot, settings, now).into_iter().map(move |year| {
            let elements = elements(&Year::new(Rc::clone(&index), year), &snapshot.organizations);
            Group {
                name: year.key(),
                entries: vec![Entry { key: key(year), payload: vec![Payload::json(elements)] }],
                retire: Vec::new(),
            }
        }))
    }
}

fn years(snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<SchoolYear> {
    super::layout::years(snapshot, Table::OrganizationSummaryCache, settings, now)
}

fn key(year: SchoolYear) -> Key {
    Key(vec![year.key().into()])
}

#[derive(Serialize)]
struct Element<'s> {
    name: Option<&'s str>,
    id: i64,
    unique_sessions: usize,
    total_hours: Hours,
    unique_volunteers: usize,
}

fn elements<'s>(year: &Year<'s>, organizations: &'s [Organization]) -> Vec<Element<'s>> {
    let (mut elements, mut with_sessions_only) = (Vec::new(), Vec::new());
    for organization in organizations {
        let (took_part, linked) = count(year, organization.id);
        let element = Element {
            name: organization.name.as_deref(),
            id: organization.id,
            unique_sessions: took_part.events.len() + linked.events.len(),
            total_hours: sql_sum(took_part.hours).rounded(2),
            unique_volunteers: took_part.volunteers + linked.volunteers,
        };
        if took_part.volunteers > 0 {
            elements.push(element);
        } else if linked.volunteers > 0 {
            with_sessions_only.push(element);
        }
    }
    elements.append(&mut with_sessions_only);
    elements.sort_by(|a, b| b.total_hours.compare(a.total_hours));
    elements
}

/// Counts of an organization's members, from one of the two places.
#[derive(Default)]
struct Counts {
    events: HashSet<i64>,
    volunteers: usize,
    hours: f64,
}

/// Returns the counts from participations, and those from links to virtual sessions.
fn count(year: &Year<'_>, organization: i64) -> (Counts, Counts) {
    let (mut took_part, mut linked) = (Counts::default(), Counts::default());
    let mut hours = Vec::new();
    for (_, volunteer) in year.members(organization) {
        let before = hours.len();
        for (participation, event) in year.participations(volunteer.id) {
            if attended(participation) {
                took_part.events.insert(event.id);
                hours.push((participation.id, participation.hours.unwrap_or_default()));
            }
        }
        took_part.volunteers += usize::from(hours.len() > before);
        let mut sessions = year.sessions(volunteer.id).peekable();
        linked.volunteers += usize::from(sessions.peek().is_some());
        linked.events.extend(sessions.map(|event| event.id));
    }
    hours.sort_unstable_by_key(|&(id, _)| id);
    took_part.hours = hours.into_iter().fold(0.0, |sum, (_, hours)| sum + hours);
    (took_part, linked)
}
