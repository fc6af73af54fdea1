//! The reports: pure builders from a snapshot to entries.
//!
//! A builder has no access to a database, a queue or a clock. To add a report, implement [`Report`] in a file
//! of its own and add a line to [`REPORTS`].

pub mod boundaries;
pub mod district;
mod entry;
pub mod number;
pub mod organization;
pub mod recruitment;
mod settings;
#[cfg(test)]
mod sources_tests;
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

/// A report: the tables it reads, its keys, and the computation of its entries.
pub trait Report: Sync {
    /// Returns the cache table that the report fills.
    fn table(&self) -> Table;

    /// Returns the source tables that any method reads. Reading another one panics unless a report of the same
    /// run declares it, and a test builds every report from these alone.
    fn sources(&self) -> &'static [Source];

    /// Returns the source tables that [`Report::keys`], [`Report::next_keys`], [`Report::next_payloads`] and
    /// [`Report::withheld`] read, a small part of [`Report::sources`]: surveys read no others.
    fn key_sources(&self) -> &'static [Source];

    /// Returns the keys that the report has at `now`, in the order in which its rows are to be inserted.
    /// Depends only on [`Report::key_sources`] and the existing rows of its own table.
    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key>;

    /// Returns what payloads depend on besides the source, the settings and the keys: text that differs
    /// whenever the passing of time alone changes a payload. Empty for a report that is a function of the
    /// source. May depend on all of [`Report::sources`].
    fn clock(&self, _snapshot: &Snapshot, _settings: &ReportSettings, _now: DateTime<Utc>) -> String {
        String::new()
    }

    /// Returns when the passing of time alone next changes [`Report::keys`] after `after`; `None` if it never
    /// does. The result may be too early but never too late, and depends only on [`Report::key_sources`].
    fn next_keys(
        &self,
        _snapshot: &Snapshot,
        _settings: &ReportSettings,
        _after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// Returns when the passing of time alone next changes the payload of an entry that stays, after `after`;
    /// `None` if it never does. Depends only on [`Report::key_sources`].
    fn next_payloads(
        &self,
        _snapshot: &Snapshot,
        _settings: &ReportSettings,
        _after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        None
    }

    /// Returns why the report must not be stored at all, if so: it would show data to people who may not see
    /// it. Depends only on [`Report::key_sources`].
    fn withheld(&self, _snapshot: &Snapshot, _settings: &ReportSettings) -> Option<String> {
        None
    }

    /// Computes the entries, one group at a time, from [`Report::sources`] and the existing rows of its own
    /// table.
    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's>;
}

/// All reports, in the order in which a refresh works on them: reports that become stale first come first.
pub static REPORTS: &[&dyn Report] = &[
    // One per line, so that additions do not conflict.
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

/// Function that returns the report of a table. It is [`report`], except where a caller supplies reports of
/// its own.
pub type Reports = fn(Table) -> Option<&'static dyn Report>;

/// Returns the report that fills `table`.
pub fn report(table: Table) -> Option<&'static dyn Report> {
    REPORTS.iter().copied().find(|report| report.table() == table)
}
