//! Works on one claimed run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cached_present::count;
use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::words::{Outcome, Phase, Table};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::compute::{Selection, TableRefresh, off_thread};
use super::guard::{self, Guard};
use super::lost::{Losses, Recent, keep_wipes, recall};
use super::table::keep_sources;
use super::{Availability, Decision, RefreshConfig, RefreshError, TableResult, availability, refresh_table};
use crate::clock::Clock;
use crate::describe::describe;
use crate::jobs::{Asker, Begun, Claimed, Ending, JobReport, Lease, Policy, Queue, QueueError, RefreshScope};
use crate::reports::{Context, Mode, Report, ReportSettings};
use crate::snapshot::{self, ExistingRow, KeyIndex, Snapshot, SourceSet};
use crate::state::State;
use crate::store::{Existing, SerializedGroup, Stamps, write_group};
use crate::vms::tables::{Key, spec};
use crate::vms::{LockMeter, Vms, time};

/// Number of odd source rows that are logged individually per run; all of them are counted.
const WARNINGS_LOGGED: usize = 20;

/// Works on claimed runs.
#[derive(Debug, Clone)]
pub struct Refresher {
    pub(super) queue: Queue,
    clock: Arc<dyn Clock>,
    config: watch::Receiver<Arc<RefreshConfig>>,
    /// Identity of this process.
    process: u64,
    losses: Arc<Losses>,
}

/// A run's view of VMS: one connection, one schema, one snapshot.
pub(super) struct RunInputs {
    vms: Vms,
    availabilities: HashMap<Table, Availability>,
    snapshot: Arc<Snapshot>,
    /// Why nothing may be filled from the snapshot, if so.
    held: Option<String>,
}

/// What stays the same for all tables of a run.
pub(super) struct RunContext {
    run: i64,
    config: Arc<RefreshConfig>,
    pub(super) settings: Arc<ReportSettings>,
    as_of: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    scope: RefreshScope,
    /// For a top-up: what lasts until then is left alone.
    renew_before: DateTime<Utc>,
    guard: Guard,
    /// How long a lost district row is left to VMS.
    district_grace: Duration,
    /// For a scheduled run, the zone in which wipes are recorded.
    wipe_zone: Option<Tz>,
}

impl RunInputs {
    /// The instant of its snapshot.
    pub(super) fn taken(&self) -> DateTime<Utc> {
        self.snapshot.taken
    }

    /// Closes the connections and leaves nothing behind in the log.
    pub(super) async fn close(self) {
        self.vms.close_and_fold().await;
    }
}

impl Refresher {
    /// Creates a refresher that takes each run's configuration from `config` as it stands when the run
    /// begins.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        let process = queue.draw();
        Self { queue, clock, config, process, losses: Arc::default() }
    }

    /// The context shared by all tables of a claimed run, as of now.
    pub(super) fn context(&self, claimed: &Claimed) -> RunContext {
        let config = Arc::clone(&self.config.borrow());
        let mut settings = config.settings.clone();
        if claimed.exact {
            settings.mode = Mode::Exact;
        }
        let now = self.instant(claimed.as_of);
        let policy = Policy::of(claimed.trigger, claimed.force);
        let guard = Guard::of(config.guard, claimed);
        RunContext {
            run: claimed.run,
            guard,
            // Somebody who forces a refresh wants the rows at once.
            district_grace: if claimed.force { Duration::ZERO } else { config.district_grace },
            // The time of any other run says nothing about when another process was at work.
            wipe_zone: config.wipe_zone.filter(|_| policy.asker == Asker::Slot),
            config,
            settings: Arc::new(settings),
            as_of: claimed.as_of,
            now,
            scope: policy.scope,
            renew_before: claimed.renew_before.unwrap_or(now),
        }
    }

    /// The instant used as "now".
    fn instant(&self, as_of: Option<DateTime<Utc>>) -> DateTime<Utc> {
        as_of.unwrap_or_else(|| self.clock.now())
    }

    pub(super) async fn open(
        &self,
        context: &RunContext,
        tables: &[Table],
    ) -> Result<RunInputs, RefreshError> {
        let (vms, schema) = context.config.vms.open_checked().await?;
        let mut availabilities = HashMap::new();
        for &table in tables {
            // A table without a report fails by itself, later, and not the whole run.
            if let Some(report) = (context.config.reports)(table) {
                availabilities.insert(table, availability(report, &schema, &context.settings));
            }
        }
        let ready: Vec<Table> = tables
            .iter()
            .copied()
            .filter(|table| availabilities.get(table) == Some(&Availability::Ready))
            .collect();
        let snapshot = self.snapshot(&vms, context, &ready, context.now).await?;
        for warning in snapshot.warnings.iter().take(WARNINGS_LOGGED) {
            warn!(
                run_id = context.run,
                "{} row {}: {}",
                warning.table,
                warning.rowid,
                one_line(&warning.what)
            );
        }
        let held = context.guard.examine(&self.queue, &snapshot).await?;
        Ok(RunInputs { vms, availabilities, snapshot, held })
    }

    async fn snapshot(
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

    pub(super) async fn work(
        &self,
        context: &RunContext,
        inputs: &RunInputs,
        begun: &Begun,
        table: Table,
    ) -> Result<Worked, RefreshError> {
        let availability = inputs.availabilities.get(&table).unwrap_or(&Availability::Ready);
        if let Some(outcome) = availability.outcome() {
            let mut report = JobReport::new(table, outcome);
            report.error = availability.note().filter(|_| !outcome.is_good());
            return Ok(report.into());
        }
        let report = (context.config.reports)(table).ok_or(RefreshError::NoReport(table))?;
        let reason = off_thread({
            let (snapshot, settings) = (Arc::clone(&inputs.snapshot), Arc::clone(&context.settings));
            let now = context.now;
            move || report.withheld(Context::new(&snapshot, &settings, now))
        });
        if let Some(reason) = reason.await? {
            let (report, error) = self.withhold(context, inputs, report, &reason).await;
            return Ok(Worked { error, ..report.into() });
        }
        let state = self.queue.state();
        if let Some(reason) = &inputs.held {
            return Ok(guard::hold(state, table, reason, context.now).await?.into());
        }
        let is_doubtful = begun.number > 1
            || state.guarded().await?.contains_key(&table)
            || self.queue.last_outcome(table).await?.is_some_and(|last| !last.is_good());
        let recent = self.recent(context, table);
        let mut work = TableRefresh {
            table,
            report,
            snapshot: Arc::clone(&inputs.snapshot),
            settings: Arc::clone(&context.settings),
            limits: context.config.limits,
            now: context.now,
            scope: if is_doubtful { context.scope.widened() } else { context.scope },
            renew_before: context.renew_before,
            process: self.process,
            cancel: begun.cancel.clone(),
            guard: context.guard.of_table(&self.queue, table, context.now).await?,
            selection: Selection::AllBut(recent.keys),
        };
        let mut result = refresh_table(&inputs.vms, state, &self.clock, &work).await;
        let mut rest = Rest { left: result.left, pause: recent.pause, put_off: 0 };
        if result.error.is_none() && !result.contested.is_empty() {
            self.once_more(context, inputs, &mut work, &mut result, &mut rest).await;
        }
        match &result.error {
            None => state.release(table).await?,
            Some(RefreshError::Guarded(losses)) => {
                let reason = result.report.error.clone().unwrap_or_default();
                context.guard.hold_groups(state, table, losses, reason, context.now).await?;
            }
            // It is unknown whether the guard would have let the table pass.
            Some(_) => {}
        }
        Ok(Worked { report: result.report, error: result.error, rest })
    }

    /// Computes the entries that VMS wrote meanwhile once more, from a newer snapshot. Those that it writes
    /// again, or may be computing, are put off: what it wrote is its own newest result, and the table does not
    /// fail for it.
    async fn once_more(
        &self,
        context: &RunContext,
        inputs: &RunInputs,
        work: &mut TableRefresh,
        result: &mut TableResult,
        rest: &mut Rest,
    ) {
        let (run_id, table) = (context.run, work.table);
        let contested = std::mem::take(&mut result.contested);
        let entries = count(contested.len(), "entry");
        info!(
            run_id,
            cache_table = table.as_str(),
            "{table}: VMS wrote {entries} meanwhile, computing once more"
        );
        // VMS's rows may be newer than the run: neither stamps nor figures may fall back behind them.
        work.now = self.instant(context.as_of);
        let newer = match self.snapshot(&inputs.vms, context, &[table], work.now).await {
            Ok(newer) => match context.guard.once_more().examine(&self.queue, &newer).await {
                Ok(None) => Ok(newer),
                Ok(Some(reason)) => Err(reason),
                Err(error) => Err(describe(&error)),
            },
            Err(error) => Err(describe(&error)),
        };
        let mut put_off = contested.len() as u64;
        match newer {
            Err(reason) => {
                warn!(run_id, cache_table = table.as_str(), "{table}: not computed once more: {reason}");
            }
            Ok(newer) => {
                let recent = self.recent(context, table);
                let left = contested.intersection(&recent.keys).count() as u64;
                rest.left += left;
                rest.pause = rest.pause.max(recent.pause);
                work.snapshot = newer;
                work.selection = Selection::Only(contested.difference(&recent.keys).cloned().collect());
                let again = refresh_table(&inputs.vms, self.queue.state(), &self.clock, work).await;
                result.add(&again);
                put_off = again.contested.len() as u64;
                result.report.figures.skipped += left;
                result.error = again.error;
            }
        }
        if put_off > 0 {
            rest.put_off = put_off;
            result.report.figures.skipped += put_off;
            let entries = count(usize::try_from(put_off).unwrap_or(usize::MAX), "entry");
            info!(
                run_id,
                cache_table = table.as_str(),
                "{table}: VMS keeps writing {entries}, put off to a later run"
            );
        }
        result.report.outcome = result.outcome();
        result.report.error = result.error.as_ref().map(|error| describe(error));
    }

    fn recent(&self, context: &RunContext, table: Table) -> Recent {
        self.losses.recent(table, context.district_grace, self.clock.monotonic())
    }

    /// Removes the rows of a withheld table that still carry the daemon's stamp. VMS's own rows stay.
    async fn withhold(
        &self,
        context: &RunContext,
        inputs: &RunInputs,
        withheld: &dyn Report,
        reason: &str,
    ) -> (JobReport, Option<RefreshError>) {
        let table = withheld.table();
        warn!(run_id = context.run, cache_table = table.as_str(), "{table} is withheld: {reason}");
        let mut report = JobReport::new(table, Outcome::Withheld);
        report.snapshot = Some(inputs.snapshot.taken);
        let (state, existing) = (self.queue.state(), inputs.snapshot.existing(table));
        let mut meter = LockMeter::new(self.clock.as_ref());
        let removed = async {
            let removed = remove_ours(&inputs.vms, state, existing, table, &mut meter).await?;
            keep_sources(state, &inputs.snapshot, withheld).await?;
            Ok::<_, RefreshError>(removed)
        };
        let removed = removed.await;
        report.holds = meter.holds();
        match removed {
            Ok(removed) => report.figures.pruned = removed,
            Err(error) => {
                let holds = report.holds;
                return (JobReport { holds, ..failed(table, &error) }, Some(error));
            }
        }
        (report, None)
    }

    pub(super) async fn finish(
        &self,
        lease: &Lease,
        job: i64,
        report: &JobReport,
        ending: Ending,
    ) -> Result<(), QueueError> {
        let run = lease.run();
        let JobReport { table, outcome, figures, .. } = report;
        let JobFigures { entries, rebuilt, verified, skipped, pruned, seconds, .. } = figures;
        let entries = count(usize::try_from(*entries).unwrap_or(usize::MAX), "entry");
        match &report.error {
            Some(message) if !matches!(ending, Ending::Paused(_)) => error!(
                run_id = run,
                job_id = job,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, took {seconds:.2} seconds: {message}"
            ),
            _ => info!(
                run_id = run,
                job_id = job,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, {entries} ({rebuilt} rebuilt, {verified} verified, {skipped} skipped, \
                 {pruned} pruned) took {seconds:.2} seconds"
            ),
        }
        let why = report.error.as_ref().filter(|_| matches!(ending, Ending::Paused(_)));
        let pause = self.queue.finish_attempt(lease, job, report, ending).await?;
        match (pause, why) {
            (Some(pause), Some(why)) => {
                info!(
                    run_id = run,
                    job_id = job,
                    "{table}: {why}; goes on in {:.1} seconds",
                    pause.as_secs_f64()
                );
            }
            (Some(pause), None) => {
                info!(
                    run_id = run,
                    job_id = job,
                    "{table}: tries again in {:.1} seconds",
                    pause.as_secs_f64()
                );
            }
            (None, _) => {}
        }
        Ok(())
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
    let group = SerializedGroup { name: "withheld".to_owned(), entries: Vec::new(), retire };
    let rows = Existing { rows: existing, index: &KeyIndex::of(existing) };
    let outcome = write_group(vms, spec(table), &group, rows, |_| false, "", meter).await?;
    // Rows that another process has deleted are not to be brought back either.
    let gone = stamps.gone(existing).into_iter().map(str::to_owned);
    let removed: Vec<String> = group.retire.iter().map(ToString::to_string).chain(gone).collect();
    state.stamps().record(table, Vec::new(), &removed).await?;
    Ok(outcome.pruned)
}

/// How an attempt at a table went.
pub(super) struct Worked {
    pub(super) report: JobReport,
    pub(super) error: Option<RefreshError>,
    /// What it left undone.
    pub(super) rest: Rest,
}

impl From<JobReport> for Worked {
    fn from(report: JobReport) -> Self {
        Self { report, error: None, rest: Rest::default() }
    }
}

impl Worked {
    /// An attempt that met an error before anything was written.
    pub(super) fn failed(table: Table, error: RefreshError) -> Self {
        Self { report: failed(table, &error), error: Some(error), rest: Rest::default() }
    }

    /// How the attempt ends, and how soon another run has to take up what it leaves undone.
    pub(super) fn end(mut self, context: &RunContext, attempt: u32) -> (JobReport, Ending, Option<Duration>) {
        if self.error.is_some() {
            return (self.report, ending(context, self.error.as_ref(), attempt), None);
        }
        // Only the first attempt waits for deleted rows: under steady deletions a job would never end.
        if self.rest.left > 0 && attempt == 1 {
            let rows = count(usize::try_from(self.rest.left).unwrap_or(usize::MAX), "deleted row");
            self.report.error = Some(format!("{rows} left to VMS for now, whose page may be computing"));
            return (self.report, Ending::Paused(self.rest.pause), None);
        }
        let later = (self.rest.left > 0 || self.rest.put_off > 0).then_some(PUT_OFF);
        (self.report, Ending::Done, later)
    }
}

/// Entries of a table that were left as VMS has them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rest {
    /// Lost rows that VMS may be computing.
    left: u64,
    /// How long they are left alone yet.
    pause: Duration,
    /// Entries that VMS wrote both times.
    put_off: u64,
}

/// How soon a later run takes up entries that were put off: by then VMS's page is shown, or nobody would ever
/// see it.
const PUT_OFF: Duration = Duration::from_mins(2);

pub(super) fn failed(table: Table, error: &RefreshError) -> JobReport {
    JobReport { error: Some(describe(error)), ..JobReport::new(table, Outcome::Failed) }
}

/// How an attempt with this number ends that met an error.
pub(super) fn ending(context: &RunContext, error: Option<&RefreshError>, attempt: u32) -> Ending {
    let retry = context.config.retry;
    match error {
        Some(RefreshError::Cancelled) => Ending::Cancelled,
        Some(error) => match error.decision() {
            Decision::Retry => Ending::Failed(retry),
            // Longer with each attempt: a job that starves for hours must not fill the history with them.
            Decision::Starved => Ending::Paused(retry.longest_pause(attempt)),
            Decision::Fail => Ending::Done,
        },
        None => Ending::Done,
    }
}

pub(super) fn log_outcome(run: &Run) {
    let is_bad =
        |job: &Job| job.phase == Phase::Cancelled || job.outcome.is_some_and(|outcome| !outcome.is_good());
    let bad = || run.jobs.iter().filter(|job| is_bad(job));
    let outcome = run.outcome.map_or("", Outcome::as_str);
    if bad().next().is_none() {
        info!(run_id = run.id, outcome, "Cache refresh completed successfully in {:.2} seconds", run.seconds);
    } else {
        let reasons: Vec<String> = bad()
            .map(|job| format!("{}: {}", job.table, job.error.as_deref().unwrap_or("no reason given")))
            .collect();
        error!(run_id = run.id, outcome, "Cache refresh failed: {}", reasons.join("; "));
    }
}
