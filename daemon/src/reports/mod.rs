//! The reports: pure builders from a snapshot to entries.
//!
//! A builder sees neither a database, a queue nor a clock. To add a report, implement [`Report`] in a file
//! of its own and add a line to [`REPORTS`].

pub mod boundaries;
pub mod district;
mod entry;
pub mod number;
pub mod organization;
pub mod recruitment;
mod settings;
#[cfg(test)]
mod testing;
pub mod text;
pub mod virtual_session;
pub mod virtual_year;
pub mod volunteer;
pub mod year;

pub use entry::{Entry, Group, Payload, Shared};
pub use settings::{Mode, ReportSettings};

use chrono::{DateTime, Utc};

use crate::snapshot::{Snapshot, Source};
use crate::vms::tables::{Key, Table};

/// One report: what it reads, which entries it has, and how they are computed.
pub trait Report: Sync {
    /// The cache table it fills.
    fn table(&self) -> Table;

    /// The source tables that [`Report::build`] reads.
    fn sources(&self) -> &'static [Source];

    /// The source tables that [`Report::keys`] reads, a small part of [`Report::sources`].
    fn key_sources(&self) -> &'static [Source];

    /// The keys that the report has at `now`, in the order in which its rows are to be inserted.
    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key>;

    /// What payloads depend on besides the source, the settings and the keys: text that differs whenever the
    /// clock alone changes a payload. Empty for a report that is a function of the source.
    fn clock(&self, _snapshot: &Snapshot, _settings: &ReportSettings, _now: DateTime<Utc>) -> String {
        String::new()
    }

    /// When the clock alone changes [`Report::keys`] next, after `after`; none if it never does. It may be too early,
    /// never too late, and reads no more than [`Report::key_sources`].
    fn next_keys(
        &self,
        _snapshot: &Snapshot,
        _settings: &ReportSettings,
        _after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// When the clock alone changes the payload of an entry that stays, after `after`; none if it never does. Reads no
    /// more than [`Report::key_sources`].
    fn next_payloads(
        &self,
        _snapshot: &Snapshot,
        _settings: &ReportSettings,
        _after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// Why the report must not be stored at all, if so: it would show people what they may not see. Reads no
    /// more than [`Report::key_sources`].
    fn withheld(&self, _snapshot: &Snapshot, _settings: &ReportSettings) -> Option<String> {
        None
    }

    /// Computes the entries, one group at a time.
    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's>;
}

/// Every report, in the order in which a refresh works on them: what goes stale first is renewed first.
pub static REPORTS: &[&dyn Report] = &[
    // One per line, so that additions do not collide.
    &recruitment::Dia,
    &district::YearEnd,
    &district::Engagement,
    &organization::Summary,
    &organization::Detail,
    &organization::Reports,
    &virtual_session::VirtualSessions,
    &virtual_session::VirtualDistricts,
    &volunteer::Recent,
    &volunteer::FirstTime,
    &recruitment::Candidates,
];

/// Finds the report that fills a table. It is [`report`], unless somebody refreshes with reports of their own.
pub type Reports = fn(Table) -> Option<&'static dyn Report>;

/// The report that fills `table`.
pub fn report(table: Table) -> Option<&'static dyn Report> {
    REPORTS.iter().copied().find(|report| report.table() == table)
}
