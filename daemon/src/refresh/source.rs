//! The inputs of reports: whether VMS has the tables and columns that a report needs, the snapshot, and the recorded
//! rows that another process has deleted.
//!
//! The keys of a report depend in part on the rows that exist: a year, a name or an event that had a row
//! has one again after a wipe. Rows recorded in the state therefore count as much as existing ones. A record
//! is deleted if a complete generation does not restore its row, since no later one will.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cached_proto::words::{Outcome, Table, TableState};
use chrono::{DateTime, NaiveDateTime, Utc};

use super::{RefreshConfig, RefreshError};
use crate::reports::{REPORTS, Report, ReportSettings, report};
use crate::snapshot::{self, ExistingRow, ReadDepth, Snapshot, Source, SourceSet};
use crate::state::{EntryStamp, State, StateError};
use crate::store::Stamps;
use crate::vms::Schema;
use crate::vms::tables::{Habit, Key, spec};

/// Whether a table can be refreshed, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It can be refreshed.
    Ready,
    /// This VMS has no such table, and needs none.
    NotApplicable,
    /// This setting disables it.
    Off(&'static str),
    /// VMS's schema lacks these tables or columns.
    Disabled(Vec<String>),
}

/// Whether the configuration disables a table, whatever VMS's schema is.
pub(super) fn is_off(table: Table, settings: &ReportSettings) -> bool {
    report(table).is_some_and(|report| report.off(settings).is_some())
}

/// Determines the availability of a report's table from the configuration and VMS's schema.
pub fn availability(report: &dyn Report, schema: &Schema, settings: &ReportSettings) -> Availability {
    let table = report.table();
    if let Some(setting) = report.off(settings) {
        return Availability::Off(setting);
    }
    if spec(table).has(Habit::Drops) && !schema.has_table(table.as_str()) {
        return Availability::NotApplicable;
    }
    let mut missing = schema.missing(table.as_str(), spec(table).columns());
    for source in report.sources() {
        missing.extend(missing_of(*source, schema));
    }
    if missing.is_empty() { Availability::Ready } else { Availability::Disabled(missing) }
}

fn missing_of(source: Source, schema: &Schema) -> Vec<String> {
    schema.missing(source.table(), source.columns().iter().map(|column| column.name))
}

impl Availability {
    /// The outcome of a job on such a table; `None` when the table has to be refreshed.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Ready => None,
            Self::NotApplicable => Some(Outcome::NotApplicable),
            Self::Off(_) => Some(Outcome::Off),
            Self::Disabled(_) => Some(Outcome::Disabled),
        }
    }

    /// The state in which the table is shown; `None` when its entries determine it.
    pub fn table_state(&self) -> Option<TableState> {
        match self {
            Self::Ready => None,
            Self::NotApplicable => Some(TableState::NotApplicable),
            Self::Off(_) => Some(TableState::Off),
            Self::Disabled(_) => Some(TableState::Disabled),
        }
    }

    /// The reason, in one line; `None` when it can be refreshed.
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::NotApplicable => Some("this VMS has no such table".to_owned()),
            Self::Off(setting) => Some((*setting).to_owned()),
            Self::Disabled(missing) => {
                Some(format!("VMS's schema has changed: {} is missing", missing.join(", ")))
            }
        }
    }
}

/// Every report, with those of the configuration in place of the built-in ones.
pub(super) fn reports(config: &RefreshConfig) -> impl Iterator<Item = &'static dyn Report> {
    let reports = config.reports;
    REPORTS.iter().map(move |report| reports(report.table()).unwrap_or(*report))
}

/// Reads the rows of all tables that can be refreshed, and the sources of their keys, in one read
/// transaction.
pub(crate) async fn read_tables(
    config: &RefreshConfig,
    depth: ReadDepth<'_>,
    now: DateTime<Utc>,
) -> Result<(HashMap<Table, Availability>, Snapshot), RefreshError> {
    let reading = config.vms.using(async |vms| {
        let schema = vms.schema().await?;
        let availabilities: HashMap<Table, Availability> = reports(config)
            .map(|report| (report.table(), availability(report, &schema, &config.settings)))
            .collect();
        let ready: Vec<&dyn Report> = reports(config)
            .filter(|report| availabilities.get(&report.table()) == Some(&Availability::Ready))
            .collect();
        let sources: SourceSet = ready.iter().flat_map(|report| report.key_sources()).copied().collect();
        let tables: Vec<Table> = ready.iter().map(|report| report.table()).collect();
        Ok((availabilities, snapshot::load(vms, &sources, &tables, depth, now).await?))
    });
    reading.await
}

/// Adds the keys of deleted rows to a snapshot; returns the recorded stamps of its tables.
pub(crate) async fn recall(
    snapshot: &mut Snapshot,
    state: &State,
) -> Result<HashMap<Table, Stamps>, StateError> {
    let mut recalled = HashMap::new();
    for (&table, rows) in &snapshot.existing {
        let stamps = Stamps(state.stamps().load(table).await?);
        let gone = stamps.gone(rows).into_iter();
        snapshot.lost.insert(table, gone.filter_map(|key| Key::from_text(key, spec(table))).collect());
        recalled.insert(table, stamps);
    }
    Ok(recalled)
}

/// When each lost row that VMS may be computing at the moment was noticed.
///
/// VMS's district page looks for its row, computes for seconds if the row is missing, and then inserts it, which
/// fails and shows the reader an error if a row was restored meanwhile. It computes whenever a reader requests
/// a lost row, so the first moments after a loss are left to it. This is kept in memory only: another process
/// finds the same rows lost, and waits as long.
#[derive(Debug, Default)]
pub(super) struct Losses(Mutex<HashMap<Table, HashMap<String, LostRow>>>);

/// The row that was lost, and the monotonic time at which that was noticed.
#[derive(Debug)]
struct LostRow {
    row: EntryStamp,
    noticed: Duration,
}

impl Losses {
    /// Records the lost rows of a snapshot's tables, and forgets those that have been restored.
    pub(super) fn notice(&self, snapshot: &Snapshot, stamps: &HashMap<Table, Stamps>, now: Duration) {
        let mut losses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (&table, stamps) in stamps.iter().filter(|(table, _)| spec(**table).has(Habit::ComputesOnView)) {
            let mut before = losses.remove(&table).unwrap_or_default();
            let gone = stamps.gone(snapshot.existing(table)).into_iter();
            let lost = gone.filter_map(|key| {
                let row = stamps.0.get(key)?;
                let known = before.remove(key).filter(|known| known.row == *row);
                let loss = known.unwrap_or_else(|| LostRow { row: row.clone(), noticed: now });
                Some((key.to_owned(), loss))
            });
            let lost = lost.collect();
            losses.insert(table, lost);
        }
    }

    /// The lost rows of a table that were noticed less than `grace` before `now`, and when that time is over
    /// for all of them.
    pub(super) fn recent(&self, table: Table, grace: Duration, now: Duration) -> Recent {
        let losses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent = Recent::default();
        for (key, loss) in losses.get(&table).into_iter().flatten() {
            let left = (loss.noticed + grace).saturating_sub(now);
            if let Some(key) = Key::from_text(key, spec(table)).filter(|_| !left.is_zero()) {
                recent.keys.insert(key);
                recent.pause = recent.pause.max(left);
            }
        }
        recent
    }
}

/// Rows that were lost recently.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Recent {
    pub(super) keys: HashSet<Key>,
    /// For how much longer they are left alone.
    pub(super) pause: Duration,
}

/// Records which tables another process has wiped shortly before a scheduled run read them. The run refills
/// them, so that the watch would not detect it.
pub(super) async fn keep_wipes(
    state: &State,
    snapshot: &Snapshot,
    stamps: &HashMap<Table, Stamps>,
    at: NaiveDateTime,
) -> Result<(), StateError> {
    let wiped = stamps.iter().filter(|(table, stamps)| stamps.is_wiped(snapshot.existing(**table)));
    let wiped: Vec<Table> = wiped.map(|(&table, _)| table).collect();
    state.keep_wipes(at, &wiped).await
}

/// The keys that are known only by their stamp and that no generation fills any more.
pub(crate) fn forgotten<'k>(
    stamps: &Stamps,
    keys: impl IntoIterator<Item = &'k Key>,
    rows: &[ExistingRow],
) -> Vec<String> {
    let wanted: HashSet<String> = keys.into_iter().map(ToString::to_string).collect();
    stamps.gone(rows).into_iter().filter(|key| !wanted.contains(*key)).map(str::to_owned).collect()
}
