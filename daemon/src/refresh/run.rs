//! Works on one claimed run.

use std::collections::HashMap;
use std::sync::Arc;

use cached_proto::speech::count;
use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::fence::fenced;
use super::guard::{self, Guard};
use super::lost::{keep_wipes, recall};
use super::scope::RefreshScope;
use super::sources::keep_sources;
use super::table_refresh::TableRefresh;
use super::withhold::remove_ours;
use super::{Availability, Decision, RefreshConfig, RefreshError, availability, refresh_table};
use crate::clock::Clock;
use crate::describe::describe;
use crate::queue::{Begun, Claimed, Ending, JobReport, Lease, Queue, QueueError, RENEWAL, Settled};
use crate::reports::{Mode, Report, ReportSettings};
use crate::snapshot::{self, Snapshot, SourceSet};
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
    guard: Guard,
    /// For a scheduled run, the zone in which wipes are recorded.
    wipe_zone: Option<Tz>,
}

impl RunInputs {
    /// The instant of its snapshot.
    pub(super) fn taken(&self) -> DateTime<Utc> {
        self.snapshot.taken
    }

    pub(super) async fn close(self) {
        self.vms.close().await;
    }
}

impl Refresher {
    /// Creates a refresher that takes each run's configuration from `config` as it stands when the run
    /// begins.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        let process = queue.draw();
        Self { queue, clock, config, process }
    }

    /// Works on the due jobs of a claimed run, each until it ends or waits for its next attempt. An error
    /// means that the queue itself failed, or that another worker has taken the run over; any other failure
    /// is recorded in the jobs.
    pub async fn run(&self, claimed: &Claimed) -> Result<Settled, QueueError> {
        let working = async {
            let mut working = self.begin(claimed).await;
            while working.step().await? {}
            Ok::<_, QueueError>(working)
        };
        let worked = tokio::select! {
            done = working => done?,
            lost = self.keep(&claimed.lease) => return Err(lost),
        };
        worked.settle().await
    }

    /// Renews the lease until it is lost. A temporary failure of the state database is only logged.
    async fn keep(&self, lease: &Lease) -> QueueError {
        loop {
            self.clock.sleep(RENEWAL).await;
            match self.queue.renew(lease).await {
                Err(lost @ QueueError::LeaseLost(_)) => return lost,
                Err(error) => warn!(
                    run_id = lease.run(),
                    "The lease on run {} is not renewed: {}",
                    lease.run(),
                    describe(&error)
                ),
                Ok(()) => {}
            }
        }
    }

    /// The context shared by all tables of a claimed run, as of now.
    pub(super) fn context(&self, claimed: &Claimed) -> RunContext {
        let config = Arc::clone(&self.config.borrow());
        let mut settings = config.settings.clone();
        if claimed.exact {
            settings.mode = Mode::Exact;
        }
        let now = self.instant(claimed.as_of);
        let scope = RefreshScope::of(claimed.trigger, claimed.force, claimed.renew_before, now);
        let guard = Guard::of(config.guard, claimed);
        RunContext {
            run: claimed.run,
            guard,
            // The time of any other run says nothing about when another process was at work.
            wipe_zone: config.wipe_zone.filter(|_| claimed.trigger == Trigger::Schedule),
            config,
            settings: Arc::new(settings),
            as_of: claimed.as_of,
            now,
            scope,
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
        let (vms, schema) = Vms::open_checked(&context.config.database, context.config.patience).await?;
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
        let held = context.guard.examine(self.queue.state(), &snapshot).await?;
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
    ) -> Result<(JobReport, Option<RefreshError>), RefreshError> {
        let availability = inputs.availabilities.get(&table).unwrap_or(&Availability::Ready);
        if let Some(outcome) = availability.outcome() {
            let mut report = JobReport::new(table, outcome);
            report.error = availability.note().filter(|_| !outcome.is_good());
            return Ok((report, None));
        }
        let report = (context.config.reports)(table).ok_or(RefreshError::NoReport(table))?;
        if let Some(reason) = fenced(|| report.withheld(&inputs.snapshot, &context.settings))? {
            return Ok(self.withhold(context, inputs, report, &reason).await);
        }
        let state = self.queue.state();
        if let Some(reason) = &inputs.held {
            return Ok((guard::hold(state, table, reason, context.now).await?, None));
        }
        let is_doubtful = begun.number > 1
            || state.guarded().await?.contains_key(&table)
            || self.queue.last_outcome(table).await?.is_some_and(|last| !last.is_good());
        let mut work = TableRefresh {
            table,
            report,
            snapshot: Arc::clone(&inputs.snapshot),
            settings: Arc::clone(&context.settings),
            limits: context.config.limits,
            now: context.now,
            scope: if is_doubtful { context.scope.widened() } else { context.scope },
            process: self.process,
            cancel: begun.cancel.clone(),
            guard: context.guard.of_table(state, table, context.now).await?,
        };
        let mut result = refresh_table(&inputs.vms, state, &self.clock, &work).await;
        if result.error.as_ref().is_some_and(RefreshError::is_conflict) {
            info!(
                run_id = context.run,
                cache_table = table.as_str(),
                "{table}: somebody else wrote meanwhile, computing once more"
            );
            // The other process's rows may be newer than the run: neither stamps nor figures may fall back
            // behind them.
            work.now = self.instant(context.as_of);
            match self.snapshot(&inputs.vms, context, &[table], work.now).await {
                Ok(newer) => {
                    if let Some(reason) = context.guard.examine(state, &newer).await? {
                        return Ok((guard::hold(state, table, &reason, context.now).await?, None));
                    }
                    work.snapshot = newer;
                    let holds = result.report.holds;
                    result = refresh_table(&inputs.vms, state, &self.clock, &work).await;
                    result.report.holds.merge(&holds);
                }
                Err(error) => {
                    result.report.error = Some(describe(&error));
                    result.error = Some(error);
                }
            }
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
        Ok((result.report, result.error))
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
            Ok(removed) => report.pruned = removed,
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
        let JobReport { table, outcome, entries, rebuilt, verified, skipped, pruned, seconds, .. } = report;
        match &report.error {
            None => info!(
                run_id = run,
                job_id = job,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, {} ({rebuilt} rebuilt, {verified} verified, \
                 {skipped} skipped, {pruned} pruned) took {seconds:.2} seconds",
                count(usize::try_from(*entries).unwrap_or(usize::MAX), "entry")
            ),
            Some(message) => error!(
                run_id = run,
                job_id = job,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, took {seconds:.2} seconds: {message}"
            ),
        }
        let pause = self.queue.finish_attempt(lease, job, report, ending).await?;
        if let Some(pause) = pause {
            info!(run_id = run, job_id = job, "{table}: tries again in {:.1} seconds", pause.as_secs_f64());
        }
        Ok(())
    }
}

pub(super) fn failed(table: Table, error: &RefreshError) -> JobReport {
    JobReport { error: Some(describe(error)), ..JobReport::new(table, Outcome::Failed) }
}

pub(super) fn ending(context: &RunContext, error: Option<&RefreshError>) -> Ending {
    match error {
        Some(RefreshError::Cancelled) => Ending::Cancelled,
        Some(error) if error.decision() == Decision::Retry => Ending::Failed(context.config.retry),
        _ => Ending::Done,
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
