//! The reports: pure builders from a snapshot to entries.
//!
//! To add a report, implement [`Yearly`] or [`Report`] in a file of its own and add a line to [`REPORTS`].

pub mod dialect;
pub mod district;
mod entry;
pub mod organization;
pub mod recruitment;
mod report;
mod settings;
#[cfg(test)]
mod sources_tests;
#[cfg(test)]
mod testing;
pub mod virtual_session;
pub mod volunteer;
pub mod year;

pub use entry::{Builder, Built, Entry, Group, Ordered, Payload, Section, Shared};
pub use report::{Context, Report, Yearly};
pub use settings::{Mode, ReportSettings};

use cached_proto::words::CacheType;
use twox_hash::XxHash3_128;

use crate::vms::tables::Table;

/// All reports, in the order in which a refresh works on them: those that become stale first come first.
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

/// Function that returns the report of a table: [`report`], unless a caller supplies reports of
/// its own.
pub type Reports = fn(Table) -> Option<&'static dyn Report>;

/// Returns the report that fills `table`.
pub fn report(table: Table) -> Option<&'static dyn Report> {
    REPORTS.iter().copied().find(|report| report.table() == table)
}

/// The tables of `types` and `tables` together, in the order in which a refresh works on them; all tables when both
/// are empty. Duplicates count once.
pub fn tables(types: &[CacheType], tables: &[Table]) -> Vec<Table> {
    let everything = types.is_empty() && tables.is_empty();
    let all = REPORTS.iter().map(|report| report.table());
    all.filter(|table| everything || types.contains(&table.cache_type()) || tables.contains(table)).collect()
}

impl ReportSettings {
    /// Returns a fingerprint of the settings that `table`'s payloads depend on; entries generated under another
    /// fingerprint are stale.
    pub fn fingerprint(&self, table: Table) -> String {
        let mut hasher = XxHash3_128::new();
        hasher.write(table.as_str().as_bytes());
        hasher.write(self.mode.as_str().as_bytes());
        // Local stamps are read in the zone, and it decides when a year or a window begins.
        hasher.write(self.zone.name().as_bytes());
        hasher.write(self.districts.canonical_text().as_bytes());
        hasher.write(&report(table).map_or_else(Vec::new, |report| report.own_settings(self)));
        format!("{:032x}", hasher.finish_128())
    }
}
