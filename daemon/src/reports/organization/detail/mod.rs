//! The two reports that have a row per organization and year: [`Detail`] and [`Reports`].
//!
//! * Both have one row for every organization, also for one without members or events, and for every year
//!   that their table keeps: the previous, the current, and those that already have rows.
//! * Rows of an organization that no longer exists are removed.
//! * Both hold the same five lists ([`lists`]), computed once for each from the same source
//!   tables.
//! * `organization_reports` is off by default and then has no keys and no groups.

mod events;
mod lists;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use crate::reports::organization::index::{DetailIndex, Events, Index};
use crate::reports::year::{SchoolYear, Year};
use crate::reports::{Built, Context, Entry, Group, Payload, ReportSettings, Yearly};
use crate::snapshot::{Organization, Snapshot, Source};
use crate::vms::tables::{Key, KeyValue, Table};

use lists::Lists;

const SOURCES: &[Source] = &[
    Source::Event,
    Source::EventAttendanceDetail,
    Source::EventVolunteers,
    Source::District,
    Source::School,
    Source::EventParticipation,
    Source::EventTeacher,
    Source::Contact,
    Source::Volunteer,
    Source::Teacher,
    Source::Organization,
    Source::VolunteerOrganization,
    Source::Email,
];

const KEY_SOURCES: &[Source] = &[Source::Organization];

/// Estimated bytes of payload above which a group takes no further entry: VMS's workers wait while a group is
/// written.
const GROUP_BYTES: usize = 3_000_000;

/// Number of entries above which a group takes no further one, however small they are: each is a statement of
/// its own.
const GROUP_ENTRIES: usize = 250;

/// The report that fills `organization_detail_cache`: one row for every organization and year, even without
/// any event, so that VMS's page never has to compute. Its key is the year and the organization's id.
///
/// VMS itself fails to store a row that has an event, because `date_sort` is then a `datetime` that its JSON
/// encoder refuses; here it is text, by which VMS's page sorts equally well.
#[derive(Debug, Clone, Copy)]
pub struct Detail;

impl Yearly for Detail {
    type Year = SchoolYear;

    const TABLE: Table = Layout::Cache.table();
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = SOURCES;
    const KEY_SOURCES: &'static [Source] = KEY_SOURCES;

    fn keys(&self, cx: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        Layout::Cache.keys(cx)
    }

    fn retired(&self, cx: Context<'_>, year: SchoolYear, _keys: &[Key]) -> Vec<Key> {
        Layout::Cache.orphans(cx.snapshot, year)
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        Layout::Cache.groups(cx)
    }
}

/// The report that fills `organization_reports`: the same lists in other columns, and the organization's id
/// as text.
///
/// No VMS code writes or reads the table, but VMS's "delete organization" fails as long as the organization
/// has a row here, because the row's reference to it is declared as required. The report is therefore off
/// unless [`ReportSettings::organization_reports_table`] enables it: while off it has no key and no group.
#[derive(Debug, Clone, Copy)]
pub struct Reports;

impl Yearly for Reports {
    type Year = SchoolYear;

    const TABLE: Table = Layout::Reports.table();
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = SOURCES;
    const KEY_SOURCES: &'static [Source] = KEY_SOURCES;

    fn off(&self, settings: &ReportSettings) -> Option<&'static str> {
        (!settings.organization_reports_table).then_some("organization.reports_table is false")
    }

    fn own_settings(&self, settings: &ReportSettings) -> Vec<u8> {
        vec![u8::from(settings.organization_reports_table)]
    }

    fn keys(&self, cx: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        Layout::Reports.keys(cx)
    }

    fn retired(&self, cx: Context<'_>, year: SchoolYear, _keys: &[Key]) -> Vec<Key> {
        Layout::Reports.orphans(cx.snapshot, year)
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        Layout::Reports.groups(cx)
    }
}

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `organization_detail_cache`, which VMS reads.
    Cache,
    /// `organization_reports`, which VMS does not read.
    Reports,
}

impl Layout {
    const fn table(self) -> Table {
        match self {
            Self::Cache => Table::OrganizationDetailCache,
            Self::Reports => Table::OrganizationReports,
        }
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

    /// Returns the function that gives the keys of a year, by organization.
    fn keys(self, cx: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        move |year| cx.snapshot.organizations.iter().map(|row| self.key(year, row.id)).collect()
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

    /// Returns the function that computes the rows of a year, one group at a time: the year is indexed when its
    /// first group is requested.
    fn groups<'s>(self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        let index = Arc::new(Index::new(cx.snapshot));
        let detail = Arc::new(DetailIndex::new(cx.snapshot));
        move |year| Box::new(self.groups_of(year, Arc::clone(&index), Arc::clone(&detail)))
    }

    fn groups_of<'s>(
        self,
        year: SchoolYear,
        index: Arc<Index<'s>>,
        detail: Arc<DetailIndex<'s>>,
    ) -> impl Iterator<Item = Group<'s>> + 's {
        let snapshot = index.snapshot;
        let of_year = Events::new(index, year);
        let mut rest = snapshot
            .organizations
            .iter()
            .map(move |organization| (organization, Lists::of(organization.id, &of_year, &detail)))
            .peekable();
        let mut retire = self.orphans(snapshot, year);
        std::iter::from_fn(move || {
            let mut group = Group::new(String::new(), Vec::new());
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
                // Last and in a group of its own: if the guard suspects their loss, it holds no other group.
                group.retire = std::mem::take(&mut retire);
                format!("{}, organizations that are gone", year.key())
            };
            (!group.entries.is_empty() || !group.retire.is_empty()).then_some(group)
        })
    }
}
