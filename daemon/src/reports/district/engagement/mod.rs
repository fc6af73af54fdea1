//! `district_engagement_reports`: who was engaged with each district, person by person and event by event.
//!
//! VMS dropped this table in 2026; where it still exists, it is filled as
//! `routes/reports/district_engagement.py` filled it in June 2025 for `/reports/district/engagement`, its
//! detail page, its full breakdown and their Excel files. A district of the mapping has a row only if a
//! district in the database has the mapping's name; [`events`] documents whose figures are in it where
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

mod events;
mod people;
#[cfg(test)]
mod tests;

use crate::reports::district::attribution::Schools;
use crate::reports::district::facts::Index;
use crate::reports::district::{group, key, retired};
use crate::reports::year::{SchoolYear, Year};
use crate::reports::{Built, Context, Entry, Payload, Yearly};
use crate::snapshot::Source;
use crate::vms::tables::{Key, KeyValue, Table};

use events::{Districts, Engaged, EngagementEvent, EngagementEvents, Row};
use people::{Breakdown, Directory};

/// The engagement report of each district.
#[derive(Debug, Clone, Copy)]
pub struct Engagement;

impl Yearly for Engagement {
    type Year = SchoolYear;

    const TABLE: Table = Table::DistrictEngagementReports;
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = &[
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
    ];
    const KEY_SOURCES: &'static [Source] = &[Source::District];
    const WITH_NEXT: bool = true;

    fn keys(&self, cx: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        let Districts { views, rows } = Districts::of(cx, &Schools::none());
        move |year| rows.iter().map(|row| key(&prefix(year), views[row.listed].district)).collect()
    }

    fn retired(&self, cx: Context<'_>, year: SchoolYear, keys: &[Key]) -> Vec<Key> {
        retired(Self::TABLE, &prefix(year), keys.iter(), cx)
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        let districts = Districts::of(cx, &Schools::of(cx.snapshot));
        let index = Index::new(cx.snapshot);
        let directory = Directory::new(cx.snapshot);
        let events = EngagementEvents::new(cx.snapshot, &districts);
        move |year| {
            let (prefix, events) = (prefix(year), events.of(year, &index));
            let entry = |row: &Row| Entry {
                key: key(&prefix, districts.views[row.listed].district),
                payload: payload(*row, &districts, &events, &directory),
            };
            let entries = districts.rows.iter().map(entry).collect();
            group(Self::TABLE, year, &prefix, entries, cx).alone()
        }
    }
}

fn prefix(year: SchoolYear) -> [KeyValue; 1] {
    [year.key().into()]
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
        people::summary(name, &listed, directory)
    } else {
        people::summary(name, &seen_by(row.summarized), directory)
    };
    vec![
        Payload::json(summary),
        Payload::json(people::volunteers(&listed, directory)),
        Payload::json(people::students(&listed, directory)),
        Payload::json(people::listed(&listed)),
        Payload::json(Breakdown::of(&listed, directory)),
    ]
}
