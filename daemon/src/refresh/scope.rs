//! How much of a table a run regenerates: which of its rows are left alone.

use chrono::{DateTime, Utc};

use crate::jobs::RefreshScope;
use crate::snapshot::{ExistingRow, ReadDepth};
use crate::store::Freshness;

impl RefreshScope {
    /// The scope for a table whose entries may be young and yet be generated from another source than the
    /// recorded one: the table was held back or failed, or an attempt was interrupted before it could record
    /// what it had written. A run that left such entries alone would end well without having shown that the
    /// table can be refreshed again.
    pub fn widened(self) -> Self {
        self.max(Self::Every)
    }

    /// How closely existing rows have to be read: a row that is left alone, or stamped without being
    /// computed, must be one that its reader accepts.
    pub const fn read_depth(self) -> ReadDepth<'static> {
        match self {
            Self::Due | Self::Expiring | Self::Every => ReadDepth::Shape,
            Self::Thorough => ReadDepth::Stamps,
        }
    }

    /// Whether a row is left alone. Rows that expire are those that do not last until `renew_before`, when
    /// another run will have renewed the others. `overtaken` returns whether the passing of time alone has
    /// changed payloads since an instant.
    pub fn spares(
        self,
        row: &ExistingRow,
        freshness: &Freshness<'_>,
        renew_before: DateTime<Utc>,
        overtaken: &dyn Fn(DateTime<Utc>) -> bool,
    ) -> bool {
        match self {
            Self::Due => freshness.is_young(row),
            Self::Expiring => {
                freshness.lasts(row, renew_before) && !freshness.generated(row).is_some_and(overtaken)
            }
            Self::Every | Self::Thorough => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::Table;
    use chrono::TimeDelta;

    use super::*;
    use crate::store::{AgeLimits, Stamps};
    use crate::vms::tables::{Key, spec};

    const NOON: &str = "2026-03-15T12:00:00Z";

    fn row(stamp: &str) -> ExistingRow {
        let (key, last_updated) = (Key(Vec::new()), Some(stamp.to_owned()));
        ExistingRow { id: 1, key, last_updated, valid: true, complete: true, bytes: 0 }
    }

    #[test]
    fn a_row_is_spared_by_the_rule_of_the_effort() {
        let stamps = Stamps::default();
        let limits = AgeLimits {
            max_age: TimeDelta::hours(24),
            refresh_after: TimeDelta::hours(20),
            tolerance: TimeDelta::minutes(15),
        };
        let spec = spec(Table::OrganizationSummaryCache);
        let (now, zone) = (NOON.parse().unwrap(), chrono_tz::UTC);
        let freshness = Freshness { spec, limits, zone, now, stamps: &stamps, fingerprint: String::new() };
        let night = "2026-03-16T07:10:00Z".parse().unwrap();
        let spares = |scope: RefreshScope, row: &ExistingRow, overtaken: &dyn Fn(DateTime<Utc>) -> bool| {
            scope.spares(row, &freshness, night, overtaken)
        };
        // The passing of time changed payloads at six in the morning.
        let overtaken =
            |generated: DateTime<Utc>| generated < "2026-03-15T06:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for (stamp, due, expiring) in [
            ("2026-03-15 11:00:00.000000", true, true),
            ("2026-03-15 07:09:00.000000", true, false),
            ("2026-03-15 05:00:00.000000", true, false),
            ("2026-03-14 15:00:00.000000", false, false),
            ("2026-03-14 11:00:00.000000", false, false),
        ] {
            let row = row(stamp);
            assert_eq!(spares(RefreshScope::Due, &row, &overtaken), due, "{stamp}");
            assert_eq!(spares(RefreshScope::Expiring, &row, &overtaken), expiring, "{stamp}");
            assert!(!spares(RefreshScope::Every, &row, &overtaken), "{stamp}");
            assert!(!spares(RefreshScope::Thorough, &row, &overtaken), "{stamp}");
            let unfit = ExistingRow { valid: false, ..row };
            assert!(!spares(RefreshScope::Due, &unfit, &|_| false));
            assert!(!spares(RefreshScope::Expiring, &unfit, &|_| false));
        }
        let row = row("2026-03-15 11:00:00.000000");
        assert!(!spares(RefreshScope::Expiring, &row, &|_| true), "overtaken by the clock");
    }
}
