//! The reports: pure builders from a snapshot to entries.
//!
//! A builder sees neither a database, a queue nor a clock. To add a report, implement [`Report`] in a file
//! of its own and add a line to [`REPORTS`].

pub mod district;
mod entry;
pub mod number;
pub mod recruitment;
mod settings;
pub mod year;

pub use entry::{Entry, Group, Payload};
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

    /// Computes the entries, one group at a time.
    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's>;
}

/// Every report, in the order in which a refresh works on them.
pub static REPORTS: &[&dyn Report] = &[&recruitment::Dia, &recruitment::Candidates];

/// The report that fills `table`.
pub fn report(table: Table) -> Option<&'static dyn Report> {
    REPORTS.iter().copied().find(|report| report.table() == table)
}
