//! `district_engagement_reports`: who was engaged with each district, person by person and event by event.
//!
//! VMS dropped this table in 2026; where it still exists, it is filled as
//! `routes/reports/district_engagement.py` filled it in June 2025 for `/reports/district/engagement`, its
//! detail page, its full breakdown and their Excel files. A district of the mapping has a row only if a
//! district in the database has the mapping's name; [`districts`] documents whose figures are in it where
//! that is not the district with the mapping's Salesforce id.
//!
//! An event of any type but `CONNECTOR_SESSION`, and with a type at all, belongs to a district when it is
//! linked to it, or takes place at one of its schools, or `district_partner` contains the name of the
//! district, of one of its schools or an alias, or the name of any linked district contains an alias. Case is
//! folded for ASCII letters only, as SQLite does; `%` and `_` in a name are literal. An event without partner
//! text matches no name by partner.
//!
//! Only `VIRTUAL_SESSION` is virtual here. Its students are 25 for each teacher of the district, whatever the
//! teacher's status; at any other event they are the roster. A virtual session never contributes individual
//! students.
//!
//! Hours are rounded to one decimal. All five columns are always written together.

mod breakdown;
mod districts;
mod event;
mod people;
mod summary;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::active::Schools;
use super::facts::Index;
use super::rows;
use crate::reports::year::SchoolYear;
use crate::reports::{Entry, Group, Payload, Report, ReportSettings};
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, KeyValue, Table};

use districts::{Districts, Row};
use event::{Engaged, EngagementEvent, EngagementEvents};
use people::Directory;

const TABLE: Table = Table::DistrictEngagementReports;

/// The engagement report of each district.
#[derive(Debug, Clone, Copy)]
pub struct Engagement;

impl Report for Engagement {
    fn table(&self) -> Table {
        TABLE
    }

    fn sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::EventDistricts,
            Source::District,
            Source::School,
            Source::EventParticipation,
            Source::EventStudentParticipation,
            Source::EventTeacher,
            Source::Contact,
            Source::Volunteer,
            Source::Student,
            Source::Teacher,
            Source::Organization,
            Source::VolunteerOrganization,
            Source::Email,
            Source::Skill,
            Source::VolunteerSkills,
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        &[Source::District]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        let districts = &Districts::of(snapshot, settings, &Schools::none());
        let years = rows::years(TABLE, snapshot, settings, now).into_iter().map(|year| [year.key().into()]);
        let keys = |prefix: [KeyValue; 1]| {
            districts.rows.iter().map(move |row| rows::key(&prefix, districts.views[row.listed].district))
        };
        years.flat_map(keys).collect()
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
        let districts = Districts::of(snapshot, settings, &Schools::of(snapshot));
        let years = rows::years(TABLE, snapshot, settings, now);
        let index = Index::new(snapshot);
        let directory = Directory::new(snapshot);
        let mut events = EngagementEvents::new(snapshot, &districts);
        Box::new(years.into_iter().map(move |year| {
            let (prefix, events) = ([year.key().into()], events.of(year, &index));
            let entry = |row: &Row| Entry {
                key: rows::key(&prefix, districts.views[row.listed].district),
                payload: payload(*row, &districts, &events, &directory),
            };
            let entries = districts.rows.iter().map(entry).collect();
            rows::group(TABLE, year, &prefix, entries, snapshot)
        }))
    }
}

fn payload<'s>(
    row: Row,
    districts: &Districts<'s>,
    events: &[EngagementEvent<'s>],
    directory: &Directory<'s>,
) -> Vec<Payload<'s>> {
    let seen_by = |position: usize| -> Vec<Engaged<'_, 's>> {
        let of = events.iter().filter(|event| event.districts.contains(&position));
        of.map(|event| Engaged::new(event, districts.views[position].district.id)).collect()
    };
    let listed = seen_by(row.listed);
    let name = &districts.views[row.summarized].mapping.name;
    let summary = if row.summarized == row.listed {
        summary::summary(name, &listed, directory)
    } else {
        summary::summary(name, &seen_by(row.summarized), directory)
    };
    vec![
        Payload::json(summary),
        Payload::json(people::volunteers(&listed, directory)),
        Payload::json(people::students(&listed, directory)),
        Payload::json(event::list(&listed)),
        Payload::json(breakdown::Breakdown::of(&listed, directory)),
    ]
}
