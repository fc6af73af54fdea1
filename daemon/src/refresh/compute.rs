//! The computing half of a refresh, which runs on blocking threads: the inputs of a table, the fingerprint of all that
//! its payloads depend on, and the building of its groups.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use twox_hash::XxHash3_128;

use super::source::forgotten;
use super::{RefreshError, TableGuard};
use crate::clock::Clock;
use crate::describe::panic_message;
use crate::jobs::RefreshScope;
use crate::reports::{Context, Report, ReportSettings};
use crate::snapshot::{ExistingRow, KeyIndex, ReadDepth, Snapshot};
use crate::store::{AgeLimits, Freshness, SerializedEntry, SerializedGroup, Stamps, serialize};
use crate::vms::tables::{Key, spec};

/// Entries stamped in one transaction.
const BATCH: usize = 1000;

/// The inputs of a table's refresh.
#[derive(Clone)]
pub struct TableRefresh {
    /// The table.
    pub table: Table,
    /// The report that fills it.
    pub report: &'static dyn Report,
    /// The source.
    pub snapshot: Arc<Snapshot>,
    /// Settings of the reports.
    pub settings: Arc<ReportSettings>,
    /// How old entries may be.
    pub limits: AgeLimits,
    /// The instant that entries are stamped with.
    pub now: DateTime<Utc>,
    /// How much of the table is regenerated.
    pub scope: RefreshScope,
    /// For a top-up: entries that last until this instant are left alone.
    pub renew_before: DateTime<Utc>,
    /// Identity of this process: generations of another one are not trusted, since it may be another version.
    pub process: u64,
    /// Cancelled when the refresh is to be stopped; checked between groups.
    pub cancel: CancellationToken,
    /// Guard of its lists; `None` if any loss is allowed.
    pub guard: Option<TableGuard>,
    /// Which of its entries are written.
    pub selection: Selection,
}

/// Which entries of a table are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All except these, which VMS may be computing at the moment.
    AllBut(HashSet<Key>),
    /// Only these, which VMS wrote while they were computed.
    Only(HashSet<Key>),
}

impl Selection {
    /// Every entry.
    pub fn all() -> Self {
        Self::AllBut(HashSet::new())
    }

    /// Removes the entries of a group that are not written; returns how many of the report are left alone.
    pub(super) fn apply(&self, group: &mut SerializedGroup) -> usize {
        let entries = group.entries.len();
        match self {
            Self::AllBut(left) => {
                group.entries.retain(|entry| !left.contains(&entry.key));
                entries - group.entries.len()
            }
            Self::Only(wanted) => {
                group.entries.retain(|entry| wanted.contains(&entry.key));
                group.retire.clear();
                0
            }
        }
    }
}

impl TableRefresh {
    /// The inputs of its report.
    pub(super) fn context(&self) -> Context<'_> {
        Context::new(&self.snapshot, &self.settings, self.now)
    }

    /// The freshness criteria for its rows, which were last recorded as `stamps`.
    pub(super) fn freshness<'a>(&self, stamps: &'a Stamps) -> Freshness<'a> {
        Freshness {
            spec: spec(self.table),
            limits: self.limits,
            zone: self.settings.zone,
            now: self.now,
            stamps,
            fingerprint: self.settings.fingerprint(self.table),
        }
    }

    /// Whether the passing of time alone has changed payloads since `generated`.
    pub(super) fn overtaken(&self, generated: DateTime<Utc>) -> bool {
        let then = Context { now: generated, ..self.context() };
        self.report.next_payloads(then).is_some_and(|changed| changed <= self.now)
    }
}

impl RefreshScope {
    /// The scope for a table whose entries may be young but were generated from another source than the
    /// recorded one: the table was held back or failed, or an attempt was interrupted before it could record
    /// what it had written. A run that skipped such entries would end well without having shown that the
    /// table can be refreshed again.
    pub fn widened(self) -> Self {
        self.max(Self::Every)
    }

    /// How closely existing rows have to be read: a row that is skipped, or stamped without being
    /// computed, must be one that its reader accepts.
    pub const fn read_depth(self) -> ReadDepth<'static> {
        match self {
            Self::Due | Self::Expiring | Self::Every => ReadDepth::Shape,
            Self::Thorough => ReadDepth::Stamps,
        }
    }

    /// Whether a row is skipped. Rows that expire are those that do not last until `renew_before`, when
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

/// Time spent on a table, by step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Computing payloads.
    pub build: Duration,
    /// Serializing them.
    pub serialize: Duration,
    /// Comparing and writing.
    pub write: Duration,
}

/// The state of a table before its first entry is computed.
pub(super) struct Prepared {
    /// The inputs of its payloads.
    pub(super) inputs: Inputs,
    /// Rows that are skipped, by id.
    pub(super) spared: HashSet<i64>,
    /// Keys whose stamp is to be deleted once the table is complete.
    pub(super) forgotten: Vec<String>,
    /// Its rows by key.
    pub(super) index: KeyIndex,
    /// Its entries by year, which the guard judges.
    pub(super) years: BTreeMap<String, YearEntries>,
}

/// Prepares a table.
pub(super) fn prepare(job: &TableRefresh, stamps: &Stamps) -> Prepared {
    let inputs = inputs(job, stamps);
    let rows = job.snapshot.existing(job.table);
    let freshness = job.freshness(stamps);
    let overtaken = |generated| job.overtaken(generated);
    let spared = rows.iter().filter(|row| job.scope.spares(row, &freshness, job.renew_before, &overtaken));
    let index = KeyIndex::of(rows);
    let expected: HashSet<&Key> = inputs.keys().iter().collect();
    Prepared {
        years: entries_by_year(job, &index, &expected, &freshness),
        index,
        spared: spared.map(|row| row.id).collect(),
        forgotten: forgotten(stamps, inputs.keys(), rows),
        inputs,
    }
}

/// The entries of one year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct YearEntries {
    /// Entries that were recorded under the current settings and still have a row.
    pub(super) before: u64,
    /// Those among them that are still expected.
    pub(super) after: u64,
}

/// Counts the entries of each year that a table's key names. Other keys do not count: rows of windows and of
/// events expire by themselves. `expected` are the keys of the report at the instant of the run.
fn entries_by_year(
    job: &TableRefresh,
    index: &KeyIndex,
    expected: &HashSet<&Key>,
    freshness: &Freshness<'_>,
) -> BTreeMap<String, YearEntries> {
    let mut years: BTreeMap<String, YearEntries> = BTreeMap::new();
    let rows = job.snapshot.existing(job.table);
    for key in index.keys(rows).filter(|key| freshness.is_known_and_current(key)) {
        if let Some(year) = year_of(key, job) {
            let entries = years.entry(year.to_owned()).or_default();
            entries.before += 1;
            entries.after += u64::from(expected.contains(key));
        }
    }
    years
}

/// The year that a key names; `None` where the table's keys name none, or this row's is of a window of days.
pub(super) fn year_of<'k>(key: &'k Key, job: &TableRefresh) -> Option<&'k str> {
    spec(job.table).has_years.then(|| key.text(0))?
}

/// The fingerprint of everything that the payloads of a table depend on, by which an unchanged table is recognised
/// without computing it.
///
/// Only generations of this process are trusted: another process may have been another version,
/// whose report had a fault, and a table whose source never changes would keep its figures forever. The
/// first run of a process that regenerates a table whole therefore computes and compares every entry.
pub(super) struct Inputs {
    /// A hash over the process, the source, the settings, the keys, the clock, and the rows that do not
    /// belong to the report.
    pub(super) hash: String,
    /// Whether every row of the report exists and is unchanged since the daemon wrote it.
    pub(super) all_ours: bool,
    keys: Vec<Key>,
}

/// Computes the current fingerprint of the table.
fn inputs(job: &TableRefresh, stamps: &Stamps) -> Inputs {
    let report = job.report;
    let keys = report.keys(job.context());
    let mut hasher = XxHash3_128::new();
    let mut add = |text: &str| {
        hasher.write(&text.len().to_le_bytes());
        hasher.write(text.as_bytes());
    };
    add(&format!("{:016x}", job.process));
    add(&job.settings.fingerprint(job.table));
    add(&report.clock(job.context()));
    for source in report.sources() {
        let hash = job.snapshot.sources.get(source).map_or(0, |facts| facts.hash);
        add(&format!("{source:?} {hash:032x}"));
    }
    for key in &keys {
        add(&key.to_string());
    }
    let wanted: HashSet<&Key> = keys.iter().collect();
    let mut ours = HashSet::with_capacity(keys.len());
    for row in job.snapshot.existing(job.table) {
        // A row of another key, or a second one of the same, may be one that the report retires.
        let first = wanted.contains(&row.key) && ours.insert(&row.key);
        // A row that its reader would reject is to be replaced, whatever damaged it, even if its stamp
        // is unchanged.
        if !(first && stamps.is_ours(row) && row.valid && row.complete) {
            add(&format!("{} {} {:?}", row.key, row.id, row.last_updated));
            ours.remove(&row.key);
        }
    }
    let all_ours = ours.len() == keys.len();
    Inputs { hash: format!("{:032x}", hasher.finish_128()), all_ours, keys }
}

impl Inputs {
    /// The keys of the report.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The entries without payload, in batches: rows to be stamped.
    pub(super) fn rows(self) -> impl Iterator<Item = SerializedGroup> {
        let mut keys = self.keys.into_iter();
        std::iter::from_fn(move || {
            let batch: Vec<SerializedEntry> =
                keys.by_ref().take(BATCH).map(|key| SerializedEntry { key, columns: Vec::new() }).collect();
            (!batch.is_empty()).then(|| SerializedGroup {
                name: "unchanged".to_owned(),
                entries: batch,
                retire: Vec::new(),
            })
        })
    }
}

/// Builds and serializes group after group until the receiver is closed.
pub(super) fn build(
    job: &TableRefresh,
    clock: &dyn Clock,
    groups: &mpsc::Sender<SerializedGroup>,
) -> Result<Timings, RefreshError> {
    let mut timings = Timings::default();
    let mut began = clock.monotonic();
    for group in job.report.build(job.context()) {
        let ready = clock.monotonic();
        timings.build += ready.saturating_sub(began);
        let group = serialize(spec(job.table), &group)?;
        timings.serialize += clock.monotonic().saturating_sub(ready);
        if groups.blocking_send(group).is_err() {
            break;
        }
        began = clock.monotonic();
    }
    Ok(timings)
}

/// Calls reports on a blocking thread, so that the other tasks of the runtime continue, and turns a panic into
/// an error.
pub(crate) async fn off_thread<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RefreshError> {
    tokio::task::spawn_blocking(call).await.map_err(panicked)
}

/// The error of a report that was called on a blocking thread.
pub(super) fn panicked(error: JoinError) -> RefreshError {
    let message = error.try_into_panic().map(|payload| panic_message(payload.as_ref()));
    RefreshError::Panicked(message.unwrap_or_else(|_| "no message".to_owned()))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error_with_its_message() {
        assert_eq!(off_thread(|| 7).await.unwrap(), 7);
        let broken = || -> () { panic!("index {} out of bounds", 3) };
        let error = off_thread(broken).await.unwrap_err();
        assert!(error.to_string().contains("index 3 out of bounds"));
        let broken = || -> () { std::panic::panic_any(3) };
        assert!(off_thread(broken).await.unwrap_err().to_string().contains("no message"));
    }

    const NOON: &str = "2026-03-15T12:00:00Z";

    fn row(stamp: &str) -> ExistingRow {
        let (key, last_updated) = (Key(Vec::new()), Some(stamp.to_owned()));
        ExistingRow { id: 1, key, last_updated, valid: true, complete: true, bytes: 0 }
    }

    #[test]
    fn each_scope_skips_the_rows_that_its_rule_names() {
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
        assert!(
            !spares(RefreshScope::Expiring, &row, &|_| true),
            "the passing of time has changed its payload"
        );
    }
}
