//! What the operator can set about reports.

use chrono_tz::Tz;
use twox_hash::XxHash3_128;

use super::district::DistrictMapping;
pub use crate::config::Mode;
use crate::vms::tables::Table;

/// Everything besides the source and the clock that a payload depends on.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// Whether payloads are VMS's own, bug for bug.
    pub mode: Mode,
    /// The zone that VMS's process runs in: it decides when a school year begins.
    pub zone: Tz,
    /// The districts that reports are made for.
    pub districts: DistrictMapping,
    /// For how many days the rows of a past day's default window of the recent volunteers are kept.
    pub recent_window_keep_days: i64,
}

impl ReportSettings {
    /// A fingerprint of what `table`'s payloads depend on; entries made under another one are stale.
    pub fn fingerprint(&self, table: Table) -> String {
        let mut hasher = XxHash3_128::new();
        hasher.write(table.as_str().as_bytes());
        hasher.write(self.mode.as_str().as_bytes());
        hasher.write(self.districts.canonical_text().as_bytes());
        format!("{:032x}", hasher.finish_128())
    }
}
