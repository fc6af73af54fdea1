//! `district_engagement_reports`: who was engaged with each district, person by person and event by event.
//!
//! VMS dropped this table in 2026; where it still exists, it is filled as `routes/reports/district_engagement.py`
//! filled it in June 2025 for `/reports/district/engagement`, its detail page, its full breakdown and their
//! Excel files. A district has a row only if its name in the database is the one in the mapping, because VMS's
//! writer looks it up by that name.
//!
//! An event of any type but `CONNECTOR_SESSION`, and with a type at all, belongs to a district when it is linked
//! to it, or takes place at one of its schools, or `district_partner` contains the name of the district, of one
//! of its schools or an alias, or the name of any linked district contains an alias. Case is folded for ASCII
//! letters only, as SQLite does; `%` and `_` in a name mean themselves. An event without partner text has none
//! to search.
//!
//! Only `VIRTUAL_SESSION` is virtual here. Its students are 25 for each teacher of the district, whatever the
//! teacher's status; at any other event they are the roster. The individual students are never those of a
//! virtual session.
//!
//! Hours are rounded to one decimal. All five columns are always written together.

mod breakdown;
mod event;
mod people;
mod summary;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::active::{Active, active};
use super::attribution::{Attribution, Names};
use super::facts::Index;
use super::rows;
use crate::reports::year::SchoolYear;
use crate::reports::{Entry, Group, Payload, Report, ReportSettings};
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table};

use event::{Engaged, EngagementEvents};
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
        let districts = districts(snapshot, settings);
        let years = rows::years(TABLE, snapshot, settings, now).into_iter().map(|year| [year.key().into()]);
        years.flat_map(|prefix| districts.iter().map(move |of| rows::key(&prefix, of.district))).collect()
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
        let districts = districts(snapshot, settings);
        let years = rows::years(TABLE, snapshot, settings, now);
        let index = Index::new(snapshot);
        let directory = Directory::new(snapshot);
        let mut events = EngagementEvents::new(snapshot, &districts, attribution(&districts));
        Box::new(years.into_iter().map(move |year| {
            let (prefix, events) = ([year.key().into()], events.of(year, &index));
            let entry = |(position, of): (usize, &Active<'s>)| {
                let engaged: Vec<_> = events
                    .iter()
                    .filter(|event| event.districts.contains(&position))
                    .map(|event| Engaged::new(event, of.district.id))
                    .collect();
                Entry { key: rows::key(&prefix, of.district), payload: payload(of, &engaged, &directory) }
            };
            let entries = districts.iter().enumerate().map(entry).collect();
            rows::group(TABLE, year, &prefix, entries, snapshot)
        }))
    }
}

fn districts<'s>(snapshot: &'s Snapshot, settings: &'s ReportSettings) -> Vec<Active<'s>> {
    let mut districts = active(snapshot, settings);
    districts.retain(|of| *of.district.name == *of.mapping.name);
    districts
}

fn attribution<'s>(districts: &[Active<'s>]) -> Attribution<'s> {
    let names = districts.iter().map(|of| {
        let linked = of.mapping.aliases.clone();
        let schools = of.schools.iter().map(|school| school.name.to_string());
        let partner = schools.chain([of.district.name.to_string()]).chain(linked.iter().cloned());
        Names { partner: partner.collect(), linked }
    });
    Attribution::new(str::to_ascii_lowercase, names)
}

fn payload<'s>(of: &Active<'s>, engaged: &[Engaged<'_, 's>], directory: &Directory<'s>) -> Vec<Payload<'s>> {
    let volunteers = people::volunteers(engaged, directory);
    let students = people::students(engaged, directory);
    vec![
        Payload::json(summary::summary(&of.mapping.name, engaged, directory)),
        Payload::json(volunteers),
        Payload::json(students),
        Payload::json(event::list(engaged)),
        Payload::json(breakdown::Breakdown::of(engaged, directory)),
    ]
}
