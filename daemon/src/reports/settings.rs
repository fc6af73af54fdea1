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
    /// Whether `organization_reports` is filled. VMS neither writes nor reads that table, and a row in it
    /// makes VMS's "delete organization" fail, so it is off unless the operator wants it.
    pub organization_reports_table: bool,
    /// Whether the virtual session report is kept although VMS has accounts that are limited to a part of
    /// the data; default `false`. VMS does not apply that limit to a cached row, so with `true` such an
    /// account sees every district's teachers.
    pub virtual_session_allow_scoped_users: bool,
    /// For how many days the rows of a past day's default window of the recent volunteers are kept.
    pub recent_window_keep_days: i64,
}

impl ReportSettings {
    /// The defaults of everything that has one.
    pub const fn new(mode: Mode, zone: Tz, districts: DistrictMapping) -> Self {
        Self {
            mode,
            zone,
            districts,
            organization_reports_table: false,
            virtual_session_allow_scoped_users: false,
            recent_window_keep_days: 7,
        }
    }

    /// A fingerprint of what `table`'s payloads depend on; entries made under another one are stale.
    pub fn fingerprint(&self, table: Table) -> String {
        let mut hasher = XxHash3_128::new();
        hasher.write(table.as_str().as_bytes());
        hasher.write(self.mode.as_str().as_bytes());
        hasher.write(self.districts.canonical_text().as_bytes());
        if table == Table::OrganizationReports {
            hasher.write(&[u8::from(self.organization_reports_table)]);
        }
        format!("{:032x}", hasher.finish_128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_of_organization_reports_concerns_that_table_alone() {
        let settings = |organization_reports_table| ReportSettings {
            organization_reports_table,
            ..ReportSettings::new(Mode::Fixed, Tz::UTC, DistrictMapping::embedded().unwrap())
        };
        for &table in Table::ALL {
            let same = settings(true).fingerprint(table) == settings(false).fingerprint(table);
            assert_eq!(same, table != Table::OrganizationReports, "{table}");
        }
    }
}
