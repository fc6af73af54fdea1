//! One attempt at a table of a run: its inputs, whether the table may be filled, its refresh, the entries that VMS
//! wrote meanwhile, and how the attempt ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cached_present::count;
use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use tokio::sync::watch;
use tracing::{info, warn};

use super::build::off_thread;
use super::compute::{Selection, TableRefresh};
use super::guard::{self, Guard};
use super::source::{Availability, Losses, Recent, is_off, keep_wipes, recall};
use super::table::{TableResult, keep_sources, refresh_table};
use super::{Decision, RefreshConfig, RefreshError};
use crate::clock::Clock;
use crate::describe::describe;
use crate::jobs::{Begun, Ending, JobReport, Queue, RefreshScope, RetryPolicy};
use crate::reports::{Context, REPORTS, Report, ReportSettings};
use crate::snapshot::{self, ExistingRow, KeyIndex, Snapshot, SourceSet};
use crate::state::State;
use crate::store::{Existing, SerializedGroup, Stamps, write_group};
use crate::vms::tables::{Key, spec};
use crate::vms::{LockMeter, Vms, time};

/// How soon a later run takes up entries that were put off: by then VMS has shown its page; sooner, the entry might be
/// replaced before VMS shows it.
const PUT_OFF: Duration = Duration::from_mins(2);

/// Works on claimed runs.
#[derive(Debug, Clone)]
pub struct Refresher {
    pub(super) queue: Queue,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: watch::Receiver<Arc<RefreshConfig>>,
    pub(super) losses: Arc<Losses>,
}

/// What stays the same for all tables of a run.
pub(super) struct RunContext {
    pub(super) run: i64,
    pub(super) config: Arc<RefreshConfig>,
    pub(super) settings: Arc<ReportSettings>,
    pub(super) as_of: Option<DateTime<Utc>>,
    pub(super) now: DateTime<Utc>,
    pub(super) scope: RefreshScope,
    /// The civil date of the slot, for a scheduled run.
    pub(super) slot: Option<NaiveDate>,
    /// For a top-up: entries that last until then are left alone.
    pub(super) renew_before: DateTime<Utc>,
    pub(super) guard: Guard,
    /// How long a lost district row is left to VMS.
    pub(super) district_grace: Duration,
    /// For a scheduled run, the zone in which wipes are recorded.
    pub(super) wipe_zone: Option<Tz>,
}

impl RunContext {
    /// Whether the run computes every entry of a table, proved or not.
    pub(super) fn is_deep(&self, table: Table) -> bool {
        self.slot.is_some_and(|date| is_deep_check(date, table, self.config.deep_check_days))
    }
}

/// Whether the scheduled runs of a date compute every entry of a table, so that a fault which no proof shows lasts for
/// `days` at most. Each table has its own date, so that no night costs as much as all of them.
fn is_deep_check(date: NaiveDate, table: Table, days: u32) -> bool {
    let turn = (0..).zip(REPORTS).find(|(_, report)| report.table() == table);
    turn.is_some_and(|(turn, _)| (date.num_days_from_ce().unsigned_abs() + turn).is_multiple_of(days))
}

/// A run's view of VMS: one connection, one schema, one snapshot.
pub(super) struct RunInputs {
    pub(super) vms: Vms,
    pub(super) availabilities: HashMap<Table, Availability>,
    pub(super) snapshot: Arc<Snapshot>,
    /// Why no table may be filled from the snapshot; `None` if they may.
    pub(super) held: Option<String>,
}

/// The result of an attempt.
pub(super) struct Attempted {
    pub(super) report: JobReport,
    pub(super) ending: Ending,
    /// How soon a later run has to finish what it left undone; `None` if it left nothing.
    pub(super) later: Option<Duration>,
}

impl Attempted {
    fn done(report: JobReport) -> Self {
        Self { report, ending: Ending::Done, later: None }
    }

    fn failed(table: Table, error: &RefreshError, retry: RetryPolicy, attempt: u32) -> Self {
        let report = JobReport { error: Some(describe(error)), ..JobReport::new(table, Outcome::Failed) };
        Self { report, ending: ending(error, retry, attempt), later: None }
    }
}

/// How an attempt with this number ends after an error.
fn ending(error: &RefreshError, retry: RetryPolicy, attempt: u32) -> Ending {
    match (error, error.decision()) {
        (RefreshError::Cancelled, _) => Ending::Cancelled,
        (_, Decision::Retry) => Ending::Failed(retry),
        // Longer with each attempt: a job that starves for hours must not fill the history with them.
        (_, Decision::Starved) => Ending::Paused(retry.longest_pause(attempt)),
        (_, Decision::Fail) => Ending::Done,
    }
}

impl Refresher {
    /// The instant used as "now".
    pub(super) fn instant(&self, as_of: Option<DateTime<Utc>>) -> DateTime<Utc> {
        as_of.unwrap_or_else(|| self.clock.now())
    }

    pub(super) async fn snapshot(
        &self,
        vms: &Vms,
        context: &RunContext,
        tables: &[Table],
        now: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, RefreshError> {
        let reports = tables.iter().filter_map(|&table| (context.config.reports)(table));
        let sources: SourceSet = reports.flat_map(Report::sources).copied().collect();
        let mut snapshot = snapshot::load(vms, &sources, tables, context.scope.read_depth(), now).await?;
        let state = self.queue.state();
        let stamps = recall(&mut snapshot, state).await?;
        self.losses.notice(&snapshot, &stamps, self.clock.monotonic());
        if let Some(zone) = context.wipe_zone {
            keep_wipes(state, &snapshot, &stamps, time::local(now, zone)).await?;
        }
        Ok(Arc::new(snapshot))
    }

    /// Makes an attempt at a table from the inputs of its run, if they could be read.
    pub(super) async fn attempt(
        &self,
        context: &RunContext,
        inputs: &Result<RunInputs, RefreshError>,
        begun: &Begun,
        table: Table,
    ) -> Attempted {
        let failed = |error: &_| Attempted::failed(table, error, context.config.retry, begun.number);
        match inputs {
            Ok(inputs) => {
                let attempted = self.fill(context, inputs, begun, table).await;
                attempted.unwrap_or_else(|error| failed(&error))
            }
            Err(_) if is_off(table, &context.settings) => {
                Attempted::done(JobReport::new(table, Outcome::Off))
            }
            Err(error) => failed(error),
        }
    }

    async fn fill(
        &self,
        context: &RunContext,
        inputs: &RunInputs,
        begun: &Begun,
        table: Table,
    ) -> Result<Attempted, RefreshError> {
        let availability = inputs.availabilities.get(&table).unwrap_or(&Availability::Ready);
        if let Some(outcome) = availability.outcome() {
            let error = availability.note().filter(|_| !outcome.is_good());
            return Ok(Attempted::done(JobReport { error, ..JobReport::new(table, outcome) }));
        }
        let report = (context.config.reports)(table).ok_or(RefreshError::NoReport(table))?;
        let withheld = off_thread({
            let (snapshot, settings) = (Arc::clone(&inputs.snapshot), Arc::clone(&context.settings));
            let now = context.now;
            move || report.withheld(Context::new(&snapshot, &settings, now))
        });
        if let Some(reason) = withheld.await? {
            warn!(run_id = context.run, cache_table = table.as_str(), "{table} is withheld: {reason}");
            return Ok(self.withhold(context, inputs, begun, report).await);
        }
        let state = self.queue.state();
        if let Some(reason) = &inputs.held {
            return Ok(Attempted::done(guard::hold(state, table, reason, context.now).await?));
        }
        let may_be_outdated = begun.number > 1
            || state.guarded().await?.contains_key(&table)
            || self.queue.last_outcome(table).await?.is_some_and(|last| !last.is_good());
        let scope = if context.is_deep(table) { RefreshScope::Thorough } else { context.scope };
        let recent = self.recent(context, table);
        let mut work = TableRefresh {
            table,
            report,
            snapshot: Arc::clone(&inputs.snapshot),
            settings: Arc::clone(&context.settings),
            limits: context.config.limits,
            now: context.now,
            scope: if may_be_outdated { scope.widened() } else { scope },
            renew_before: context.renew_before,
            cancel: begun.cancel.clone(),
            guard: context.guard.of_table(&self.queue, table, context.now).await?,
            selection: Selection::AllBut(recent.keys),
        };
        let mut result = refresh_table(&inputs.vms, state, &self.clock, &work).await;
        let (mut pause, mut put_off) = (recent.pause, 0);
        if result.error.is_none() && !result.contested.is_empty() {
            let later = self.recompute(context, &inputs.vms, &mut work, &mut result).await;
            (pause, put_off) = (pause.max(later.0), later.1);
        }
        let TableResult { mut report, error, left, .. } = result;
        match &error {
            None => state.release(table).await?,
            Some(RefreshError::Guarded(losses)) => {
                let reason = report.error.clone().unwrap_or_default();
                context.guard.hold_groups(state, table, losses, reason, context.now).await?;
            }
            // It is unknown whether the guard would have let the table pass.
            Some(_) => {}
        }
        let (ending, later) = match error {
            Some(error) => (ending(&error, context.config.retry, begun.number), None),
            // Only the first attempt waits for deleted rows: under steady deletions a job would never end.
            None if left > 0 && begun.number == 1 => {
                let rows = count(left, "deleted row");
                report.error = Some(format!("{rows} left to VMS for now, because its page may be computing"));
                (Ending::Paused(pause), None)
            }
            None => (Ending::Done, (left > 0 || put_off > 0).then_some(PUT_OFF)),
        };
        Ok(Attempted { report, ending, later })
    }

    /// Computes the entries that VMS wrote meanwhile again, from a newer snapshot. Those that it writes again, or may
    /// be computing, are put off: VMS's rows are its own newest results, and the table does not fail because of them.
    /// Returns for how long lost rows among them are left to VMS, and how many others are put off.
    async fn recompute(
        &self,
        context: &RunContext,
        vms: &Vms,
        work: &mut TableRefresh,
        result: &mut TableResult,
    ) -> (Duration, u64) {
        let (run_id, table) = (context.run, work.table);
        let contested = std::mem::take(&mut result.contested);
        let (mut pause, mut put_off) = (Duration::ZERO, contested.len() as u64);
        info!(
            run_id,
            cache_table = table.as_str(),
            "{table}: VMS wrote {} meanwhile, computing them again",
            count(put_off, "entry")
        );
        // VMS's rows may be newer than the run: neither stamps nor figures may go back to an earlier time.
        work.now = self.instant(context.as_of);
        let newer = async {
            let newer = self.snapshot(vms, context, &[table], work.now).await?;
            let held = context.guard.for_newer_snapshot().examine(&self.queue, &newer).await?;
            Ok::<_, RefreshError>(held.map_or(Ok(newer), Err))
        };
        match newer.await.unwrap_or_else(|error| Err(describe(&error))) {
            Err(reason) => {
                warn!(run_id, cache_table = table.as_str(), "{table}: not computed again: {reason}");
            }
            Ok(newer) => {
                let recent = self.recent(context, table);
                let left = contested.intersection(&recent.keys).count() as u64;
                work.snapshot = newer;
                work.selection = Selection::Only(contested.difference(&recent.keys).cloned().collect());
                let again = refresh_table(vms, self.queue.state(), &self.clock, work).await;
                (pause, put_off) = (recent.pause, again.contested.len() as u64);
                result.left += left;
                result.report.figures.skipped += left;
                result.add(again);
            }
        }
        if put_off > 0 {
            result.report.figures.skipped += put_off;
            info!(
                run_id,
                cache_table = table.as_str(),
                "{table}: VMS keeps writing {}, left to a later run",
                count(put_off, "entry")
            );
        }
        result.conclude();
        (pause, put_off)
    }

    fn recent(&self, context: &RunContext, table: Table) -> Recent {
        self.losses.recent(table, context.district_grace, self.clock.monotonic())
    }

    /// Removes the rows of a withheld table that still carry the daemon's stamp. VMS's own rows stay.
    async fn withhold(
        &self,
        context: &RunContext,
        inputs: &RunInputs,
        begun: &Begun,
        withheld: &dyn Report,
    ) -> Attempted {
        let table = withheld.table();
        let (state, existing) = (self.queue.state(), inputs.snapshot.existing(table));
        let mut meter = LockMeter::new(self.clock.as_ref());
        let removed = async {
            let removed = remove_ours(&inputs.vms, state, existing, table, &mut meter).await?;
            keep_sources(state, &inputs.snapshot, withheld).await?;
            Ok(removed)
        };
        let mut attempted = match removed.await {
            Ok(removed) => {
                let mut report = JobReport::new(table, Outcome::Withheld);
                report.figures.pruned = removed;
                report.snapshot = Some(inputs.snapshot.taken);
                Attempted::done(report)
            }
            Err(error) => Attempted::failed(table, &error, context.config.retry, begun.number),
        };
        attempted.report.holds = meter.holds();
        attempted
    }
}

/// Removes the rows of a table that are unchanged since the daemon wrote them, and returns their number.
/// VMS's own rows stay.
async fn remove_ours(
    vms: &Vms,
    state: &State,
    existing: &[ExistingRow],
    table: Table,
    meter: &mut LockMeter<'_>,
) -> Result<u64, RefreshError> {
    let stamps = Stamps(state.stamps().load(table).await?);
    let retire: Vec<Key> =
        existing.iter().filter(|row| stamps.is_ours(row)).map(|row| row.key.clone()).collect();
    let removed: Vec<String> = retire.iter().map(ToString::to_string).collect();
    let group = SerializedGroup { entries: Vec::new(), retire };
    let rows = Existing { rows: existing, index: &KeyIndex::of(existing) };
    let outcome = write_group(vms, spec(table), group, rows, |_| false, "", meter).await?;
    // Rows that another process has deleted are not to be brought back either.
    let gone = stamps.gone(existing).into_iter().map(str::to_owned);
    let removed: Vec<String> = removed.into_iter().chain(gone).collect();
    state.stamps().record(table, Vec::new(), &removed).await?;
    Ok(outcome.pruned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_is_checked_deeply_once_in_so_many_days_and_the_tables_on_different_days() {
        let first: NaiveDate = "2026-12-28".parse().unwrap();
        for days in [1, 2, 7, 30] {
            let tables =
                |date| REPORTS.iter().filter(move |it| is_deep_check(date, it.table(), days)).count();
            let nights: Vec<usize> = first.iter_days().take(days as usize).map(tables).collect();
            assert_eq!(nights.iter().sum::<usize>(), REPORTS.len(), "{days} days: {nights:?}");
            assert!(nights.iter().all(|&night| night <= REPORTS.len().div_ceil(days as usize)), "{nights:?}");
        }
    }
}
