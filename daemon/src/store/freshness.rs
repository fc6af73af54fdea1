//! Age limits of rows, and the interpretation of their stamps.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::civil::first_instant;
use crate::snapshot::ExistingRow;
use crate::state::EntryStamp;
use crate::vms::tables::{Key, StampZone, TableSpec};
use crate::vms::time;

/// A stamp further in the future than this is wrong, and not merely from a clock that is slightly fast.
const TOLERATED_FUTURE: TimeDelta = TimeDelta::minutes(5);

/// Age limits of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeLimits {
    /// Age from which a row is stale, whatever VMS's reader accepts.
    pub max_age: TimeDelta,
    /// Below this age a manual refresh leaves a row alone unless forced.
    pub refresh_after: TimeDelta,
    /// How long a row may be past its limit before it is renewed ahead of the next scheduled run.
    pub tolerance: TimeDelta,
}

impl AgeLimits {
    /// Age from which rows of a table are stale: the limit of its reader or `max_age`, whichever is lower.
    pub fn stale_after(&self, spec: &TableSpec) -> TimeDelta {
        let reader = spec.reader_limit_hours.map(|hours| TimeDelta::hours(hours.into()));
        reader.map_or(self.max_age, |limit| limit.min(self.max_age))
    }
}

/// The last recorded state of each row, by the text of its key.
#[derive(Debug, Clone, Default)]
pub struct Stamps(pub HashMap<String, EntryStamp>);

impl Stamps {
    /// Whether a row is unchanged since the daemon wrote it.
    pub fn is_ours(&self, row: &ExistingRow) -> bool {
        self.fingerprint(&row.key, row).is_some()
    }

    /// Whether a row is unchanged since it was last recorded, whichever process wrote it.
    pub fn is_as_left(&self, row: &ExistingRow) -> bool {
        self.left(&row.key, row).is_some()
    }

    /// Whether a row of this key has been recorded before, whatever has happened to it since.
    pub fn is_known(&self, key: &Key) -> bool {
        self.0.contains_key(&key.to_string())
    }

    /// The recorded rows that no longer exist, by the text of their key.
    pub fn gone(&self, rows: &[ExistingRow]) -> Vec<&str> {
        let there: HashSet<String> = rows.iter().map(|row| row.key.to_string()).collect();
        self.0.keys().filter(|key| !there.contains(*key)).map(String::as_str).collect()
    }

    /// Whether another process has wiped the table, even if new rows have replaced the recorded ones.
    pub fn is_wiped(&self, rows: &[ExistingRow]) -> bool {
        let there: HashSet<(String, i64)> = rows.iter().map(|row| (row.key.to_string(), row.id)).collect();
        let lost = self.0.iter().filter(|(key, left)| !there.contains(&((*key).clone(), left.row_id)));
        self.is_wipe(lost.count())
    }

    /// Whether the loss of `lost` rows at once empties the table, or takes more of it than a page view does.
    /// A table may have only one row.
    pub fn is_wipe(&self, lost: usize) -> bool {
        let left = self.0.len();
        lost > 0 && (lost == left || (lost > 1 && lost * 4 >= left))
    }

    /// The settings fingerprint of a row, if the row is unchanged since the daemon wrote it.
    fn fingerprint(&self, key: &Key, row: &ExistingRow) -> Option<&str> {
        self.left(key, row)?.fingerprint.as_deref()
    }

    fn left(&self, key: &Key, row: &ExistingRow) -> Option<&EntryStamp> {
        let left = self.0.get(&key.to_string())?;
        let untouched = left.row_id == row.id && Some(&left.last_updated) == row.last_updated.as_ref();
        untouched.then_some(left)
    }
}

/// The criteria by which the rows of one table are judged young, fresh or stale.
#[derive(Debug, Clone)]
pub struct Freshness<'a> {
    /// The table.
    pub spec: &'a TableSpec,
    /// The age limits.
    pub limits: AgeLimits,
    /// The zone of local stamps.
    pub zone: Tz,
    /// The instant at which rows are judged.
    pub now: DateTime<Utc>,
    /// The last recorded state of the rows.
    pub stamps: &'a Stamps,
    /// The fingerprint of the current settings.
    pub fingerprint: String,
}

impl Freshness<'_> {
    /// When a row was generated; `None` when its stamp is missing or unreadable.
    pub fn generated(&self, row: &ExistingRow) -> Option<DateTime<Utc>> {
        let naive = time::parse(row.last_updated.as_deref()?)?;
        // A stamp of VMS's is read as local time if it lies in the future as UTC. The daemon's own rows carry
        // UTC, and lie in the future when the clock was set back.
        let local = || first_instant(naive, self.zone).0;
        Some(match self.spec.stamps {
            StampZone::UtcOrLocal if !self.stamps.is_ours(row) => {
                let utc = naive.and_utc();
                if utc > self.now + TOLERATED_FUTURE { local() } else { utc }
            }
            StampZone::Utc | StampZone::UtcOrLocal => naive.and_utc(),
            StampZone::Local => local(),
        })
    }

    /// Whether a row is young enough to be served: below the limits of its reader and of the daemon, not
    /// stamped in the future, and not generated under other settings.
    pub fn is_fresh(&self, row: &ExistingRow) -> bool {
        self.is_younger_than(row, self.limits.stale_after(self.spec))
    }

    /// Whether a row can be served now and will still be below its age limit at `until`.
    pub fn lasts(&self, row: &ExistingRow, until: DateTime<Utc>) -> bool {
        let expires =
            self.generated(row).and_then(|at| at.checked_add_signed(self.limits.stale_after(self.spec)));
        row.valid && row.complete && self.is_fresh(row) && expires.is_some_and(|at| at > until)
    }

    /// Whether a manual refresh may leave a row alone. A stale row is never young, however low the limit.
    pub fn is_young(&self, row: &ExistingRow) -> bool {
        let limit = self.limits.refresh_after.min(self.limits.stale_after(self.spec));
        row.valid && row.complete && self.is_younger_than(row, limit)
    }

    /// Whether VMS's reader would accept a row: it applies its own age limit, or none, and does not know the
    /// daemon's.
    pub fn is_accepted(&self, row: &ExistingRow) -> bool {
        let within = |hours: u32| {
            self.generated(row).is_some_and(|generated| self.now - generated < TimeDelta::hours(hours.into()))
        };
        row.valid && row.complete && self.spec.reader_limit_hours.is_none_or(within)
    }

    /// Whether a row is unchanged since the daemon wrote it, and was generated under the current settings.
    pub fn is_ours_and_current(&self, row: &ExistingRow) -> bool {
        self.stamps.fingerprint(&row.key, row) == Some(self.fingerprint.as_str())
    }

    /// Whether a row of this key has been recorded before, whatever has happened to it since, and not under
    /// other settings.
    pub fn is_known_and_current(&self, key: &Key) -> bool {
        let left = self.stamps.0.get(&key.to_string());
        left.is_some_and(|left| left.fingerprint.as_ref().is_none_or(|made| *made == self.fingerprint))
    }

    /// Whether a row is unchanged since the daemon wrote it, and was generated under other settings or
    /// invalidated.
    pub fn is_outdated(&self, row: &ExistingRow) -> bool {
        self.stamps.fingerprint(&row.key, row).is_some_and(|made| made != self.fingerprint)
    }

    /// Whether a stale row has passed its limit so recently that a scheduled run is about to renew it.
    pub fn is_tolerated(&self, row: &ExistingRow) -> bool {
        self.is_younger_than(row, self.limits.stale_after(self.spec) + self.limits.tolerance)
    }

    fn is_younger_than(&self, row: &ExistingRow, limit: TimeDelta) -> bool {
        let Some(generated) = self.generated(row) else { return false };
        let age = self.now - generated;
        age < limit && age >= -TOLERATED_FUTURE && !self.is_outdated(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vms::tables::{Table, spec};

    fn row(last_updated: &str) -> ExistingRow {
        let last_updated = Some(last_updated.to_owned());
        ExistingRow { last_updated, ..ExistingRow::of(7, Key(vec!["2526".into()])) }
    }

    fn is_fresh(table: Table, stamp: &str, stamps: &Stamps) -> bool {
        let limits = AgeLimits {
            max_age: TimeDelta::hours(24),
            refresh_after: TimeDelta::hours(20),
            tolerance: TimeDelta::minutes(15),
        };
        let now = "2026-03-15T12:00:00Z".parse().unwrap();
        let zone = chrono_tz::America::Chicago;
        Freshness { spec: spec(table), limits, zone, now, stamps, fingerprint: "now".into() }
            .is_fresh(&row(stamp))
    }

    #[test]
    fn age_is_computed_in_the_time_zone_of_the_table() {
        for (table, stamp, fresh) in [
            (Table::OrganizationSummaryCache, "2026-03-14 12:00:00.000000", false),
            (Table::OrganizationSummaryCache, "2026-03-14 12:00:00.000001", true),
            (Table::OrganizationSummaryCache, "2026-03-15 12:05:00.000000", true),
            (Table::OrganizationSummaryCache, "2026-03-15 12:05:00.000001", false),
            (Table::OrganizationSummaryCache, "yesterday", false),
            // Chicago is five hours behind on that day.
            (Table::FirstTimeVolunteerReportCache, "2026-03-15 07:00:00.000000", true),
            (Table::FirstTimeVolunteerReportCache, "2026-03-14 07:00:00.000000", false),
            (Table::FirstTimeVolunteerReportCache, "2026-03-15 12:00:00.000000", false),
        ] {
            assert_eq!(is_fresh(table, stamp, &Stamps::default()), fresh, "{table} {stamp}");
        }
    }

    #[test]
    fn a_local_stamp_inside_a_clock_change_means_the_instant_at_which_a_slot_of_that_time_fires() {
        let stamps = Stamps::default();
        let limits = AgeLimits {
            max_age: TimeDelta::hours(24),
            refresh_after: TimeDelta::hours(20),
            tolerance: TimeDelta::minutes(15),
        };
        let (spec, zone) = (spec(Table::FirstTimeVolunteerReportCache), chrono_tz::America::Chicago);
        for (stamp, time, at) in [
            ("2026-03-08 02:10:00.000000", "02:10", "2026-03-08T08:00:00Z"),
            ("2026-11-01 01:10:00.000000", "01:10", "2026-11-01T06:10:00Z"),
            ("2026-07-01 01:10:00.000000", "01:10", "2026-07-01T06:10:00Z"),
        ] {
            let at: DateTime<Utc> = at.parse().unwrap();
            let freshness =
                Freshness { spec, limits, zone, now: at, stamps: &stamps, fingerprint: "now".into() };
            assert_eq!(freshness.generated(&row(stamp)), Some(at), "{stamp}");
            let schedule = crate::schedule::Schedule::every(time, 24, zone).unwrap();
            assert_eq!(schedule.due(at).unwrap().at, at, "{stamp}");
        }
    }

    #[test]
    fn a_row_lasts_until_its_limit_if_it_is_fit_now() {
        let stamps = Stamps::default();
        let limits = AgeLimits {
            max_age: TimeDelta::hours(24),
            refresh_after: TimeDelta::hours(20),
            tolerance: TimeDelta::minutes(15),
        };
        let now = "2026-03-15T12:00:00Z".parse().unwrap();
        let (spec, zone) = (spec(Table::OrganizationSummaryCache), chrono_tz::UTC);
        let freshness = Freshness { spec, limits, zone, now, stamps: &stamps, fingerprint: "now".into() };
        let lasts = |row: &ExistingRow, until: &str| freshness.lasts(row, until.parse().unwrap());
        let fit = row("2026-03-15 02:00:00.000000");
        assert!(lasts(&fit, "2026-03-16T01:59:59Z"));
        assert!(!lasts(&fit, "2026-03-16T02:00:00Z"));
        assert!(!lasts(&row("2026-03-14 11:00:00.000000"), "2026-03-15T12:00:00Z"), "stale already");
        assert!(!lasts(&row("never"), "2026-03-15T12:00:00Z"));
        assert!(!lasts(&ExistingRow { complete: false, ..fit.clone() }, "2026-03-15T12:00:00Z"));
        assert!(!lasts(&ExistingRow { valid: false, ..fit }, "2026-03-15T12:00:00Z"));
    }

    #[test]
    fn a_stale_row_is_never_young() {
        let now = "2026-03-15T12:00:00Z".parse().unwrap();
        let (stamps, spec) = (Stamps::default(), spec(Table::OrganizationSummaryCache));
        let is_young = |max_age, stamp: &str| {
            let limits = AgeLimits {
                max_age: TimeDelta::hours(max_age),
                refresh_after: TimeDelta::hours(20),
                tolerance: TimeDelta::minutes(15),
            };
            let zone = chrono_tz::UTC;
            Freshness { spec, limits, zone, now, stamps: &stamps, fingerprint: "now".into() }
                .is_young(&row(stamp))
        };
        for (max_age, stamp, young) in [
            (24, "2026-03-14 17:00:00.000000", true),
            (24, "2026-03-14 15:00:00.000000", false),
            (12, "2026-03-15 01:00:00.000000", true),
            (12, "2026-03-14 17:00:00.000000", false),
        ] {
            assert_eq!(is_young(max_age, stamp), young, "{max_age} {stamp}");
        }
    }

    #[test]
    fn an_entry_generated_under_other_settings_is_stale_but_a_row_of_vms_is_not() {
        let stamp = "2026-03-15 11:00:00.000000";
        let made = |id, fingerprint: &str| {
            let (last_updated, fingerprint) = (stamp.to_owned(), Some(fingerprint.to_owned()));
            Stamps(HashMap::from([(
                "2526".to_owned(),
                EntryStamp { row_id: id, last_updated, fingerprint, payload: None, inputs: None },
            )]))
        };
        assert!(is_fresh(Table::OrganizationSummaryCache, stamp, &made(7, "now")));
        assert!(!is_fresh(Table::OrganizationSummaryCache, stamp, &made(7, "before")));
        assert!(is_fresh(Table::OrganizationSummaryCache, stamp, &made(8, "before")));
    }
}
