//! What the operator can set about reports.

use cached_proto::words::CacheType;
use chrono_tz::Tz;
use twox_hash::XxHash3_128;

use super::district::DistrictMapping;
use super::recruitment::Keywords;
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
    /// What recruitment looks for.
    pub keywords: Keywords,
    /// Whether recent events have candidates stored as well as upcoming ones.
    pub include_recent: bool,
    /// Days for which the candidates of an event that somebody looked at are kept after it began.
    pub keep_days: i64,
}

impl ReportSettings {
    /// A fingerprint of what `table`'s payloads depend on; entries made under another one are stale.
    pub fn fingerprint(&self, table: Table) -> String {
        let mut hasher = XxHash3_128::new();
        hasher.write(table.as_str().as_bytes());
        hasher.write(self.mode.as_str().as_bytes());
        hasher.write(self.districts.canonical_text().as_bytes());
        if table.cache_type() == CacheType::Recruitment {
            hasher.write(self.keywords.canonical_text().as_bytes());
        }
        format!("{:032x}", hasher.finish_128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_concern_the_tables_of_recruitment_alone() {
        let built_in = include_str!("../../data/recruitment_keywords.toml");
        let settings = |keywords: &str| ReportSettings {
            mode: Mode::Fixed,
            zone: Tz::UTC,
            districts: DistrictMapping::embedded().unwrap(),
            keywords: Keywords::parse(keywords).unwrap(),
            include_recent: true,
            keep_days: 30,
        };
        let (before, after) =
            (settings(built_in), settings(&built_in.replacen("\"software\"", "\"firmware\"", 1)));
        let noted = settings(&format!("# A remark.\n{built_in}"));
        for &table in Table::ALL {
            let same = before.fingerprint(table) == after.fingerprint(table);
            assert_eq!(same, table.cache_type() != CacheType::Recruitment, "{table}");
            assert_eq!(before.fingerprint(table), noted.fingerprint(table), "{table}");
        }
    }
}
