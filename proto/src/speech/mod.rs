//! Wording of replies for people: the same in the terminal and on the status page.
//!
//! These are pure functions of replies. The caller decides where a text is displayed, and in which colour.

mod figures;
mod time;
mod tone;
mod verdict;

pub use figures::{Figure, figures, percent};
pub use time::{duration, moment};
pub use tone::{Tone, standing};
pub use verdict::{Verdict, verdict};

use crate::verb::status::TableStatus;
use crate::words::{CacheType, Table};

/// Returns a word of the vocabulary as people read it: `not applicable`.
pub fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

/// Returns a number of things: `1 table`, `2 tables`.
pub fn count(number: usize, thing: &str) -> String {
    match (number, thing.strip_suffix("ry")) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{number} {stem}ries"),
        (_, None) => format!("{number} {thing}s"),
    }
}

/// Formats bytes in decimal units: `812 B`, `1.2 MB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        None => format!("{bytes} B"),
        Some((size, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*size);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

/// Describes what is wrong with a table's entries: `2 stale, 1 missing of 21 entries`; `None` when nothing
/// is.
pub fn lacks(table: &TableStatus) -> Option<String> {
    let counted = [
        (table.stale, "stale"),
        (table.missing, "missing"),
        (table.incomplete, "incomplete"),
        (table.invalid, "invalid"),
    ];
    let parts: Vec<String> = counted
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, state)| format!("{number} {state}"))
        .collect();
    (!parts.is_empty()).then(|| format!("{} of {} entries", parts.join(", "), table.expected))
}

/// Describes what a table holds, for people who do not know its name.
pub const fn table_title(table: Table) -> &'static str {
    match table {
        Table::DistrictYearEndReports => "District year-end",
        Table::DistrictEngagementReports => "District engagement",
        Table::OrganizationSummaryCache => "Organizations",
        Table::OrganizationDetailCache => "Organization details",
        Table::OrganizationReports => "Organization reports",
        Table::VirtualSessionReportCache => "Virtual sessions",
        Table::VirtualSessionDistrictCache => "Virtual sessions by district",
        Table::RecentVolunteersReportCache => "Recent volunteers",
        Table::FirstTimeVolunteerReportCache => "First-time volunteers",
        Table::RecruitmentCandidatesCache => "Recruitment candidates",
        Table::DiaEventsReportCache => "DIA events",
    }
}

/// Returns a type's title, and a description of what belongs to it.
pub const fn type_title(cache_type: CacheType) -> (&'static str, &'static str) {
    match cache_type {
        CacheType::District => ("District", "Year-end figures of each district, and its engagement"),
        CacheType::Organization => ("Organization", "Organizations of a school year, and each one in detail"),
        CacheType::VirtualSession => ("Virtual sessions", "All virtual sessions, and those of each district"),
        CacheType::Volunteer => ("Volunteers", "Recent and first-time volunteers"),
        CacheType::Recruitment => ("Recruitment", "Candidates for each event, and DIA events"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        for (given, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_250_000, "1.2 MB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(bytes(given), shown);
        }
    }

    #[test]
    fn one_thing_is_singular() {
        let counted = [0, 1, 2].map(|number| count(number, "table"));
        assert_eq!(counted, ["0 tables", "1 table", "2 tables"]);
    }

    #[test]
    fn every_table_has_a_title_of_its_own() {
        let mut titles: Vec<&str> = Table::ALL.iter().map(|table| table_title(*table)).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), Table::ALL.len());
    }
}
