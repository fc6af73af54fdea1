//! How much of a table a run regenerates.

use cached_proto::words::Trigger;
use chrono::{DateTime, Utc};

use crate::snapshot::{ExistingRow, ReadDepth};
use crate::store::Freshness;

/// How much of a table a run regenerates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshScope {
    /// Only entries that are missing, unfit or no longer young.
    Due,
    /// Only entries that are missing, unfit, outdated by the passing of time, or pass their age limit before
    /// an instant.
    Expiring {
        /// The instant: by then another run will have renewed the others.
        before: DateTime<Utc>,
    },
    /// Every entry; a table whose inputs have not changed is stamped without being computed.
    Every,
    /// Every entry, computed and compared byte for byte.
    Thorough,
}

impl RefreshScope {
    /// The scope of a run. A scheduled run computes and compares everything: a figure that was changed in
    /// place is corrected by the next night at the latest. A run of the watch regenerates what depends on a
    /// changed source. Manual runs follow the rule of VMS's own scripts, which leaves young entries alone,
    /// unless they are forced.
    pub fn of(
        trigger: Trigger,
        force: bool,
        renew_before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        match trigger {
            _ if force => Self::Thorough,
            Trigger::Schedule | Trigger::CatchUp => Self::Thorough,
            Trigger::Watch => Self::Every,
            Trigger::Manual | Trigger::Startup => Self::Due,
            Trigger::TopUp => Self::Expiring { before: renew_before.unwrap_or(now) },
        }
    }

    /// The scope for a table whose entries may be young and yet be generated from another source than the
    /// recorded one: the table was held back or failed, or an attempt was interrupted before it could record
    /// what it had written. A run that left such entries alone would end well without having shown that the
    /// table can be refreshed again.
    pub const fn widened(self) -> Self {
        match self {
            Self::Due | Self::Expiring { .. } => Self::Every,
            Self::Every | Self::Thorough => self,
        }
    }

    /// How closely existing rows have to be read: a row that is left alone, or stamped without being
    /// computed, must be one that its reader accepts.
    pub const fn read_depth(self) -> ReadDepth<'static> {
        match self {
            Self::Due | Self::Expiring { .. } | Self::Every => ReadDepth::Shape,
            Self::Thorough => ReadDepth::Stamps,
        }
    }

    /// Whether a row is left alone. `overtaken` returns whether the passing of time alone has changed
    /// payloads since an instant.
    pub fn spares(
        self,
        row: &ExistingRow,
        freshness: &Freshness<'_>,
        overtaken: &dyn Fn(DateTime<Utc>) -> bool,
    ) -> bool {
        match self {
            Self::Due => freshness.is_young(row),
            Self::Expiring { before } => {
                freshness.lasts(row, before) && !freshness.generated(row).is_some_and(overtaken)
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
    fn each_trigger_has_its_effort() {
        let (noon, night) = (NOON.parse().unwrap(), "2026-03-16T07:10:00Z");
        for (trigger, force, renew_before, expected) in [
            (Trigger::Schedule, false, None, RefreshScope::Thorough),
            (Trigger::CatchUp, false, None, RefreshScope::Thorough),
            (Trigger::Watch, false, None, RefreshScope::Every),
            (Trigger::Manual, false, None, RefreshScope::Due),
            (Trigger::Startup, false, None, RefreshScope::Due),
            (Trigger::Manual, true, None, RefreshScope::Thorough),
            (Trigger::TopUp, false, Some(night), RefreshScope::Expiring { before: night.parse().unwrap() }),
            (Trigger::TopUp, false, None, RefreshScope::Expiring { before: noon }),
        ] {
            let renew_before = renew_before.map(|at: &str| at.parse().unwrap());
            assert_eq!(RefreshScope::of(trigger, force, renew_before, noon), expected, "{trigger}");
        }
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
        let night = RefreshScope::Expiring { before: "2026-03-16T07:10:00Z".parse().unwrap() };
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
            assert_eq!(RefreshScope::Due.spares(&row, &freshness, &overtaken), due, "{stamp}");
            assert_eq!(night.spares(&row, &freshness, &overtaken), expiring, "{stamp}");
            assert!(!RefreshScope::Every.spares(&row, &freshness, &overtaken), "{stamp}");
            assert!(!RefreshScope::Thorough.spares(&row, &freshness, &overtaken), "{stamp}");
            let unfit = ExistingRow { valid: false, ..row };
            assert!(!RefreshScope::Due.spares(&unfit, &freshness, &|_| false));
            assert!(!night.spares(&unfit, &freshness, &|_| false));
        }
        let row = row("2026-03-15 11:00:00.000000");
        assert!(!night.spares(&row, &freshness, &|_| true), "overtaken by the clock");
    }
}
