//! Builds and writes one table from a snapshot.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::RefreshError;
use crate::clock::Clock;
use crate::describe::describe;
use crate::queue::JobReport;
use crate::reports::{ReportSettings, report};
use crate::snapshot::{ExistingRow, Snapshot};
use crate::state::{EntryStamp, State};
use crate::store::{Freshness, GroupOutcome, Limits, SerializedGroup, Stamps, serialize, write_group};
use crate::vms::tables::{Key, StampZone, TableSpec, spec};
use crate::vms::{Vms, time};

/// What a table is refreshed with.
#[derive(Debug, Clone)]
pub struct Job {
    /// The table.
    pub table: Table,
    /// The source.
    pub snapshot: Arc<Snapshot>,
    /// How reports are made.
    pub settings: Arc<ReportSettings>,
    /// How old entries may be.
    pub limits: Limits,
    /// The instant that entries are stamped with.
    pub now: DateTime<Utc>,
    /// Also entries that are young enough.
    pub force: bool,
}

/// Where the time of a table went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Computing payloads.
    pub build: Duration,
    /// Turning them into text.
    pub serialize: Duration,
    /// Comparing and writing.
    pub write: Duration,
}

/// What became of a table: figures also for what was done before an error.
#[derive(Debug)]
pub struct TableResult {
    /// The figures.
    pub report: JobReport,
    /// Where the time went.
    pub timings: Timings,
    /// Why it ended early.
    pub error: Option<RefreshError>,
}

/// Builds and writes one table. Building runs one group ahead of writing, so that memory holds two groups of
/// text at the most.
pub async fn refresh_table(vms: &Vms, state: &State, clock: &Arc<dyn Clock>, job: &Job) -> TableResult {
    let started = clock.monotonic();
    let mut report = JobReport::new(job.table, Outcome::Failed);
    report.snapshot = Some(job.snapshot.taken);
    report.warnings = warnings(job);
    let mut timings = Timings::default();
    let error = generate(vms, state, clock, job, &mut report, &mut timings).await.err();
    report.outcome = outcome(&report, error.is_some());
    report.error = error.as_ref().map(|error| describe(error));
    report.seconds = clock.monotonic().saturating_sub(started).as_secs_f64();
    TableResult { report, timings, error }
}

/// Removes the rows of a table that still are as we wrote them, and returns how many.
pub(super) async fn remove_ours(
    vms: &Vms,
    state: &State,
    existing: &[ExistingRow],
    table: Table,
) -> Result<u64, RefreshError> {
    let stamps = Stamps(state.stamps().load(table).await?);
    let retire: Vec<Key> =
        existing.iter().filter(|row| stamps.is_ours(row)).map(|row| row.key.clone()).collect();
    let group = SerializedGroup { name: "withheld".to_owned(), entries: Vec::new(), retire };
    let outcome = write_group(vms, spec(table), &group, existing, |_| false, "").await?;
    let removed: Vec<String> = group.retire.iter().map(ToString::to_string).collect();
    state.stamps().record(table, Vec::new(), &removed).await?;
    Ok(outcome.pruned)
}

async fn generate(
    vms: &Vms,
    state: &State,
    clock: &Arc<dyn Clock>,
    job: &Job,
    report: &mut JobReport,
    timings: &mut Timings,
) -> Result<(), RefreshError> {
    let spec = spec(job.table);
    let fingerprint = job.settings.fingerprint(job.table);
    let stamps = Stamps(state.stamps().load(job.table).await?);
    let freshness = Freshness {
        spec,
        limits: job.limits,
        zone: job.settings.zone,
        now: job.now,
        stamps: &stamps,
        fingerprint: &fingerprint,
    };
    let stamp = stamp_text(spec, job);
    let (groups, mut incoming) = mpsc::channel(1);
    let builder = tokio::task::spawn_blocking({
        let (job, clock) = (job.clone(), Arc::clone(clock));
        move || build(&job, clock.as_ref(), &groups)
    });
    let mut written = Ok(());
    while let Some(group) = incoming.recv().await {
        let began = clock.monotonic();
        let existing = job.snapshot.existing(job.table);
        let skip = |row: &_| !job.force && freshness.is_young(row);
        let result = write_group(vms, spec, &group, existing, skip, &stamp).await;
        timings.write += clock.monotonic().saturating_sub(began);
        match result {
            Ok(outcome) => {
                count(report, &group, &outcome);
                remember(state, job.table, &group, outcome, &stamp, &fingerprint).await?;
            }
            Err(error) => {
                report.failed += group.entries.len() as u64;
                written = Err(error);
                break;
            }
        }
    }
    // A closed channel tells the builder that nobody wants more.
    drop(incoming);
    let built = builder.await.map_err(|error| RefreshError::Panicked(panic_text(error)))?;
    written?;
    let spent = built?;
    (timings.build, timings.serialize) = (spent.build, spent.serialize);
    Ok(())
}

fn build(
    job: &Job,
    clock: &dyn Clock,
    groups: &mpsc::Sender<SerializedGroup>,
) -> Result<Timings, RefreshError> {
    let report = report(job.table).ok_or(RefreshError::NoReport(job.table))?;
    let mut timings = Timings::default();
    let mut began = clock.monotonic();
    for group in report.build(&job.snapshot, &job.settings, job.now) {
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

fn count(report: &mut JobReport, group: &SerializedGroup, outcome: &GroupOutcome) {
    report.entries += group.entries.len() as u64;
    report.bytes += group.bytes();
    report.rebuilt += outcome.rebuilt;
    report.verified += outcome.verified;
    report.skipped += outcome.skipped;
    report.pruned += outcome.pruned;
}

async fn remember(
    state: &State,
    table: Table,
    group: &SerializedGroup,
    outcome: GroupOutcome,
    stamp: &str,
    fingerprint: &str,
) -> Result<(), RefreshError> {
    let written: Vec<(String, EntryStamp)> = outcome
        .written
        .into_iter()
        .map(|entry| {
            let (last_updated, fingerprint) = (stamp.to_owned(), fingerprint.to_owned());
            (entry.key.to_string(), EntryStamp { row_id: entry.id, last_updated, fingerprint })
        })
        .collect();
    let removed: Vec<String> = group.retire.iter().map(ToString::to_string).collect();
    state.stamps().record(table, written, &removed).await?;
    Ok(())
}

fn stamp_text(spec: &TableSpec, job: &Job) -> String {
    time::to_text(match spec.stamps {
        StampZone::Utc => job.now.naive_utc(),
        StampZone::Local => time::local(job.now, job.settings.zone),
    })
}

fn warnings(job: &Job) -> u64 {
    let Some(report) = report(job.table) else { return 0 };
    let read: Vec<&str> = report.sources().iter().map(|source| source.table()).collect();
    job.snapshot.warnings.iter().filter(|warning| read.contains(&warning.table)).count() as u64
}

fn outcome(report: &JobReport, failed: bool) -> Outcome {
    let changed = report.rebuilt > 0 || report.pruned > 0;
    match (failed, changed, report.verified > 0, report.skipped > 0) {
        (true, ..) => Outcome::Failed,
        (false, true, false, false) => Outcome::Rebuilt,
        (false, true, ..) => Outcome::Mixed,
        (false, false, false, true) => Outcome::Skipped,
        (false, false, ..) => Outcome::Verified,
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let text = error.try_into_panic().map(|payload| {
        payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
    });
    text.ok().flatten().unwrap_or_else(|| "no message".to_owned())
}
