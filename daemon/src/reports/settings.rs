//! Report settings that the operator can change.

use chrono_tz::Tz;

use super::district::DistrictMapping;
use super::recruitment::Keywords;
pub use crate::config::Mode;

/// All inputs of a payload besides the source and the clock.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// Whether payloads reproduce VMS's bugs or fix them.
    pub mode: Mode,
    /// Time zone of VMS's process: it decides when a school year begins.
    pub zone: Tz,
    /// The districts that reports are generated for.
    pub districts: DistrictMapping,
    /// Whether `organization_reports` is filled. VMS neither writes nor reads that table, and a row in it
    /// makes VMS's "delete organization" fail, so it is off unless the operator enables it.
    pub organization_reports_table: bool,
    /// Whether the virtual session report is kept although VMS has accounts that are limited to a part of
    /// the data; default `false`. VMS does not apply that limit to a cached row, so with `true` such an
    /// account sees every district's teachers.
    pub virtual_session_allow_scoped_users: bool,
    /// Number of days for which the rows of a past default window of the recent volunteers are kept.
    pub recent_window_keep_days: i64,
    /// Keywords and rules of the recruitment reports.
    pub keywords: Keywords,
    /// Whether recent events have candidates stored as well as upcoming ones.
    pub include_recent: bool,
    /// Number of days for which the candidates of an event are kept after it began, once its page was opened.
    pub keep_days: i64,
}

impl ReportSettings {
    /// Creates settings with all defaults.
    pub const fn new(mode: Mode, zone: Tz, districts: DistrictMapping, keywords: Keywords) -> Self {
        Self {
            mode,
            zone,
            districts,
            organization_reports_table: false,
            virtual_session_allow_scoped_users: false,
            recent_window_keep_days: 7,
            keywords,
            include_recent: true,
            keep_days: 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::{CacheType, Table};

    use super::*;

    const BUILT_IN: &str = include_str!("../../data/recruitment_keywords.toml");

    fn settings(keywords: &str) -> ReportSettings {
        let (districts, keywords) =
            (DistrictMapping::embedded().unwrap(), Keywords::parse(keywords).unwrap());
        ReportSettings::new(Mode::Fixed, Tz::UTC, districts, keywords)
    }

    #[test]
    fn switching_organization_reports_changes_only_the_fingerprint_of_that_table() {
        let switched =
            |organization_reports_table| ReportSettings { organization_reports_table, ..settings(BUILT_IN) };
        for &table in Table::ALL {
            let same = switched(true).fingerprint(table) == switched(false).fingerprint(table);
            assert_eq!(same, table != Table::OrganizationReports, "{table}");
        }
    }

    #[test]
    fn the_zone_of_vms_changes_the_fingerprint_of_every_table() {
        let chicago = ReportSettings { zone: Tz::America__Chicago, ..settings(BUILT_IN) };
        for &table in Table::ALL {
            assert_ne!(chicago.fingerprint(table), settings(BUILT_IN).fingerprint(table), "{table}");
        }
    }

    #[test]
    fn keywords_change_only_the_fingerprints_of_recruitment_tables() {
        let (before, after) =
            (settings(BUILT_IN), settings(&BUILT_IN.replacen("\"software\"", "\"firmware\"", 1)));
        let noted = settings(&format!("# A remark.\n{BUILT_IN}"));
        for &table in Table::ALL {
            let same = before.fingerprint(table) == after.fingerprint(table);
            assert_eq!(same, table.cache_type() != CacheType::Recruitment, "{table}");
            assert_eq!(before.fingerprint(table), noted.fingerprint(table), "{table}");
        }
    }
}
