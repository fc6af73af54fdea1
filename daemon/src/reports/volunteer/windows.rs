//! The windows of the recent volunteers report, the keys of their rows, and which rows have expired.
//!
//! VMS's page, opened without parameters, requests the 365 days up to now, UTC, and finds its row by the
//! dates of the two ends; they change at UTC midnight. A run therefore also builds tomorrow's rows, so that
//! the page still finds them after midnight.

use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::reports::ReportSettings;
use crate::reports::boundaries::next_utc_midnight;
use crate::reports::year::{SchoolYear, Window};
use crate::snapshot::{ExistingRow, Snapshot};
use crate::vms::tables::{Key, KeyValue, Table};

/// Length of the default window.
const DEFAULT_WINDOW: TimeDelta = TimeDelta::days(365);

/// A window that has rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecentWindow {
    span: Span,
    pub(super) bounds: Window,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    Year(SchoolYear),
    Days { from: NaiveDate, to: NaiveDate },
}

impl RecentWindow {
    fn year(year: SchoolYear) -> Self {
        Self { span: Span::Year(year), bounds: year.window() }
    }

    fn ending(to: NaiveDateTime) -> Self {
        let from = to - DEFAULT_WINDOW;
        Self { span: Span::Days { from: from.date(), to: to.date() }, bounds: Window::new(from, to) }
    }

    /// Returns the key of the window's row for `event_types`; rows with a title filter belong to VMS.
    pub(super) fn key(&self, event_types: &str) -> Key {
        let [year, from, to] = match &self.span {
            Span::Year(year) => [year.key().into(), KeyValue::Null, KeyValue::Null],
            Span::Days { from, to } => [KeyValue::Null, from.to_string().into(), to.to_string().into()],
        };
        Key(vec![year, from, to, event_types.into(), KeyValue::Null])
    }
}

impl fmt::Display for RecentWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Span::Year(year) => f.write_str(&year.key()),
            Span::Days { from, to } => write!(f, "{from}..{to}"),
        }
    }
}

/// Returns the windows at `now`: today's default, tomorrow's (which ends at the same time of day), and the
/// school years: previous, current, and those that already have rows.
pub(super) fn recent_windows(
    snapshot: &Snapshot,
    settings: &ReportSettings,
    now: DateTime<Utc>,
) -> Vec<RecentWindow> {
    let owned = snapshot.owned(Table::RecentVolunteersReportCache).filter_map(|key| key.text(0));
    let years = SchoolYear::kept(now, settings.zone, false, owned);
    let days = [now, now + TimeDelta::days(1)].map(|end| RecentWindow::ending(end.naive_utc()));
    days.into_iter().chain(years.into_iter().map(RecentWindow::year)).collect()
}

/// Returns when the windows change next: daily, and with the school year.
pub(super) fn turn(settings: &ReportSettings, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    [next_utc_midnight(after), SchoolYear::turns(after, settings.zone)].into_iter().flatten().min()
}

/// Returns the keys of default windows that ended more than `keep_days` before `today`, other than those in
/// `kept`. VMS's page no longer reads them, and VMS itself never deletes them: 35 rows a day.
pub(super) fn expired(
    existing: &[ExistingRow],
    today: NaiveDate,
    keep_days: i64,
    kept: &HashSet<Key>,
) -> Vec<Key> {
    let oldest_kept = TimeDelta::try_days(keep_days).and_then(|days| today.checked_sub_signed(days));
    let is_expired = |key: &Key| {
        let date = |position| key.text(position)?.parse::<NaiveDate>().ok();
        matches!((key.get(0), key.get(4)), (Some(KeyValue::Null), Some(KeyValue::Null)))
            && matches!((date(1), date(2), oldest_kept), (Some(from), Some(to), Some(oldest))
                if to - from == DEFAULT_WINDOW && to < oldest)
    };
    let mut seen = HashSet::new();
    existing
        .iter()
        .map(|row| &row.key)
        .filter(|key| is_expired(key) && !kept.contains(*key) && seen.insert(*key))
        .cloned()
        .collect()
}
