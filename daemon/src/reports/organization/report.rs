//! The two reports that have a row per organization and year: [`Detail`] and [`Reports`].
//!
//! * Both have one row for every organization, also for one without members or events, and for every year
//!   that their table keeps: the previous, the current, and those that already have rows.
//! * Rows of an organization that no longer exists are removed.
//! * Both hold the same five lists ([`detail`](super::detail)), computed once for each from the same source
//!   tables.
//! * `organization_reports` is off by default and then has no keys and no groups.

use crate::reports::year::SchoolYear;
use chrono::{DateTime, Utc};

use super::super::{Group, Report, ReportSettings};
use super::layout::Layout;
use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table};

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

/// The report that fills `organization_detail_cache`: one row for every organization and year, even without
/// any event, so that VMS's page never has to compute. Its key is the year and the organization's id.
///
/// VMS itself fails to store a row that has an event, because `date_sort` is then a `datetime` that its JSON
/// encoder refuses; here it is text, by which VMS's page sorts equally well.
#[derive(Debug, Clone, Copy)]
pub struct Detail;

/// The report that fills `organization_reports`: the same lists in other columns, and the organization's id
/// as text.
///
/// No VMS code writes or reads the table, but VMS's "delete organization" fails as long as the organization
/// has a row here, because the row's reference to it is declared as required. The report is therefore off
/// unless [`ReportSettings::organization_reports_table`] enables it: while off it has no key and no group.
#[derive(Debug, Clone, Copy)]
pub struct Reports;

macro_rules! report {
    ($report:ident, $layout:expr) => {
        impl Report for $report {
            fn table(&self) -> Table {
                $layout.table()
            }

            fn sources(&self) -> &'static [Source] {
                SOURCES
            }

            fn key_sources(&self) -> &'static [Source] {
                &[Source::Organization]
            }

            fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
                $layout.keys(snapshot, settings, now)
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
                $layout.groups(snapshot, settings, now)
            }
        }
    };
}

report!(Detail, Layout::Cache);
report!(Reports, Layout::Reports);
