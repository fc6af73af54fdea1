//! Finds the rows of a cache table that no reader uses any more.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::snapshot::ExistingRow;
use crate::store::Freshness;
use crate::vms::tables::{Key, TableSpec};

/// Returns rows that were made before `oldest_kept`, that no refresh would make again, and that no reader of
/// VMS's accepts.
///
/// A row is returned only if all of this holds, and if its age is known: expected entries are stamped every
/// night, so even when the source has lost its rows, their entries are kept until the age has passed. Of
/// several rows with the same key, readers take the first, so the others are unread.
pub(super) fn unread<'r>(
    expected: &[Key],
    rows: &'r [ExistingRow],
    freshness: &Freshness<'_>,
    oldest_kept: DateTime<Utc>,
) -> Vec<&'r ExistingRow> {
    let expected: HashSet<&Key> = expected.iter().collect();
    let mut first: HashMap<&Key, i64> = HashMap::with_capacity(rows.len());
    for row in rows {
        let lowest = first.entry(&row.key).or_insert(row.id);
        *lowest = (*lowest).min(row.id);
    }
    rows.iter()
        .filter(|row| {
            let behind = first.get(&row.key).is_some_and(|lowest| *lowest != row.id);
            let Some(generated) = freshness.generated(row) else { return false };
            let unwanted =
                !expected.contains(&row.key) && !is_read(freshness.spec, &row.key, generated, freshness.now);
            generated < oldest_kept && (behind || unwanted)
        })
        .collect()
}

/// Whether a page of VMS's may still show a row that no refresh makes.
fn is_read(spec: &TableSpec, key: &Key, generated: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    match spec.reader_limit_hours {
        // From that age on the reader computes its data anew.
        Some(hours) => now - generated < TimeDelta::hours(hours.into()),
        // VMS shows its own rows whatever their age. The others are of districts, organizations and events
        // that are gone or past, and of invalid years.
        None => key.is_left_to_vms(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{AgeLimits, Stamps};
    use crate::vms::tables::{KeyValue, Table, spec};

    const NOW: &str = "2026-03-15T12:00:00Z";

    fn row(id: i64, key: &[&str], last_updated: &str) -> ExistingRow {
        let key = Key(key
            .iter()
            .map(|part| if part.is_empty() { KeyValue::Null } else { (*part).into() })
            .collect());
        ExistingRow {
            id,
            key,
            last_updated: Some(last_updated.into()),
            valid: true,
            complete: true,
            bytes: 1,
        }
    }

    fn ids(table: Table, expected: &[&[&str]], rows: &[ExistingRow]) -> Vec<i64> {
        let stamps = Stamps::default();
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let freshness = Freshness {
            spec: spec(table),
            limits: AgeLimits {
                max_age: TimeDelta::hours(24),
                refresh_after: TimeDelta::hours(20),
                tolerance: TimeDelta::minutes(15),
            },
            zone: chrono_tz::UTC,
            now,
            stamps: &stamps,
            fingerprint: String::new(),
        };
        let expected: Vec<Key> = expected.iter().map(|key| row(0, key, "").key).collect();
        unread(&expected, rows, &freshness, now - TimeDelta::days(7)).iter().map(|row| row.id).collect()
    }

    #[test]
    fn only_old_rows_that_nobody_makes_or_reads_go() {
        let (old, young) = ("2026-03-01 00:00:00.000000", "2026-03-10 00:00:00.000000");
        let rows = [
            row(1, &["2526"], old),
            row(2, &["1617"], old),
            row(3, &["1617"], young),
            row(4, &["soon"], old),
            row(5, &["later"], "no time"),
            row(6, &["2526"], old),
        ];
        assert_eq!(ids(Table::OrganizationSummaryCache, &[&["2526"]], &rows), [2, 4, 6]);
    }

    #[test]
    fn rows_of_other_host_filters_stay_whatever_their_age() {
        let old = "2020-01-01 00:00:00.000000";
        let rows = [row(1, &["2526", "prepkc", "3"], old), row(2, &["2526", "all", "9"], old)];
        assert_eq!(ids(Table::DistrictYearEndReports, &[], &rows), [2]);
    }

    #[test]
    fn the_first_row_of_an_expected_key_stays_though_it_is_old() {
        let old = "2020-01-01 00:00:00.000000";
        let rows = [row(1, &["2526", "", ""], old), row(2, &["2526", "", ""], old)];
        assert_eq!(ids(Table::VirtualSessionReportCache, &[&["2526", "", ""]], &rows), [2]);
    }
}
