//! One claimed run: what it is computed from, its tables one by one, and its settling.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cached_present::count;
use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::attempt::{Attempted, Refresher, RunContext, RunInputs};
use super::guard::{Guard, slot};
use super::{Availability, RefreshConfig, RefreshError, RefreshScope, availability};
use crate::clock::Clock;
use crate::jobs::{Claimed, Ending, JobReport, NewRun, Policy, Queue, QueueError, Requester, Settled};
use crate::reports::Mode;

/// Maximum number of invalid source rows that are logged individually per run; all of them are counted.
const WARNINGS_LOGGED: usize = 20;

/// A run in progress: its source has been read, and its tables are refreshed one by one.
pub struct ActiveRun {
    refresher: Refresher,
    claimed: Claimed,
    jobs: VecDeque<(i64, Table)>,
    context: RunContext,
    /// `None` if nothing is left to do.
    inputs: Option<Result<RunInputs, RefreshError>>,
    /// Tables that a later run has to finish, and how soon.
    later: Vec<(Table, Duration)>,
}

impl Refresher {
    /// Creates a refresher that takes each run's configuration from the value of `config` when the run
    /// begins.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        Self { queue, clock, config, losses: Arc::default() }
    }

    /// Takes the snapshot that all tables of a claimed run are computed from.
    pub async fn begin(&self, claimed: &Claimed) -> ActiveRun {
        let (context, claimed) = (self.context(claimed), claimed.clone());
        let (run, tables) = (claimed.run, &claimed.request.tables);
        let deep: Vec<&str> = tables.iter().filter(|&&t| context.is_deep(t)).map(|t| t.as_str()).collect();
        let kind = match (context.scope, deep.as_slice()) {
            (RefreshScope::Thorough, _) => ", computing everything".to_owned(),
            (_, []) => String::new(),
            (_, deep) => format!(", computing everything of {}", deep.join(", ")),
        };
        info!(run_id = run, "Cache refresh {run} started ({}{kind})", claimed.request.trigger);
        // After an interruption there may be nothing left to do.
        let inputs = if tables.is_empty() { None } else { Some(self.open(&context, tables).await) };
        let jobs = claimed.jobs.iter().copied().collect();
        ActiveRun { refresher: self.clone(), claimed, jobs, context, inputs, later: Vec::new() }
    }

    fn context(&self, claimed: &Claimed) -> RunContext {
        let (config, request) = (Arc::clone(&self.config.borrow()), &claimed.request);
        let mut settings = config.settings.clone();
        if request.exact {
            settings.mode = Mode::Exact;
        }
        let now = self.instant(request.as_of);
        let policy = Policy::of(request.trigger, request.force);
        RunContext {
            run: claimed.run,
            guard: Guard::of(config.guard, claimed),
            // An operator who forces a refresh wants the rows at once.
            district_grace: if request.force { Duration::ZERO } else { config.district_grace },
            // Only the time of a scheduled run shows when another process was at work.
            wipe_zone: config.wipe_zone.filter(|_| policy.requester == Requester::Slot),
            config,
            settings: Arc::new(settings),
            as_of: request.as_of,
            now,
            scope: policy.scope,
            slot: claimed.request.slot.as_deref().and_then(slot).map(|slot| slot.date()),
            renew_before: request.renew_before.unwrap_or(now),
        }
    }

    async fn open(&self, context: &RunContext, tables: &[Table]) -> Result<RunInputs, RefreshError> {
        let (vms, schema) = context.config.vms.open_checked().await?;
        // A table without a report fails by itself, later, and not the whole run.
        let reports = tables.iter().filter_map(|&table| (context.config.reports)(table));
        let availabilities: HashMap<Table, Availability> = reports
            .map(|report| (report.table(), availability(report, &schema, &context.settings)))
            .collect();
        let is_ready = |table: &Table| availabilities.get(table) == Some(&Availability::Ready);
        let ready: Vec<Table> = tables.iter().copied().filter(is_ready).collect();
        let snapshot = self.snapshot(&vms, context, &ready, context.now).await?;
        for warning in snapshot.warnings.iter().take(WARNINGS_LOGGED) {
            let what = one_line(&warning.what);
            warn!(run_id = context.run, "{} row {}: {what}", warning.table, warning.rowid);
        }
        let held = context.guard.examine(&self.queue, &snapshot).await?;
        Ok(RunInputs { vms, availabilities, snapshot, held })
    }
}

impl ActiveRun {
    /// Works on the next table, until its job ends or has to wait for its next attempt. Returns false if no
    /// table was left.
    pub async fn step(&mut self) -> Result<bool, QueueError> {
        let (Some((job, table)), Some(inputs)) = (self.jobs.pop_front(), &self.inputs) else {
            return Ok(false);
        };
        let (refresher, lease) = (&self.refresher, &self.claimed.lease);
        let taken = inputs.as_ref().ok().map(|inputs| inputs.snapshot.taken);
        let Some(begun) = refresher.queue.start_attempt(lease, job, taken).await? else { return Ok(true) };
        let attempted = refresher.attempt(&self.context, inputs, &begun, table).await;
        self.later.extend(attempted.later.map(|pause| (table, pause)));
        self.finish(job, attempted).await?;
        Ok(true)
    }

    async fn finish(&self, job_id: i64, attempted: Attempted) -> Result<(), QueueError> {
        let (run_id, Attempted { report, ending, .. }) = (self.claimed.run, attempted);
        let JobReport { table, outcome, figures, computed, error, .. } = &report;
        let JobFigures { entries, rebuilt, verified, skipped, pruned, seconds, .. } = figures;
        let why_paused = error.as_ref().filter(|_| matches!(ending, Ending::Paused(_)));
        match error {
            Some(message) if why_paused.is_none() => error!(
                run_id,
                job_id,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, took {seconds:.2} seconds: {message}"
            ),
            _ => info!(
                run_id,
                job_id,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, {} ({computed} computed; {rebuilt} rebuilt, {verified} verified, \
                 {skipped} skipped, {pruned} pruned) took {seconds:.2} seconds",
                count(*entries, "entry")
            ),
        }
        let queue = &self.refresher.queue;
        if let Some(pause) = queue.finish_attempt(&self.claimed.lease, job_id, &report, ending).await? {
            let next = why_paused.map_or_else(|| "tries again".to_owned(), |why| format!("{why}; continues"));
            info!(run_id, job_id, "{table}: {next} in {:.1} seconds", pause.as_secs_f64());
        }
        Ok(())
    }

    /// Gives the run back: ended, or waiting for further attempts.
    pub async fn settle(self) -> Result<Settled, QueueError> {
        if let Some(Ok(inputs)) = self.inputs {
            // Empties the log of VMS's database.
            inputs.vms.close_and_fold().await;
        }
        let (queue, run_id) = (&self.refresher.queue, self.claimed.run);
        let pause = self.later.iter().map(|(_, pause)| *pause).max();
        // A run with another "now" does not show what is due now.
        if let Some(pause) = pause.filter(|_| self.context.as_of.is_none()) {
            let tables = self.later.iter().map(|(table, _)| *table).collect();
            let not_before = Some(queue.now() + pause);
            let later = NewRun { not_before, ..NewRun::new(Trigger::Watch, tables) };
            let later = queue.enqueue(later).await?.run;
            info!(run_id, "The entries left over are taken up by run {later}");
        }
        let settled = queue.settle(&self.claimed.lease).await?;
        match &settled {
            Settled::Ended(run) => log_outcome(run),
            Settled::Waits(until) => info!(run_id, "Cache refresh {run_id} waits until {until} at least"),
        }
        Ok(settled)
    }
}

impl std::fmt::Debug for ActiveRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActiveRun").field("run", &self.claimed.run).finish_non_exhaustive()
    }
}

fn log_outcome(run: &Run) {
    let is_bad =
        |job: &Job| job.phase == Phase::Cancelled || job.outcome.is_some_and(|outcome| !outcome.is_good());
    let bad = run.jobs.iter().filter(|job| is_bad(job));
    let reasons: Vec<String> = bad
        .map(|job| format!("{}: {}", job.table, job.error.as_deref().unwrap_or("no reason given")))
        .collect();
    let outcome = run.outcome.map_or("", Outcome::as_str);
    if reasons.is_empty() {
        info!(run_id = run.id, outcome, "Cache refresh completed successfully in {:.2} seconds", run.seconds);
    } else {
        error!(run_id = run.id, outcome, "Cache refresh failed: {}", reasons.join("; "));
    }
}
