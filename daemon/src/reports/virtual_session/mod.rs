//! Virtual session reports: `virtual_session_report_cache`, one entry per virtual year, and
//! `virtual_session_district_cache`, one entry per district name and virtual year.
//!
//! They mirror VMS's pages `/virtual/usage` and `/virtual/usage/district/<name>`: the functions
//! `compute_virtual_session_data` and `compute_virtual_session_district_data` of
//! `routes/virtual/usage/computation.py`, and the summaries, attendance and primary organization of
//! `services/virtual_computation_service.py`.
//!
//! # Years and names
//!
//! An entry exists for the previous and the current virtual year, and for every other well-formed year, up to
//! the next, that already has a row over its full range of dates; VMS caches no other range. Within a year a
//! district entry exists for every name that the year's report shows, and for every name that already has a
//! row, because VMS's page accepts any name. Rows with other keys are left unchanged.
//!
//! # Sessions
//!
//! A session is an event of type `VIRTUAL_SESSION` whose start lies in the year's window, whatever its
//! status, tenant or exclusion; latest first, ties by id. It *took place* when its status is completed or
//! simulcast. It was *moved to a classroom* when the text of its imported status contains "moved to
//! in-person", ignoring case. Its *place* is the name of its first linked district, else its partner text.
//! VMS reads linked districts through an index over their ids as text, so the first one is the one whose id
//! comes first as text (`10` before `2`). Registered teachers are ordered by id, presenters by id. A school
//! belongs to a session through a registered teacher, never through the event.
//!
//! # Two definitions of a teacher's district
//!
//! The report takes the school's district, else the place, else `Unknown District`; the district entries take
//! the school's district, else the place, skip empty names, and have no such fallback. They match names
//! trimmed, without regard to case, and through the aliases of the district mapping: a name and one of its
//! aliases match each other, two aliases of one name do not. The table `district_alias` is not read.
//!
//! # Percentages
//!
//! Percentages are whole numbers, rounded half to even as Python's `round` does; a percentage of zero is
//! `0`.
//!
//! # Deviation
//!
//! The payloads are VMS's own in both modes. In fixed mode the report is withheld while VMS has accounts
//! to which a cached row would show too much.

mod district;
mod index;
mod report;
mod sessions;

pub use district::VirtualDistricts;
pub use report::VirtualSessions;

use crate::reports::year::{VirtualYear, Year};
use crate::vms::tables::{Key, KeyValue, Table, spec};

/// Number of students that VMS assumes for every teacher.
const STUDENTS_PER_TEACHER: usize = 25;

/// District of a row whose teacher has no district and whose session has no place.
const UNKNOWN_DISTRICT: &str = "Unknown District";

/// Returns the year of a row that covers the full range of its year's dates; `None` for any other key.
fn year_of(table: Table, key: &Key) -> Option<VirtualYear> {
    let text = |column| {
        let position = spec(table).key.iter().position(|&name| name == column)?;
        key.text(position)
    };
    let year = VirtualYear::from_key(text("virtual_year")?)?;
    let full =
        text("date_from")? == year.first_day().to_string() && text("date_to")? == year.last_day().to_string();
    full.then_some(year)
}

/// Returns the key of a year's entry, or of a district's entry in that year when `district` is given.
fn key(year: VirtualYear, district: Option<&str>) -> Key {
    let mut values: Vec<KeyValue> = vec![year.key().into()];
    values.extend(district.map(KeyValue::from));
    values.push(year.first_day().to_string().into());
    values.push(year.last_day().to_string().into());
    Key(values)
}

/// Returns a whole percentage as Python's `round` computes it: ties go to even, and `0` when `total` is 0.
fn percent(part: usize, total: usize) -> usize {
    if total == 0 {
        return 0;
    }
    let (whole, rest) = (100 * part / total, 100 * part % total);
    let up = match (2 * rest).cmp(&total) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => whole % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    whole + usize::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_half_to_even() {
        for (part, total, expected) in
            [(0, 0, 0), (0, 3, 0), (1, 8, 12), (3, 8, 38), (27, 200, 14), (2, 3, 67), (1, 3, 33), (5, 5, 100)]
        {
            assert_eq!(percent(part, total), expected, "{part}/{total}");
        }
    }

    #[test]
    fn only_rows_over_the_full_year_belong_to_a_year() {
        let table = Table::VirtualSessionDistrictCache;
        let key = |year: &str, from: &str, to: &str| {
            Key(vec![year.into(), "Grandview".into(), from.into(), to.into()])
        };
        for (year, from, to, known) in [
            ("2025-2026", "2025-08-01", "2026-07-31", true),
            ("2025-2026", "2025-08-01", "2026-01-31", false),
            ("2025-2026", "2024-08-01", "2025-07-31", false),
            ("2026", "2026-08-01", "2027-07-31", false),
        ] {
            assert_eq!(year_of(table, &key(year, from, to)).is_some(), known, "{year} {from} {to}");
        }
        let without_dates = Key(vec!["2025-2026".into(), "Grandview".into(), KeyValue::Null, KeyValue::Null]);
        assert_eq!(year_of(table, &without_dates), None);
    }
}
