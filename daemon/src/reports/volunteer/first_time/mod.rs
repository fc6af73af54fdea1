//! First-time volunteers (`first_time_volunteer_report_cache`): people who volunteered for the first time in
//! a school year.
//!
//! Mirrors VMS's page `/reports/first-time-volunteer`, which shows a stored row whatever its age. There is
//! one row for the previous and the current school year and for every year that already has one.

mod events;
mod rows;

use chrono::{DateTime, Utc};

use super::SOURCES;
use super::people::people;
use crate::reports::year::SchoolYear;
use crate::reports::{Entry, Group, Payload, Report, ReportSettings};
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table};

/// The report of first-time volunteers.
#[derive(Debug)]
pub struct FirstTime;

impl FirstTime {
    fn years(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<SchoolYear> {
        let owned = snapshot.owned(self.table()).filter_map(|key| key.text(0));
        SchoolYear::kept(now, settings.zone, false, owned)
    }
}

impl Report for FirstTime {
    fn table(&self) -> Table {
        Table::FirstTimeVolunteerReportCache
    }

    fn sources(&self) -> &'static [Source] {
        SOURCES
    }

    fn key_sources(&self) -> &'static [Source] {
        &[]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        self.years(snapshot, settings, now).into_iter().map(key).collect()
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
        let people = people(snapshot);
        Box::new(self.years(snapshot, settings, now).into_iter().map(move |year| {
            let payload = Payload::json(rows::report(&people, &year.window()));
            Group {
                name: year.key(),
                entries: vec![Entry { key: key(year), payload: vec![payload] }],
                retire: vec![],
            }
        }))
    }
}

fn key(year: SchoolYear) -> Key {
    Key(vec![year.key().into()])
}

#[cfg(test)]
mod tests;
