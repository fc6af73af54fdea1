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
use super::job::Job;
use super::sources::keep_sources;
use super::withhold::remove_ours;
use super::{Decision, RefreshConfig, RefreshError, Standing, refresh_table, standing};
use crate::clock::Clock;
use crate::describe::describe;
use crate::queue::{Begun, Claimed, Ending, JobReport, Lease, Queue, QueueError, RENEWAL, Settled};
use crate::reports::{Mode, Report, ReportSettings};
use crate::snapshot::{self, Snapshot, SourceSet};
use crate::vms::{LockMeter, Schema, Vms, VmsError};

/// Odd source rows that are named in the log per run; all of them are counted.
const WARNINGS_LOGGED: usize = 20;

/// Works on runs.
#[derive(Debug, Clone)]
pub struct Refresher {
    pub(super) queue: Queue,
    clock: Arc<dyn Clock>,
    config: watch::Receiver<Arc<RefreshConfig>>,
}

/// A run's view of VMS: one connection, one schema, one snapshot.
pub(super) struct Opened {
    vms: Vms,
    standings: HashMap<Table, Standing>,
    snapshot: Arc<Snapshot>,
    /// Why nothing may be filled from the snapshot.
    held: Option<String>,
}

/// What stays the same for all tables of a run.
pub(super) struct Terms {
    run: i64,
    config: Arc<RefreshConfig>,
    settings: Arc<ReportSettings>,
    as_of: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    effort: Effort,
    guard: Guard,
}

impl Opened {
    /// The instant of its snapshot.
    pub(super) fn taken(&self) -> DateTime<Utc> {
        self.snapshot.taken
    }

    pub(super) async fn close(self) {
        self.vms.close().await;
    }
}

impl Refresher {
    /// A refresher that takes each run's configuration from `config` as it stands when the run begins.
    pub fn new(queue: Queue, clock: Arc<dyn Clock>, config: watch::Receiver<Arc<RefreshConfig>>) -> Self {
        Self { queue, clock, config }
    }

    /// Works on the jobs of a claimed run that are due, each to its end or its next attempt. An error means
    /// that the queue itself failed, or that the run belongs to somebody else by now; whatever else goes wrong
    /// ends up in the jobs.
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

    /// Renews the lease until it is lost. That the state database fails for a while does not matter here.
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

    /// What holds for all tables of a claimed run, as of now.
    pub(super) fn terms(&self, claimed: &Claimed) -> Terms {
        let config = Arc::clone(&self.config.borrow());
        let mut settings = config.settings.clone();
        if claimed.exact {
            settings.mode = Mode::Exact;
        }
        let now = self.instant(claimed.as_of);
        let effort = Effort::of(claimed.trigger, claimed.force, claimed.renew_before, now);
        let guard = Guard::of(config.guard, claimed);
        Terms {
            run: claimed.run,
            guard,
            config,
            settings: Arc::new(settings),
            as_of: claimed.as_of,
            now,
            effort,
        }
    }

    /// The instant used as "now".
    fn instant(&self, as_of: Option<DateTime<Utc>>) -> DateTime<Utc> {
        as_of.unwrap_or_else(|| self.clock.now())
    }

    pub(super) async fn open(&self, terms: &Terms, tables: &[Table]) -> Result<Opened, RefreshError> {
        let vms = Vms::open_with(&terms.config.database, terms.config.patience).await?;
        let schema = Schema::read(vms.reader()).await?;
        if !schema.is_vms() {
            return Err(VmsError::NoVmsTables { path: vms.path().to_owned() }.into());
        }
        let mut standings = HashMap::new();
        for &table in tables {
            // A table that nothing generates fails by itself, later, and not the whole run.
            if let Some(report) = (terms.config.reports)(table) {
                standings.insert(table, standing(report, &schema, &terms.settings));
            }
        }
        let ready: Vec<Table> =
            tables.iter().copied().filter(|table| standings.get(table) == Some(&Standing::Ready)).collect();
        let snapshot = self.snapshot(&vms, terms, &ready, terms.now).await?;
        for warning in snapshot.warnings.iter().take(WARNINGS_LOGGED) {
            warn!(run_id = terms.run, "{} row {}: {}", warning.table, warning.rowid, one_line(&warning.what));
        }
        let held = terms.guard.examine(self.queue.state(), &snapshot).await?;
        Ok(Opened { vms, standings, snapshot, held })
    }

    async fn snapshot(
        &self,
        vms: &Vms,
        terms: &Terms,
        tables: &[Table],
        now: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, RefreshError> {
        let reports = tables.iter().filter_map(|&table| (terms.config.reports)(table));
        let sources: SourceSet = reports.flat_map(Report::sources).copied().collect();
        Ok(Arc::new(snapshot::load(vms, &sources, tables, terms.effort.look(), now).await?))
    }

    pub(super) async fn work(
        &self,
        terms: &Terms,
        opened: &Opened,
        begun: &Begun,
        table: Table,
    ) -> Result<(JobReport, Option<RefreshError>), RefreshError> {
        let standing = opened.standings.get(&table).unwrap_or(&Standing::Ready);
        if let Some(outcome) = standing.outcome() {
            let mut report = JobReport::new(table, outcome);
            report.error = standing.note().filter(|_| !outcome.is_good());
            return Ok((report, None));
        }
        let report = (terms.config.reports)(table).ok_or(RefreshError::NoReport(table))?;
        if let Some(reason) = report.withheld(&opened.snapshot, &terms.settings) {
            return Ok(self.withhold(terms, opened, report, &reason).await);
        }
        let state = self.queue.state();
        if let Some(reason) = &opened.held {
            return Ok((guard::hold(state, table, reason, terms.now).await?, None));
        }
        let is_doubtful = begun.number > 1 || state.guarded().await?.contains_key(&table);
        let mut work = Job {
            table,
            report,
            snapshot: Arc::clone(&opened.snapshot),
            settings: Arc::clone(&terms.settings),
            limits: terms.config.limits,
            now: terms.now,
            effort: if is_doubtful { terms.effort.whole() } else { terms.effort },
            cancel: begun.cancel.clone(),
            guard: terms.guard.of_table(state, table).await?,
        };
        let mut result = refresh_table(&opened.vms, state, &self.clock, &work).await;
        if result.error.as_ref().is_some_and(RefreshError::is_conflict) {
            info!(
                run_id = terms.run,
                cache_table = table.as_str(),
                "{table}: somebody else wrote meanwhile, computing once more"
            );
            // What they wrote may be newer than the run: neither stamps nor figures may fall back behind it.
            work.now = self.instant(terms.as_of);
            match self.snapshot(&opened.vms, terms, &[table], work.now).await {
                Ok(newer) => {
                    if let Some(reason) = terms.guard.examine(state, &newer).await? {
                        return Ok((guard::hold(state, table, &reason, terms.now).await?, None));
                    }
                    work.snapshot = newer;
                    let holds = result.report.holds;
                    result = refresh_table(&opened.vms, state, &self.clock, &work).await;
                    result.report.holds.merge(&holds);
                }
                Err(error) => {
                    result.report.error = Some(describe(&error));
                    result.error = Some(error);
                }
            }
        }
        terms.guard.settle(state, table, &result, terms.now).await?;
        Ok((result.report, result.error))
    }

    /// Takes back what we stored earlier: rows that still carry our stamp. Rows of VMS's own stay.
    async fn withhold(
        &self,
        terms: &Terms,
        opened: &Opened,
        withheld: &dyn Report,
        reason: &str,
    ) -> (JobReport, Option<RefreshError>) {
        let table = withheld.table();
        warn!(run_id = terms.run, cache_table = table.as_str(), "{table} is withheld: {reason}");
        let mut report = JobReport::new(table, Outcome::Withheld);
        report.snapshot = Some(opened.snapshot.taken);
        let (state, existing) = (self.queue.state(), opened.snapshot.existing(table));
        let mut meter = LockMeter::new(self.clock.as_ref());
        let removed = async {
            let removed = remove_ours(&opened.vms, state, existing, table, &mut meter).await?;
            keep_sources(state, &opened.snapshot, withheld).await?;
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

pub(super) fn ending(terms: &Terms, error: Option<&RefreshError>) -> Ending {
    match error {
        Some(RefreshError::Cancelled) => Ending::Cancelled,
        Some(error) if error.decision() == Decision::Retry => Ending::Failed(terms.config.retry),
        _ => Ending::Done,
    }
}

pub(super) fn tell(run: &Run) {
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
