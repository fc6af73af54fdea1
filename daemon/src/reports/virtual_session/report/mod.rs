//! `virtual_session_report_cache`: one entry per virtual year, over all districts, as VMS's
//! `compute_virtual_session_data` computes it for the page `/virtual/usage`.

mod filters;
mod rows;
mod summary;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::index::Index;
use super::sessions::sessions;
use super::{key, years};
use crate::reports::virtual_year::VirtualYear;
use crate::reports::{Entry, Group, Payload, Report, ReportSettings};
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table};
use filters::FilterOptions;
use rows::SessionData;
use summary::summaries;

/// The report of VMS's page `/virtual/usage`.
#[derive(Debug)]
pub struct VirtualSessions;

const TABLE: Table = Table::VirtualSessionReportCache;

impl Report for VirtualSessions {
    fn table(&self) -> Table {
        TABLE
    }

    fn sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::EventDistricts,
            Source::EventTeacher,
            Source::EventVolunteers,
            Source::District,
            Source::School,
            Source::Teacher,
            Source::Contact,
            Source::Volunteer,
            Source::VolunteerOrganization,
            Source::Organization,
            // Determines whether the report may be cached at all.
            Source::Users,
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        &[Source::Users]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        years(TABLE, snapshot, settings, now).into_iter().map(|year| key(year, None)).collect()
    }

    fn clock(&self, _snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> String {
        // The years that the page offers are part of the payload, and change at New Year in VMS's time zone.
        crate::vms::time::local(now, settings.zone).format("%Y").to_string()
    }

    fn withheld(&self, snapshot: &Snapshot, settings: &ReportSettings) -> Option<String> {
        super::withheld(snapshot, settings)
    }

    fn next_keys(
        &self,
        _: &Snapshot,
        settings: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        VirtualYear::turns(after, settings.zone)
    }

    fn next_payloads(
        &self,
        _: &Snapshot,
        settings: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        VirtualYear::offer_turns(after, settings.zone)
    }

    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let index = Index::new(snapshot);
        let offered = VirtualYear::offered(now, settings.zone);
        Box::new(years(TABLE, snapshot, settings, now).into_iter().map(move |year| Group {
            name: year.to_string(),
            entries: vec![Entry { key: key(year, None), payload: payload(&index, year, &offered) }],
            retire: Vec::new(),
        }))
    }
}

fn payload<'s>(index: &Index<'s>, year: VirtualYear, offered: &[VirtualYear]) -> Vec<Payload<'s>> {
    let sessions: Arc<[_]> = sessions(index, year).into();
    let options = FilterOptions::new(&sessions, offered);
    let (districts, overall) = summaries(&sessions, &options.districts);
    vec![
        Payload::json(SessionData(sessions)),
        Payload::json(districts),
        Payload::json(overall),
        Payload::json(options),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::testing::value;
    use crate::reports::virtual_session::fixture::{classroom_day, settings};

    #[test]
    fn a_year_is_one_group_of_one_entry() {
        let snapshot = classroom_day();
        let settings = settings();
        let now = "2026-03-15T02:00:00Z".parse().unwrap();
        let groups: Vec<Group<'_>> = VirtualSessions.build(&snapshot, &settings, now).collect();
        let built: Vec<Key> =
            groups.iter().flat_map(|group| &group.entries).map(|entry| entry.key.clone()).collect();
        assert_eq!(built, VirtualSessions.keys(&snapshot, &settings, now));
        assert_eq!(
            built.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["2024-2025|2024-08-01|2025-07-31", "2025-2026|2025-08-01|2026-07-31"]
        );
        let empty: Vec<String> =
            groups[0].entries[0].payload[..2].iter().map(|payload| value(payload).to_string()).collect();
        assert_eq!(empty, ["[]", "{}"]);
    }
}
