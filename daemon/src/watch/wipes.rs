//! Detects a second refresher: another process that empties cache tables at the same hour on several days, or
//! rewrites their rows in bulk at any hour.

use std::collections::{BTreeMap, BTreeSet};

use cached_proto::words::Table;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::state::{Rewrite, State, StateError, Wipe};
use crate::vms::tables::{Habit, spec};

/// How many days are examined; a second refresher that was switched off is no longer reported after them.
const DAYS: TimeDelta = TimeDelta::days(3);

/// For how long a bulk rewrite counts after it was found. One is enough: no page view does that.
const RECENT: TimeDelta = TimeDelta::days(1);

/// Another process that seems to refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondRefresher {
    /// It wiped tables at the same hour on at least two days.
    Wipes {
        /// The civil hour in the schedule's zone, 0 to 23.
        hour: u32,
        /// The number of days.
        days: usize,
        /// The emptied tables.
        tables: Vec<Table>,
    },
    /// It rewrote rows in bulk within the last day.
    Rewrites {
        /// When it last did.
        last: DateTime<Utc>,
        /// The tables, with the number of rows that were rewritten at once the last time.
        tables: BTreeMap<Table, u64>,
    },
}

/// Returns the second refreshers of the last days: those that rewrite rows, and those that wipe tables, by hour
/// in the schedule's zone.
pub async fn second_refreshers(
    state: &State,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<SecondRefresher>, StateError> {
    let today = now.with_timezone(&zone).date_naive();
    let mut found: Vec<_> = rewriting(&state.rewrites(now - RECENT).await?).into_iter().collect();
    found.extend(repeated(&state.wipes(today - DAYS).await?));
    Ok(found)
}

/// Sums up `rewrites`, oldest first.
fn rewriting(rewrites: &[Rewrite]) -> Option<SecondRefresher> {
    let last = rewrites.last()?.at;
    let tables = rewrites.iter().map(|rewrite| (rewrite.table, rewrite.rows)).collect();
    Some(SecondRefresher::Rewrites { last, tables })
}

/// Groups `wipes` that repeat at the same hour.
pub fn repeated(wipes: &[Wipe]) -> Vec<SecondRefresher> {
    let mut hours: BTreeMap<u32, BTreeMap<Table, BTreeSet<NaiveDate>>> = BTreeMap::new();
    for wipe in wipes {
        hours.entry(wipe.hour).or_default().entry(wipe.table).or_default().insert(wipe.day);
    }
    let second = |(hour, mut tables): (u32, BTreeMap<Table, BTreeSet<NaiveDate>>)| {
        tables.retain(|_, days| days.len() > 1);
        let days = tables.values().map(BTreeSet::len).max()?;
        Some(SecondRefresher::Wipes { hour, days, tables: tables.into_keys().collect() })
    };
    hours.into_iter().filter_map(second).collect()
}

impl SecondRefresher {
    /// Describes the finding in one line, with the names that its reader knows tables by.
    pub fn message(&self, name: impl Fn(Table) -> &'static str) -> String {
        match self {
            Self::Wipes { hour, days, tables } => {
                let tables: Vec<&str> = tables.iter().map(|table| name(*table)).collect();
                format!(
                    "another process empties cache tables between {hour:02}:00 and {hour:02}:59 (on {days} of the last \
                     days): {}",
                    tables.join(", ")
                )
            }
            Self::Rewrites { last, tables } => {
                let tables: Vec<String> =
                    tables.iter().map(|(table, rows)| format!("{} ({rows} rows)", name(*table))).collect();
                format!(
                    "another process rewrites cache rows in bulk, last at {}: {}",
                    last.format("%F %T UTC"),
                    tables.join(", ")
                )
            }
        }
    }

    /// What the operator should do about it.
    pub fn hint(&self) -> &'static str {
        let Self::Wipes { tables, .. } = self else {
            return "if a second cached with its own state works on this database, stop it: the two only \
                    repeat each other's work; this reason disappears a day after the last such write";
        };
        if tables.iter().any(|&table| !spec(table).has(Habit::Empties)) {
            "VMS's imports do that; the deleted entries are refilled, but set schedule.refresh_time to an hour after \
             the import to avoid computing them twice"
        } else {
            "switch VMS's own refresher off: the cron line of pythonanywhere_cache_manager.py, or the scheduler \
             that `python app.py` starts with FLASK_ENV=production"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Table::{DiaEventsReportCache as Dia, RecruitmentCandidatesCache as Recruitment};

    fn wipe(day: u32, hour: u32, table: Table) -> Wipe {
        Wipe { day: NaiveDate::from_ymd_opt(2026, 3, day).unwrap(), hour, table }
    }

    #[test]
    fn only_the_same_hour_on_two_days_is_a_second_refresher() {
        let twice = vec![SecondRefresher::Wipes { hour: 3, days: 2, tables: vec![Recruitment] }];
        for (what, wipes, expected) in [
            ("once", vec![wipe(1, 3, Recruitment)], vec![]),
            ("two tables, one day", vec![wipe(1, 3, Recruitment), wipe(1, 3, Dia)], vec![]),
            ("two hours", vec![wipe(1, 3, Recruitment), wipe(2, 4, Recruitment)], vec![]),
            ("two days", vec![wipe(1, 3, Recruitment), wipe(2, 3, Recruitment)], twice.clone()),
            (
                "another table on one of them",
                vec![wipe(1, 3, Recruitment), wipe(2, 3, Recruitment), wipe(2, 3, Dia)],
                twice,
            ),
        ] {
            assert_eq!(repeated(&wipes), expected, "{what}");
        }
    }

    #[test]
    fn the_hint_depends_on_the_wiped_tables() {
        let of = |tables| SecondRefresher::Wipes { hour: 3, days: 2, tables };
        // Whether an import deletes enough rows to count depends on how many years a table holds.
        for table in [
            Dia,
            Table::OrganizationDetailCache,
            Table::OrganizationSummaryCache,
            Table::RecentVolunteersReportCache,
            Table::VirtualSessionDistrictCache,
        ] {
            assert!(of(vec![table, Recruitment]).hint().contains("import"), "{table}");
        }
        assert!(of(vec![Table::DistrictYearEndReports, Recruitment]).hint().contains("switch"));
        let message = of(vec![Recruitment]).message(Table::as_str);
        assert!(message.contains("03:00") && message.contains("recruitment_candidates_cache"), "{message}");
    }
}
