//! The two tables that hold a detail per organization and year: their keys, columns and groups.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::year::SchoolYear;
use super::super::{Entry, Group, Payload, ReportSettings};
use super::detail::Lists;
use super::index::{DetailIndex, Index, Year};
use crate::snapshot::{Organization, Snapshot};
use crate::vms::tables::{Key, KeyValue, Table};

#[cfg(test)]
mod tests;

/// Estimated bytes of payload above which a group takes no further entry: VMS's workers wait while a group is
/// written.
const GROUP_BYTES: usize = 3_000_000;

/// Number of entries above which a group takes no further one, however small they are: each is a statement of
/// its own.
const GROUP_ENTRIES: usize = 250;

/// Returns the years of a table of this type: previous and current, and those that already have rows.
pub(super) fn years(
    snapshot: &Snapshot,
    table: Table,
    settings: &ReportSettings,
    now: DateTime<Utc>,
) -> Vec<SchoolYear> {
    let owned = snapshot.owned(table).filter_map(|key| key.text(0));
    SchoolYear::kept(now, settings.zone, false, owned)
}

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `organization_detail_cache`, which VMS reads.
    Cache,
    /// `organization_reports`, which VMS does not read.
    Reports,
}

impl Layout {
    pub(super) const fn table(self) -> Table {
        match self {
            Self::Cache => Table::OrganizationDetailCache,
            Self::Reports => Table::OrganizationReports,
        }
    }

    /// Returns the years that the table has rows for: none while the table is off, so that no row can block
    /// VMS's "delete organization".
    fn years(self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<SchoolYear> {
        if self == Self::Reports && !settings.organization_reports_table {
            return Vec::new();
        }
        years(snapshot, self.table(), settings, now)
    }

    /// Returns the key of an organization's row. The id is a number in one table and its decimal text in the
    /// other.
    fn key(self, year: SchoolYear, organization: i64) -> Key {
        let organization = match self {
            Self::Cache => KeyValue::Int(organization),
            Self::Reports => KeyValue::Text(organization.to_string()),
        };
        Key(vec![year.key().into(), organization])
    }

    /// Returns the organization of a row of the year; `None` for a row of another year and for a key that
    /// this report does not produce.
    fn organization(self, key: &Key, year: &str) -> Option<i64> {
        if key.text(0) != Some(year) {
            return None;
        }
        match self {
            Self::Cache => key.int(1),
            // VMS looks the row up by the id's plain decimal text.
            Self::Reports => {
                let text = key.text(1)?;
                text.parse().ok().filter(|id: &i64| id.to_string() == text)
            }
        }
    }

    fn payload<'s>(self, organization: &'s Organization, lists: Lists<'s>) -> Vec<Payload<'s>> {
        let in_person = Payload::json(lists.in_person);
        let sessions = Payload::json(lists.sessions);
        let cancelled = Payload::json(lists.cancelled);
        let volunteers = Payload::json(lists.volunteers);
        let stats = Payload::json(lists.stats);
        match self {
            Self::Cache => {
                let name = organization.name.clone().unwrap_or_else(|| Arc::from(""));
                vec![Payload::Text(name), in_person, sessions, cancelled, volunteers, stats]
            }
            Self::Reports => vec![stats, in_person, sessions, cancelled, volunteers],
        }
    }

    /// Returns all keys at `now`, by year and organization.
    pub(super) fn keys(self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        self.years(snapshot, settings, now)
            .into_iter()
            .flat_map(|year| snapshot.organizations.iter().map(move |row| self.key(year, row.id)))
            .collect()
    }

    /// Returns the keys of the year's rows whose organization no longer exists.
    fn orphans(self, snapshot: &Snapshot, year: SchoolYear) -> Vec<Key> {
        let organizations: HashSet<i64> = snapshot.organizations.iter().map(|row| row.id).collect();
        let year = year.key();
        snapshot
            .existing(self.table())
            .iter()
            .filter(|row| self.organization(&row.key, &year).is_some_and(|id| !organizations.contains(&id)))
            .map(|row| row.key.clone())
            .collect()
    }

    /// Computes the rows, one group at a time: a year is indexed when its first group is requested.
    pub(super) fn groups<'s>(
        self,
        snapshot: &'s Snapshot,
        settings: &ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let index = Rc::new(Index::new(snapshot));
        let detail = Rc::new(DetailIndex::new(snapshot));
        let years = self.years(snapshot, settings, now);
        Box::new(
            years
                .into_iter()
                .flat_map(move |year| self.groups_of(year, Rc::clone(&index), Rc::clone(&detail))),
        )
    }

    fn groups_of<'s>(
        self,
        year: SchoolYear,
        index: Rc<Index<'s>>,
        detail: Rc<DetailIndex<'s>>,
    ) -> impl Iterator<Item = Group<'s>> {
        let snapshot = index.snapshot;
        let of_year = Year::new(index, year);
        let mut rest = snapshot
            .organizations
            .iter()
            .map(move |organization| (organization, Lists::of(organization.id, &of_year, &detail)))
            .peekable();
        let mut retire = self.orphans(snapshot, year);
        std::iter::from_fn(move || {
            let mut group = Group { name: String::new(), entries: Vec::new(), retire: Vec::new() };
            let (mut bytes, mut ids) = (0, None);
            while group.entries.len() < GROUP_ENTRIES
                && let Some((organization, lists)) =
                    rest.next_if(|(_, lists)| bytes == 0 || bytes + lists.estimated_bytes() <= GROUP_BYTES)
            {
                bytes += lists.estimated_bytes();
                ids = Some((ids.map_or(organization.id, |(first, _)| first), organization.id));
                let key = self.key(year, organization.id);
                group.entries.push(Entry { key, payload: self.payload(organization, lists) });
            }
            group.name = if let Some((first, last)) = ids {
                format!("{}, organizations {first} to {last}", year.key())
            } else {
                // Last and in a group of its own: if the guard doubts that they are gone, it holds nothing else.
                group.retire = std::mem::take(&mut retire);
                format!("{}, organizations that are gone", year.key())
            };
            (!group.entries.is_empty() || !group.retire.is_empty()).then_some(group)
        })
    }
}
