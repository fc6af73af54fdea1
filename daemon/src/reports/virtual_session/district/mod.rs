//! `virtual_session_district_cache`: one entry per district name and virtual year.
//!
//! Mirrors VMS's `compute_virtual_session_district_data`, which serves `/virtual/usage/district/<name>`. A
//! registration is the district's when its teacher exists and the teacher's district matches the entry's
//! name. A session without any such registration is left out altogether, so a session without registrations
//! is in no entry. Two names of one district therefore hold the same sessions. An entry also exists for
//! `Unknown District` where the year's report shows it; it is always empty.

mod attendance;
mod included;
mod monthly;
mod parts;
mod schools;
mod summary;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::index::Index;
use super::{key, year_of, years};
use crate::reports::virtual_year::VirtualYear;
use crate::reports::{Group, Report, ReportSettings};
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table, spec};
use parts::Parts;

/// The reports of VMS's pages `/virtual/usage/district/<name>`.
#[derive(Debug)]
pub struct VirtualDistricts;

const TABLE: Table = Table::VirtualSessionDistrictCache;

/// Length of the name's column in characters; longer names have no entry.
const LONGEST_NAME: usize = 255;

impl Report for VirtualDistricts {
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
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::EventDistricts,
            Source::EventTeacher,
            Source::District,
            Source::School,
            Source::Teacher,
        ]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        let index = Index::new(snapshot);
        let keys = |year| {
            let names = names(&index, year).into_iter();
            names.map(move |name| key(year, Some(&name)))
        };
        years(TABLE, snapshot, settings, now).into_iter().flat_map(keys).collect()
    }

    fn next_keys(
        &self,
        _: &Snapshot,
        settings: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        VirtualYear::turns(after, settings.zone)
    }

    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let index = Arc::new(Index::new(snapshot));
        Box::new(
            years(TABLE, snapshot, settings, now)
                .into_iter()
                .flat_map(move |year| Parts::new(&index, year, names(&index, year), &settings.districts)),
        )
    }
}

/// Returns the names that have an entry for a year, sorted: names that the year's report shows, and names
/// that already have a row. `Unknown District` is among them when the report shows it; its entry is always
/// empty.
fn names(index: &Index<'_>, year: VirtualYear) -> BTreeSet<Arc<str>> {
    let column = spec(TABLE).key.iter().position(|&column| column == "district_name");
    let owned = index
        .snapshot
        .owned(TABLE)
        .filter(|key| year_of(TABLE, key) == Some(year))
        .filter_map(|key| key.text(column?));
    let shown = index.district_names(year).into_iter();
    shown
        .filter(|name| name.chars().count() <= LONGEST_NAME)
        .chain(owned)
        .filter(|name| !name.is_empty())
        .map(Arc::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::virtual_session::fixture::{classroom_day, existing, settings};

    fn keys(snapshot: &Snapshot) -> Vec<Key> {
        VirtualDistricts.keys(snapshot, &settings(), "2026-03-15T02:00:00Z".parse().unwrap())
    }

    #[test]
    fn names_are_those_of_the_report_and_those_with_a_row() {
        let table = TABLE;
        let mut snapshot = classroom_day();
        let shown = |keys: &[Key]| {
            let texts = keys.iter().map(|key| format!("{} {}", key.text(0).unwrap(), key.text(1).unwrap()));
            texts.collect::<Vec<_>>()
        };
        let known = ["2025-2026 Grandview", "2025-2026 Partner", "2025-2026 Ten"];
        // Session 3 has no place, so its row shows `Unknown District`.
        assert_eq!(shown(&keys(&snapshot)), [&known[..], &["2025-2026 Unknown District"]].concat());
        snapshot.events.remove(1);
        assert_eq!(shown(&keys(&snapshot)), known);

        let row = |year, name: &str, from, to| existing(&[year, name, from, to]);
        snapshot.existing.insert(
            table,
            vec![
                row("2025-2026", "Unknown District", "2025-08-01", "2026-07-31"),
                row("2025-2026", "Half a year", "2025-08-01", "2025-12-31"),
                row("2019-2020", "Long ago", "2019-08-01", "2020-07-31"),
                row("next year", "Junk", "2025-08-01", "2026-07-31"),
                row("2025-2026", "", "2025-08-01", "2026-07-31"),
            ],
        );
        snapshot.events[2].district_partner = Some("x".repeat(256).into());
        assert_eq!(
            shown(&keys(&snapshot)),
            ["2019-2020 Long ago", "2025-2026 Grandview", "2025-2026 Ten", "2025-2026 Unknown District"]
        );
    }

    #[test]
    fn every_key_is_built_in_the_order_of_the_keys() {
        let snapshot = classroom_day();
        let settings = settings();
        let now = "2026-03-15T02:00:00Z".parse().unwrap();
        let groups: Vec<Group<'_>> = VirtualDistricts.build(&snapshot, &settings, now).collect();
        let built: Vec<Key> =
            groups.iter().flat_map(|group| &group.entries).map(|entry| entry.key.clone()).collect();
        assert_eq!(built, keys(&snapshot));
    }
}
