//! Builds and writes one table from a snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use cached_proto::verb::jobs::JobFigures;
use cached_proto::words::Outcome;
use tokio::sync::mpsc;

use super::build::{GROUPS_AHEAD, Timings, build, panicked};
use super::compute::{Prepared, Selection, TableRefresh, YearEntries, prepare, unchanged};
use super::guard::GroupGuard;
use super::{Loss, RefreshError};
use crate::clock::Clock;
use crate::describe::describe;
use crate::jobs::JobReport;
use crate::reports::Report;
use crate::snapshot::{ExistingRow, KeyIndex, Snapshot, Source, SourceFacts};
use crate::state::{EntryStamp, State, StateError};
use crate::store::{Existing, Freshness, GroupOutcome, SerializedGroup, Stamps, write_group};
use crate::vms::tables::{Key, StampZone, TableSpec, spec};
use crate::vms::{LockMeter, Vms, time};

/// Bytes of payload in one transaction that writes several groups. Each costs VMS's file a few synced writes, and VMS's
/// workers wait until it ends; a group that is larger has one of its own.
pub const BYTES_PER_WRITE: u64 = 2_000_000;

/// Entries in one transaction.
pub const ENTRIES_PER_WRITE: usize = 250;

/// Number of written entries after which their stamps are stored; each time costs a synced write.
const STAMPS_PER_WRITE: usize = 1000;

/// Result of refreshing a table; the figures include what was done before an error.
#[derive(Debug)]
pub struct TableResult {
    /// The figures.
    pub report: JobReport,
    /// Time spent, by step.
    pub timings: Timings,
    /// Why it ended early.
    pub error: Option<RefreshError>,
    /// Entries that another process wrote or deleted after the snapshot; they are left unchanged.
    pub contested: HashSet<Key>,
    /// How many entries were left to VMS, which may be computing them at the moment.
    pub left: u64,
}

impl TableResult {
    /// Adds the result of a later pass over a part of the entries.
    pub(super) fn add(&mut self, again: Self) {
        let (figures, more) = (&mut self.report.figures, again.report.figures);
        figures.rebuilt += more.rebuilt;
        figures.verified += more.verified;
        figures.failed += more.failed;
        figures.seconds += more.seconds;
        self.report.computed += again.report.computed;
        self.report.holds.merge(&again.report.holds);
        self.error = again.error;
    }

    /// Records in the report how it ended.
    pub(super) fn conclude(&mut self) {
        self.report.outcome = outcome(&self.report.figures, self.error.as_ref());
        self.report.error = self.error.as_ref().map(|error| describe(error));
    }
}

/// Builds and writes one table. Building is few groups ahead of writing, so that memory holds little text.
pub async fn refresh_table(
    vms: &Vms,
    state: &State,
    clock: &Arc<dyn Clock>,
    job: &TableRefresh,
) -> TableResult {
    let started = clock.monotonic();
    let spec = spec(job.table);
    let mut work = Work {
        vms,
        state,
        clock,
        job,
        spec,
        fingerprint: job.settings.fingerprint(job.table),
        stamp: stamp_text(spec, job),
        report: JobReport::new(job.table, Outcome::Failed),
        timings: Timings::default(),
        spared: HashSet::new(),
        index: KeyIndex::default(),
        years: BTreeMap::new(),
        inputs: HashMap::new(),
        held: Vec::new(),
        pending: SerializedGroup::default(),
        written: Vec::new(),
        removed: Vec::new(),
        contested: HashSet::new(),
        left: 0,
        meter: LockMeter::new(clock.as_ref()),
    };
    work.report.snapshot = Some(job.snapshot.taken);
    work.report.figures.warnings = warnings(job);
    let refreshed = work.refresh().await;
    // Also after an error, so that rows already written count as the daemon's own.
    let stored = work.store_stamps().await;
    let error = refreshed.and(stored).err();
    let Work { mut report, timings, meter, contested, left, .. } = work;
    report.holds = meter.holds();
    report.figures.seconds = clock.monotonic().saturating_sub(started).as_secs_f64();
    let mut result = TableResult { report, timings, error, contested, left };
    result.conclude();
    result
}

struct Work<'a> {
    vms: &'a Vms,
    state: &'a State,
    clock: &'a Arc<dyn Clock>,
    job: &'a TableRefresh,
    spec: &'static TableSpec,
    fingerprint: String,
    stamp: String,
    report: JobReport,
    timings: Timings,
    /// Rows that are skipped, by id.
    spared: HashSet<i64>,
    /// Its rows by key.
    index: KeyIndex,
    /// Its entries by year.
    years: BTreeMap<String, YearEntries>,
    /// Digest of what each entry is computed from.
    inputs: HashMap<Key, Arc<str>>,
    /// Losses for which groups were held.
    held: Vec<Loss>,
    /// Groups that are to be written with the next one.
    pending: SerializedGroup,
    /// Entries whose stamps are not stored yet.
    written: Vec<(String, EntryStamp)>,
    removed: Vec<String>,
    contested: HashSet<Key>,
    left: u64,
    meter: LockMeter<'a>,
}

impl Work<'_> {
    async fn refresh(&mut self) -> Result<(), RefreshError> {
        let table = self.job.table;
        let stamps = Stamps(self.state.stamps().load(table).await?);
        let prepared = tokio::task::spawn_blocking({
            let (job, stamps) = (self.job.clone(), stamps.clone());
            move || prepare(&job, &stamps)
        });
        let Prepared { parts, spared, forgotten, index, years } = prepared.await.map_err(panicked)?;
        (self.spared, self.index, self.years) = (spared, index, years);
        for part in &parts {
            let inputs: Arc<str> = part.inputs.as_str().into();
            self.inputs.extend(part.keys.iter().map(|key| (key.clone(), Arc::clone(&inputs))));
        }
        let freshness = self.job.freshness(&stamps);
        if let Selection::Only(wanted) = &self.job.selection {
            // These are of a newer snapshot than the rest of the table.
            let marked = parts.iter().map(|part| part.keys.iter().any(|key| wanted.contains(key))).collect();
            self.generate(marked, &freshness).await?;
            return self.unheld();
        }
        self.report.figures.bytes += parts.iter().filter_map(|part| part.proved).sum::<u64>();
        let kept = parts.iter().filter(|part| part.proved.is_some()).flat_map(|part| &part.keys);
        for group in unchanged(kept.cloned()) {
            self.accept(group, &freshness).await?;
        }
        self.write(&freshness).await?;
        let marked: Vec<bool> =
            parts.iter().map(|part| part.proved.is_none() && !part.keys.is_empty()).collect();
        if marked.contains(&true) {
            self.generate(marked, &freshness).await?;
        }
        for part in parts.into_iter().filter(|part| part.keys.is_empty() && !part.retired.is_empty()) {
            let removed = SerializedGroup { entries: Vec::new(), retire: part.retired };
            self.accept(removed, &freshness).await?;
        }
        self.write(&freshness).await?;
        self.unheld()?;
        if self.report.figures.skipped == self.left {
            self.removed.extend(forgotten);
            keep_sources(self.state, &self.job.snapshot, self.job.report).await?;
        }
        Ok(())
    }

    /// Builds the marked sections.
    async fn generate(&mut self, marked: Vec<bool>, freshness: &Freshness<'_>) -> Result<(), RefreshError> {
        let sections = marked.iter().enumerate().filter(|(_, marked)| **marked).map(|(section, _)| section);
        let sections: Vec<usize> = sections.collect();
        let (ready, groups) = mpsc::channel(GROUPS_AHEAD);
        let builder = tokio::task::spawn_blocking({
            let (job, clock) = (self.job.clone(), Arc::clone(self.clock));
            move || build(&job, clock.as_ref(), &sections, &ready)
        });
        let written = self.take(groups, freshness).await;
        let built = builder.await.map_err(panicked)?;
        written?;
        let spent = built?;
        (self.timings.build, self.timings.serialize) = (spent.build, spent.serialize);
        Ok(())
    }

    /// Fails if groups were held.
    fn unheld(&mut self) -> Result<(), RefreshError> {
        if self.held.is_empty() { Ok(()) } else { Err(RefreshError::Guarded(std::mem::take(&mut self.held))) }
    }

    /// Writes what is built.
    async fn take(
        &mut self,
        mut groups: mpsc::Receiver<SerializedGroup>,
        freshness: &Freshness<'_>,
    ) -> Result<(), RefreshError> {
        while let Some(group) = groups.recv().await {
            self.report.figures.bytes += group.bytes();
            self.accept(group, freshness).await?;
        }
        self.write(freshness).await
    }

    /// Adds a group to the pending ones, which are written first if they would become too large; one that lost too much is
    /// held.
    async fn accept(
        &mut self,
        mut group: SerializedGroup,
        freshness: &Freshness<'_>,
    ) -> Result<(), RefreshError> {
        if self.job.cancel.is_cancelled() {
            return Err(RefreshError::Cancelled);
        }
        let left = self.job.selection.apply(&mut group) as u64;
        self.left += left;
        self.report.figures.entries += left;
        self.report.figures.skipped += left;
        if let Some(guard) = &self.job.guard {
            let began = self.clock.monotonic();
            let (vms, job, years) = (self.vms, self.job, &self.years);
            let existing = Existing { rows: job.snapshot.existing(job.table), index: &self.index };
            let skip = |row: &ExistingRow| self.spared.contains(&row.id);
            let losses =
                GroupGuard { guard, vms, job, years, freshness }.losses(&group, existing, skip).await?;
            self.timings.write += self.clock.monotonic().saturating_sub(began);
            if !losses.is_empty() {
                self.held.extend(losses);
                return Ok(());
            }
        }
        let entries = self.pending.entries.len() + group.entries.len();
        if entries > ENTRIES_PER_WRITE || self.pending.bytes() + group.bytes() > BYTES_PER_WRITE {
            self.write(freshness).await?;
        }
        self.pending.entries.extend(group.entries);
        self.pending.retire.extend(group.retire);
        Ok(())
    }

    /// Writes the pending groups.
    async fn write(&mut self, freshness: &Freshness<'_>) -> Result<(), RefreshError> {
        let group = std::mem::take(&mut self.pending);
        if group.entries.is_empty() && group.retire.is_empty() {
            return Ok(());
        }
        let began = self.clock.monotonic();
        let spared = &self.spared;
        let skip = |row: &ExistingRow| spared.contains(&row.id);
        let existing = Existing { rows: self.job.snapshot.existing(self.job.table), index: &self.index };
        let entries = group.entries.len() as u64;
        let computed = group.entries.iter().filter(|entry| !entry.is_known()).count() as u64;
        let removed: Vec<String> = group.retire.iter().map(ToString::to_string).collect();
        let meter = &mut self.meter;
        let result = write_group(self.vms, self.spec, group, existing, skip, &self.stamp, meter).await;
        self.timings.write += self.clock.monotonic().saturating_sub(began);
        match result {
            Ok(outcome) => {
                self.report.figures.entries += entries;
                self.report.computed += computed;
                self.removed.extend(removed);
                self.note(outcome, freshness.stamps);
                if self.written.len() >= STAMPS_PER_WRITE {
                    self.store_stamps().await?;
                }
                // It may have waited long for VMS's lock.
                if self.job.cancel.is_cancelled() { Err(RefreshError::Cancelled) } else { Ok(()) }
            }
            Err(error) => {
                self.report.figures.failed += entries;
                Err(error.into())
            }
        }
    }

    fn note(&mut self, outcome: GroupOutcome, stamps: &Stamps) {
        self.report.figures.rebuilt += outcome.rebuilt;
        self.report.figures.verified += outcome.verified;
        self.report.figures.skipped += outcome.skipped.len() as u64;
        self.report.figures.pruned += outcome.pruned;
        self.contested.extend(outcome.contested);
        // VMS's own rows that were left alone are recorded, too: their deletion affects VMS's readers
        // just as much. A row that VMS put in the place of one of the daemon's is not recorded: the watch has to
        // find and judge it.
        let left = outcome.skipped.into_iter().filter(|row| !stamps.is_known(&row.key)).filter_map(|row| {
            let last_updated = row.last_updated?;
            let stamp =
                EntryStamp { row_id: row.id, last_updated, fingerprint: None, payload: None, inputs: None };
            Some((row.key.to_string(), stamp))
        });
        self.written.extend(left);
        self.written.extend(outcome.written.into_iter().map(|entry| {
            let (last_updated, fingerprint) = (self.stamp.clone(), Some(self.fingerprint.clone()));
            let key = entry.key.to_string();
            // If the row was stamped without being computed, its payload is the recorded one.
            let payload = entry.digest.or_else(|| stamps.0.get(&key).and_then(|left| left.payload.clone()));
            let inputs = self.inputs.get(&entry.key).map(ToString::to_string);
            (key, EntryStamp { row_id: entry.id, last_updated, fingerprint, payload, inputs })
        }));
    }

    /// Stores the stamps of the rows written since the last call. If the process dies before, only the
    /// ownership of those rows is lost: they count as VMS's own until they are written again.
    async fn store_stamps(&mut self) -> Result<(), RefreshError> {
        let (written, removed) = (std::mem::take(&mut self.written), std::mem::take(&mut self.removed));
        self.state.stamps().record(self.job.table, written, &removed).await?;
        Ok(())
    }
}

/// Stores the sources of a report, so that later changes are detected. To be called when the table needs
/// nothing more from this snapshot.
pub(super) async fn keep_sources(
    state: &State,
    snapshot: &Snapshot,
    report: &dyn Report,
) -> Result<(), StateError> {
    let read = report.sources();
    let facts: Vec<(Source, SourceFacts)> =
        read.iter().filter_map(|source| Some((*source, *snapshot.sources.get(source)?))).collect();
    state.keep_sources(report.table(), &facts, snapshot.taken).await
}

fn stamp_text(spec: &TableSpec, job: &TableRefresh) -> String {
    time::to_text(match spec.stamps {
        StampZone::Utc | StampZone::UtcOrLocal => job.now.naive_utc(),
        StampZone::Local => time::local(job.now, job.settings.zone),
    })
}

fn warnings(job: &TableRefresh) -> u64 {
    let read: Vec<&str> = job.report.sources().iter().map(|source| source.table()).collect();
    job.snapshot.warnings.iter().filter(|warning| read.contains(&warning.table)).count() as u64
}

fn outcome(done: &JobFigures, error: Option<&RefreshError>) -> Outcome {
    match error {
        Some(RefreshError::Guarded(_)) => return Outcome::Guarded,
        Some(_) => return Outcome::Failed,
        None => {}
    }
    match (done.rebuilt > 0 || done.pruned > 0, done.verified > 0) {
        (true, false) => Outcome::Rebuilt,
        (true, true) => Outcome::Mixed,
        (false, false) if done.skipped > 0 => Outcome::Skipped,
        (false, _) => Outcome::Verified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_depends_on_the_written_entries_and_not_on_skipped_ones() {
        for ([rebuilt, pruned, verified, skipped], word) in [
            ([1, 0, 0, 0], Outcome::Rebuilt),
            ([1, 0, 0, 1], Outcome::Rebuilt),
            ([0, 1, 0, 2], Outcome::Rebuilt),
            ([1, 0, 1, 0], Outcome::Mixed),
            ([0, 1, 1, 1], Outcome::Mixed),
            ([0, 0, 1, 0], Outcome::Verified),
            ([0, 0, 1, 1], Outcome::Verified),
            ([0, 0, 0, 1], Outcome::Skipped),
            ([0, 0, 0, 0], Outcome::Verified),
        ] {
            let done = JobFigures { rebuilt, verified, skipped, pruned, ..JobFigures::default() };
            assert_eq!(outcome(&done, None), word, "{done:?}");
            assert_eq!(outcome(&done, Some(&RefreshError::Cancelled)), Outcome::Failed);
        }
    }
}
