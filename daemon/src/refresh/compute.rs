//! What a refresh of a table works on: its inputs, the rows that it skips, the sections of its report, and which of them
//! are proved to be unchanged.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use twox_hash::XxHash3_128;

use super::TableGuard;
use super::source::forgotten;
use crate::jobs::RefreshScope;
use crate::reports::{Context, Report, ReportSettings, Section};
use crate::snapshot::{ExistingRow, KeyIndex, ReadDepth, Snapshot};
use crate::store::{AgeLimits, Existing, Freshness, SerializedEntry, SerializedGroup, Stamps};
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

    /// Whether an entry of this key may be written.
    fn has(&self, key: &Key) -> bool {
        match self {
            Self::AllBut(left) => !left.contains(key),
            Self::Only(wanted) => wanted.contains(key),
        }
    }

    /// Removes the entries of a group that are not written; returns how many of the report are left alone.
    pub(super) fn apply(&self, group: &mut SerializedGroup) -> usize {
        let entries = group.entries.len();
        group.entries.retain(|entry| self.has(&entry.key));
        match self {
            Self::AllBut(_) => entries - group.entries.len(),
            Self::Only(_) => {
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

    /// How closely existing rows have to be read. A row that is skipped must be one that its reader accepts; by its
    /// digest, a row that holds its payload already is found and only stamped.
    pub const fn read_depth(self) -> ReadDepth<'static> {
        match self {
            Self::Due | Self::Expiring => ReadDepth::Whole,
            Self::Every | Self::Thorough => ReadDepth::Digests,
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

/// The state of a table before its first entry is computed.
pub(super) struct Prepared {
    /// The sections of its report.
    pub(super) parts: Vec<Part>,
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
    let rows = job.snapshot.existing(job.table);
    let freshness = job.freshness(stamps);
    let overtaken = |generated| job.overtaken(generated);
    let spared = rows.iter().filter(|row| job.scope.spares(row, &freshness, job.renew_before, &overtaken));
    let spared: HashSet<i64> = spared.map(|row| row.id).collect();
    let index = KeyIndex::of(rows);
    let existing = Existing { rows, index: &index };
    let parts = parts(job, existing, &freshness, &spared);
    let expected: HashSet<&Key> = parts.iter().flat_map(|part| &part.keys).collect();
    Prepared {
        years: entries_by_year(job, &index, &expected, &freshness),
        forgotten: forgotten(stamps, expected.iter().copied(), rows),
        index,
        spared,
        parts,
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

/// A section of a report, before its first entry is computed.
pub(super) struct Part {
    /// Keys of its entries.
    pub(super) keys: Vec<Key>,
    /// Keys whose rows it removes.
    pub(super) retired: Vec<Key>,
    /// Digest of everything that its payloads depend on.
    pub(super) inputs: String,
    /// Bytes of payload in its rows, if they are proved to hold what the report would compute; `None` if it has to be
    /// built.
    pub(super) proved: Option<u64>,
}

/// The sections of a table's report, and which of them may be kept as they are.
fn parts(
    job: &TableRefresh,
    existing: Existing<'_>,
    freshness: &Freshness<'_>,
    spared: &HashSet<i64>,
) -> Vec<Part> {
    let common = common_inputs(job, freshness);
    let examine = |section: Section| {
        let mut hasher = XxHash3_128::new();
        let keys = section.keys.iter().map(ToString::to_string);
        for text in [common.clone(), section.clock].into_iter().chain(keys) {
            hasher.write(&text.len().to_le_bytes());
            hasher.write(text.as_bytes());
        }
        let inputs = format!("{:032x}", hasher.finish_128());
        let may_be_kept = job.scope != RefreshScope::Thorough && section.retired.is_empty();
        let proved =
            if may_be_kept { proved(&section.keys, &inputs, existing, freshness, spared) } else { None };
        Part { keys: section.keys, retired: section.retired, inputs, proved }
    };
    job.report.sections(job.context()).into_iter().map(examine).collect()
}

/// What the payloads of all sections depend on: the version of the daemon and that of the report's rules, since
/// another one may compute other figures from the same source; the settings; and the source tables.
fn common_inputs(job: &TableRefresh, freshness: &Freshness<'_>) -> String {
    let hash = |source| job.snapshot.sources.get(source).map_or(0, |facts| facts.hash);
    let sources = job.report.sources().iter().map(|source| format!("{source:?} {:032x}", hash(source)));
    let (daemon, rules) = (env!("CARGO_PKG_VERSION"), job.report.rules_version());
    format!("{daemon} {rules} {} {}", freshness.fingerprint, sources.collect::<Vec<_>>().join(" "))
}

/// The bytes of payload in the rows of a section, if they hold what the report would compute: its inputs are those that
/// the rows were computed from, and each row still holds the payload that the daemon wrote.
fn proved(
    keys: &[Key],
    inputs: &str,
    existing: Existing<'_>,
    freshness: &Freshness<'_>,
    spared: &HashSet<i64>,
) -> Option<u64> {
    let mut bytes = 0;
    for key in keys {
        let mut rows = existing.of(key);
        let row = rows.next()?;
        // A second row of the key is one that building removes.
        if rows.next().is_some() {
            return None;
        }
        bytes += row.bytes;
        if spared.contains(&row.id) {
            continue;
        }
        let stamp = freshness.stamps.0.get(&key.to_string())?;
        // A row that its reader would reject is replaced, whatever damaged it.
        let is_known = freshness.is_ours_and_current(row) && row.valid && row.complete;
        let is_intact = stamp.payload.is_some() && stamp.payload == row.digest;
        if !is_known || !is_intact || stamp.inputs.as_deref() != Some(inputs) {
            return None;
        }
    }
    Some(bytes)
}

/// Entries without payload, in batches: rows to be stamped, or skipped.
pub(super) fn unchanged(mut keys: impl Iterator<Item = Key>) -> impl Iterator<Item = SerializedGroup> {
    std::iter::from_fn(move || {
        let entries: Vec<SerializedEntry> = keys.by_ref().take(BATCH).map(SerializedEntry::known).collect();
        (!entries.is_empty()).then(|| SerializedGroup { entries, retire: Vec::new() })
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const NOON: &str = "2026-03-15T12:00:00Z";

    fn row(stamp: &str) -> ExistingRow {
        ExistingRow { last_updated: Some(stamp.to_owned()), ..ExistingRow::of(1, Key(Vec::new())) }
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
