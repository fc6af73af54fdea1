//! Works on one claimed run.

use std::collections::HashMap;
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::effort::Effort;
use super::guard::{self, Guard};
use super::table::Job;
use super::withhold::remove_ours;
use super::{RefreshConfig, RefreshError, Standing, refresh_table, standing};
use crate::clock::Clock;
use crate::describe::describe;
use crate::queue::{Claimed, JobReport, Queue, QueueError};
use crate::reports::{Mode, Report, ReportSettings, report};
use crate::snapshot::{self, Snapshot, SourceSet};
use crate::vms::{Schema, Vms, VmsError};

/// Odd source rows that are named in the log per run; all of them are counted.
const WARNINGS_LOGGED: usize = 20;

/// Works on runs.
#[derive(Debug, Clone)]
pub struct Refresher {
    queue: Queue,
    clock: Arc<dyn Clock>,
    config: watch::Receiver<Arc<RefreshConfig>>,
}

/// A run's view of VMS: one connection, one schema, one snapshot.
struct Opened {
    vms: Vms,
    standings: HashMap<Table, Standing>,
    snapshot: Arc<Snapshot>,
    /// Why nothing may be filled from the snapshot.
    held: Option<String>,
}

/// What stays the same for all tables of a run.
struct Terms {
    config: Arc<RefreshConfig>,
    settings: Arc<ReportSettings>,
    now: DateTime<Utc>,
    effort: Effort,
    guard: Guard,
}

impl Refresher {
    /// A refresher that takes each run's configuration from `config` as it stands when the run begins.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        Self { queue, clock, config }
    }

    /// Works on a claimed run to its end. An error means that the queue itself failed; whatever else goes
    /// wrong ends up in the jobs.
    pub async fn run(&self, claimed: &Claimed) -> Result<Run, QueueError> {
        info!(run_id = claimed.run, "Cache refresh {} started ({})", claimed.run, claimed.trigger);
        let config = Arc::clone(&self.config.borrow());
        let mut settings = config.settings.clone();
        if claimed.exact {
            settings.mode = Mode::Exact;
        }
        let terms = Terms {
            guard: Guard::of(config.guard, claimed),
            config,
            settings: Arc::new(settings),
            now: claimed.as_of.unwrap_or_else(|| self.clock.now()),
            effort: Effort::of(claimed),
        };
        let tables: Vec<Table> = claimed.jobs.iter().map(|&(_, table)| table).collect();
        match self.open(&terms, &tables).await {
            Ok(opened) => {
                for &(job, table) in &claimed.jobs {
                    self.queue.start_attempt(job, Some(opened.snapshot.taken)).await?;
                    let report = self.work(&terms, &opened, job, table).await?;
                    self.finish(claimed.run, job, &report).await?;
                }
                opened.vms.close().await;
            }
            Err(error) => {
                let error = describe(&error);
                for &(job, table) in &claimed.jobs {
                    self.queue.start_attempt(job, None).await?;
                    let mut report = JobReport::new(table, Outcome::Failed);
                    report.error = Some(error.clone());
                    self.finish(claimed.run, job, &report).await?;
                }
            }
        }
        let run = self.queue.finish_run(claimed.run).await?;
        tell(&run);
        Ok(run)
    }

    async fn open(&self, terms: &Terms, tables: &[Table]) -> Result<Opened, RefreshError> {
        let vms = Vms::open(&terms.config.database).await?;
        let schema = Schema::read(vms.reader()).await?;
        if !schema.is_vms() {
            return Err(VmsError::NoVmsTables { path: vms.path().to_owned() }.into());
        }
        let mut standings = HashMap::new();
        for &table in tables {
            let report = report(table).ok_or(RefreshError::NoReport(table))?;
            standings.insert(table, standing(report, &schema, &terms.settings));
        }
        let ready: Vec<Table> =
            tables.iter().copied().filter(|table| standings.get(table) == Some(&Standing::Ready)).collect();
        let snapshot = self.snapshot(&vms, terms, &ready).await?;
        for warning in snapshot.warnings.iter().take(WARNINGS_LOGGED) {
            warn!("{} row {}: {}", warning.table, warning.rowid, one_line(&warning.what));
        }
        let held = terms.guard.examine(self.queue.state(), &snapshot).await?;
        Ok(Opened { vms, standings, snapshot, held })
    }

    async fn snapshot(
        &self,
        vms: &Vms,
        terms: &Terms,
        tables: &[Table],
    ) -> Result<Arc<Snapshot>, RefreshError> {
        let reports = tables.iter().filter_map(|&table| report(table));
        let sources: SourceSet = reports.flat_map(Report::sources).copied().collect();
        Ok(Arc::new(snapshot::load(vms, &sources, tables, terms.effort.look(), terms.now).await?))
    }

    async fn work(
        &self,
        terms: &Terms,
        opened: &Opened,
        job: i64,
        table: Table,
    ) -> Result<JobReport, QueueError> {
        let standing = opened.standings.get(&table).unwrap_or(&Standing::Ready);
        if let Some(outcome) = standing.outcome() {
            let mut report = JobReport::new(table, outcome);
            report.error = standing.note().filter(|_| !outcome.is_good());
            return Ok(report);
        }
        if let Some(reason) = report(table).and_then(|r| r.withheld(&opened.snapshot, &terms.settings)) {
            return Ok(self.withhold(opened, table, &reason).await);
        }
        let state = self.queue.state();
        if let Some(reason) = &opened.held {
            return Ok(guard::hold(state, table, reason, terms.now).await?);
        }
        let mut work = Job {
            table,
            snapshot: Arc::clone(&opened.snapshot),
            settings: Arc::clone(&terms.settings),
            limits: terms.config.limits,
            now: terms.now,
            effort: terms.effort,
            guard: terms.guard.of_table(state, table).await?,
        };
        let mut result = refresh_table(&opened.vms, state, &self.clock, &work).await;
        if result.error.as_ref().is_some_and(RefreshError::is_conflict) {
            info!(
                cache_table = table.as_str(),
                "{table}: somebody else wrote meanwhile, computing once more"
            );
            match self.snapshot(&opened.vms, terms, &[table]).await {
                Ok(newer) => {
                    if let Some(reason) = terms.guard.examine(state, &newer).await? {
                        return Ok(guard::hold(state, table, &reason, terms.now).await?);
                    }
                    work.snapshot = newer;
                    result = refresh_table(&opened.vms, state, &self.clock, &work).await;
                }
                Err(error) => result.error = Some(error),
            }
            if result.error.as_ref().is_some_and(RefreshError::is_conflict) {
                self.queue.enqueue_again(job).await?;
            }
        }
        terms.guard.settle(state, table, &result, terms.now).await?;
        Ok(result.report)
    }

    /// Takes back what we stored earlier: rows that still carry our stamp. Rows of VMS's own stay.
    async fn withhold(&self, opened: &Opened, table: Table, reason: &str) -> JobReport {
        warn!(cache_table = table.as_str(), "{table} is withheld: {reason}");
        let mut report = JobReport::new(table, Outcome::Withheld);
        report.snapshot = Some(opened.snapshot.taken);
        match remove_ours(&opened.vms, self.queue.state(), opened.snapshot.existing(table), table).await {
            Ok(removed) => report.pruned = removed,
            Err(error) => {
                report.outcome = Outcome::Failed;
                report.error = Some(describe(&error));
            }
        }
        report
    }

    async fn finish(&self, run: i64, job: i64, report: &JobReport) -> Result<(), QueueError> {
        let JobReport { table, outcome, entries, rebuilt, verified, skipped, pruned, seconds, .. } = report;
        match &report.error {
            None => info!(
                run_id = run,
                job_id = job,
                cache_type = table.cache_type().as_str(),
                cache_table = table.as_str(),
                outcome = outcome.as_str(),
                "{table}: {outcome}, {entries} entries ({rebuilt} rebuilt, {verified} verified, \
                 {skipped} skipped, {pruned} removed) took {seconds:.2} seconds"
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
        self.queue.finish_attempt(job, report).await
    }
}

fn tell(run: &Run) {
    let bad = || run.jobs.iter().filter(|job| job.outcome.is_some_and(|outcome| !outcome.is_good()));
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
