//! Detects changes made by other processes: to the source of a report, and to cache rows that VMS deleted or
//! damaged.
//!
//! A check costs as much as reading the source, so it is made only after a hint, and then once the database
//! is quiet: an import deletes cache rows first and continues to write for minutes. All tables that need a
//! refresh are queued as one run. If that run fails for good, it is queued again, at a slow rate, for as long
//! as the reason holds.

mod judge;
mod observe;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;
pub mod wipes;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{Outcome, SchedulerState, Table, Trigger};
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::{NewRun, Queue, QueueError};
use crate::refresh::{RefreshConfig, RefreshError, expected_keys};
use crate::reports;
use crate::snapshot::{ExistingRow, ReadDepth, Source, read_existing};
use crate::store::is_changed;
use crate::vms::tables::{Habit, spec};
use crate::vms::{Footprint, Gateway, Vms, VmsError, time};
use judge::{Held, Memory, NewChanges};
use observe::observe;

/// How often a refresh that failed for good is queued again: the cause takes longer to fix than the retries
/// of a job last, and nothing else would detect that seemingly fresh reports are outdated.
const RECHECK_INTERVAL: Duration = Duration::from_hours(1);

/// Upper bound of the time for a check, which reads VMS's database and may have to wait for its locks.
const LONGEST_CHECK: Duration = Duration::from_hours(1);

/// Watches VMS's database.
#[derive(Debug)]
pub struct Watcher {
    queue: Queue,
    clock: Arc<dyn Clock>,
    config: watch::Receiver<Arc<Config>>,
    refresh: watch::Receiver<Arc<RefreshConfig>>,
    /// The footprint of the database at the last poll; `None` makes the next poll report a change.
    footprint: Option<Footprint>,
    debounce: Debounce,
    /// Wall-clock time of the first change since the last check.
    changed_at: DateTime<Utc>,
    memory: Memory,
    held: Held,
    /// Tables for which a refresh was queued because another process had rewritten their rows in bulk, since
    /// the last search for failed refreshes. It may have been another daemon, and the two must not keep rewriting each
    /// other's rows.
    answered: HashSet<Table>,
    /// Monotonic time of the last search for failed refreshes.
    last_recheck: Duration,
    /// Whether the database could not be reached at the last attempt.
    unreachable: bool,
    /// Whether an earlier check was made, so that anything new has happened since then.
    has_checked: bool,
    /// The last logged error, which is not logged again.
    complaint: Option<String>,
}

/// The findings of a check.
struct Findings {
    changes: BTreeMap<Table, NewChanges>,
    /// Held tables that the guard would now release.
    released: HashSet<Table>,
    /// Tables to refresh.
    wanting: Vec<Table>,
}

enum CheckOutcome {
    /// A run was in progress, whose writes cannot be distinguished from those of other processes until it
    /// ends.
    Overlapped,
    /// The check is complete; contains the queued run, if there was a reason for one.
    Completed(Option<i64>),
}

impl Watcher {
    /// Creates a watcher that follows changes of both configurations.
    pub fn new(
        queue: Queue,
        clock: Arc<dyn Clock>,
        config: watch::Receiver<Arc<Config>>,
        refresh: watch::Receiver<Arc<RefreshConfig>>,
    ) -> Self {
        let (footprint, debounce, memory, held, answered, changed_at) = <_>::default();
        let last_recheck = clock.monotonic();
        Self {
            queue,
            clock,
            config,
            refresh,
            footprint,
            debounce,
            changed_at,
            memory,
            held,
            answered,
            last_recheck,
            unreachable: false,
            has_checked: false,
            complaint: None,
        }
    }

    /// Runs until dropped; cancel-safe. Beats `heartbeat` in every iteration.
    pub async fn run(mut self, heartbeat: Heartbeat) {
        loop {
            heartbeat.beat(LONGEST_CHECK);
            let complaint = self.tick().await.err().map(|error| describe(&error));
            if complaint != self.complaint {
                if let Some(error) = &complaint {
                    warn!("Changes cannot be detected at the moment, trying again: {error}");
                } else {
                    info!("Changes are detected again");
                }
                self.complaint = complaint;
            }
            let poll = self.config.borrow_and_update().watch.poll;
            tokio::select! {
                () = heartbeat.nap(poll) => {}
                // Once the sender is dropped, the configuration cannot change any more and only the timer
                // matters.
                Ok(()) = self.config.changed() => {}
            }
        }
    }

    /// Polls the hint, and checks the database if a check is due. Returns the queued run, if any.
    pub async fn tick(&mut self) -> Result<Option<i64>, RefreshError> {
        let watch = self.config.borrow().watch.clone();
        if !watch.enabled {
            self.footprint = None;
            return Ok(None);
        }
        let config = Arc::clone(&self.refresh.borrow());
        let now = self.clock.monotonic();
        // A change is visible only once, so record it before anything else can fail.
        if self.has_changed(&config.vms)? {
            self.note_change(now);
        }
        if self.needs_recheck(now).await? {
            self.note_change(now);
        }
        if self.unreachable && !self.is_stopped().await? {
            config.vms.with_lock_timeout(Duration::ZERO).using(async |vms| vms.schema().await).await?;
            let run = self.catch_up().await?;
            self.unreachable = false;
            return Ok(run);
        }
        let limits = DebounceLimits { quiet: watch.quiet, max_delay: watch.max_delay };
        // While the scheduler is stopped, changes stay recorded and are checked once it is started.
        if !self.debounce.is_due(now, limits) || self.is_stopped().await? {
            return Ok(None);
        }
        let checked = self.check(&config).await;
        if let Ok(CheckOutcome::Completed(run)) = checked {
            self.debounce.settle();
            return Ok(run);
        }
        self.debounce.postpone(now);
        self.unreachable |= matches!(&checked, Err(RefreshError::Vms(error)) if error.is_of_the_file());
        checked.map(|_| None)
    }

    /// Whether the database was written to, or its file replaced, since the last call; true on the first one.
    ///
    /// This is only a hint to check the database: the daemon's own writes change it as well, and VMS writes
    /// cache rows when its pages are viewed. It is taken from the directory, since a connection that stays open
    /// would keep the write-ahead log alive after VMS has stopped.
    fn has_changed(&mut self, vms: &Gateway) -> Result<bool, VmsError> {
        match vms.footprint() {
            Ok(footprint) => Ok(self.footprint.replace(footprint) != Some(footprint)),
            Err(error) => {
                (self.footprint, self.unreachable) = (None, true);
                Err(error)
            }
        }
    }

    fn note_change(&mut self, now: Duration) {
        if self.debounce.record_change(now) {
            self.changed_at = self.clock.now();
        }
    }

    /// Whether a queued refresh has failed since, or has had its rows rewritten in bulk again, so that a check
    /// must find out whether it is still needed.
    async fn needs_recheck(&mut self, now: Duration) -> Result<bool, QueueError> {
        if now.saturating_sub(self.last_recheck) < RECHECK_INTERVAL {
            return Ok(false);
        }
        let failed = self.failed().await?;
        self.last_recheck = now;
        let (held, answered) = (self.held.forget(), std::mem::take(&mut self.answered));
        let suspect = failed.into_iter().chain(answered);
        Ok(suspect.fold(held, |needed, table| self.memory.recheck(table) | needed))
    }

    /// Queues the tables that failed while the database was unreachable; the pause between attempts would
    /// delay them by up to an hour. Seemingly fresh entries are left to the next check.
    async fn catch_up(&mut self) -> Result<Option<i64>, QueueError> {
        let failed = self.failed().await?;
        for &table in &failed {
            self.memory.recheck(table);
        }
        if failed.is_empty() {
            return Ok(None);
        }
        let new = NewRun::new(Trigger::Startup, reports::tables(&[], &failed));
        let run = self.queue.enqueue(new).await?.run;
        info!(
            run_id = run,
            "VMS's database can be reached again; refreshing the tables that failed meanwhile"
        );
        Ok(Some(run))
    }

    /// Returns the tables whose newest job failed for good.
    async fn failed(&self) -> Result<Vec<Table>, QueueError> {
        let failed = self.queue.last_results().await?.into_iter();
        Ok(failed.filter(|job| job.outcome == Some(Outcome::Failed)).map(|job| job.table).collect())
    }

    async fn is_stopped(&self) -> Result<bool, RefreshError> {
        Ok(self.queue.state().scheduler_state().await? == SchedulerState::Stopped)
    }

    async fn check(&mut self, config: &RefreshConfig) -> Result<CheckOutcome, RefreshError> {
        let (current, before) = self.runs().await?;
        if current.is_some() {
            return Ok(CheckOutcome::Overlapped);
        }
        // The database is quiet: the best time to empty its log. This does not count as a change; what other processes
        // write from here on is found by this check or by the next poll.
        config.vms.fold_log().await;
        self.footprint = config.vms.footprint().ok();
        let compared = config.vms.using(async |vms| self.compare(vms, config).await);
        let Findings { changes, released, wanting } = compared.await?;
        if self.runs().await? != (None, before) {
            return Ok(CheckOutcome::Overlapped);
        }
        self.keep_wipes(&changes).await?;
        self.keep_rewrites(&changes).await?;
        let run = if wanting.is_empty() {
            None
        } else {
            let new = NewRun::new(Trigger::Watch, reports::tables(&[], &wanting));
            let run = self.queue.enqueue(new).await?.run;
            let is_released = |table| self.held.is_new(&released, table);
            info!(run_id = run, "{}", reasons_text(&changes, &wanting, is_released));
            Some(run)
        };
        let is_answered = |table: &Table| changes.get(table).is_some_and(|changes| changes.bulk);
        self.answered.extend(wanting.into_iter().filter(is_answered));
        self.memory.learn(changes);
        self.held.learn(released);
        self.has_checked = true;
        Ok(CheckOutcome::Completed(run))
    }

    /// Returns the ids of the run in progress and of the last ended run.
    async fn runs(&self) -> Result<(Option<i64>, Option<i64>), QueueError> {
        let id = |run: Option<cached_proto::verb::history::Run>| run.map(|run| run.id);
        Ok((id(self.queue.current_run().await?), id(self.queue.last_run().await?)))
    }

    async fn compare(&self, vms: &Vms, config: &RefreshConfig) -> Result<Findings, RefreshError> {
        let mut observed = observe(vms, config, self.queue.state()).await?;
        if observed.values().any(|table| !table.stamps.gone(&table.rows).is_empty()) {
            let expected = expected_keys(config, self.queue.state(), self.clock.now()).await?;
            for (table, observed) in &mut observed {
                if let Some(expected) = expected.get(table) {
                    observed.forget_unexpected(expected);
                }
            }
        }
        let changes = self.memory.compare(&observed);
        let released = Held::released(vms, config, self.queue.state(), &observed).await?;
        let mut wanting = Vec::new();
        for (&table, changes) in &changes {
            let is_due =
                !changes.sources.is_empty() || changes.gone > 0 || self.held.is_new(&released, table);
            let may_repair = !(changes.bulk && self.answered.contains(&table));
            if is_due || (may_repair && needs_repair(vms, table, changes).await?) {
                wanting.push(table);
            }
        }
        Ok(Findings { changes, released, wanting })
    }

    /// Stores which tables a second refresher has rewritten in bulk, except those found by the first check,
    /// whose time is unknown, and which may be those of a run that the end of the daemon cut short. One table
    /// without equal stamps does not count: VMS's page of a district's year rewrites all districts.
    async fn keep_rewrites(&self, changes: &BTreeMap<Table, NewChanges>) -> Result<(), RefreshError> {
        let several = changes.values().filter(|changes| changes.bulk).count() > 1;
        let of_refresher =
            |changes: &NewChanges| self.has_checked && changes.bulk && (several || changes.alike);
        let found = changes.iter().filter(|(_, changes)| of_refresher(changes));
        let rows: Vec<(Table, usize)> =
            found.map(|(&table, changes)| (table, changes.rewritten.len())).collect();
        for (table, rows) in &rows {
            warn!(cache_table = table.as_str(), "{table}: another process has rewritten {rows} rows at once");
        }
        Ok(self.queue.state().keep_rewrites(self.changed_at, &rows).await?)
    }

    /// Stores wipes of tables, except those found by the first check, whose time is unknown.
    async fn keep_wipes(&self, changes: &BTreeMap<Table, NewChanges>) -> Result<(), RefreshError> {
        let wiped = changes.iter().filter(|(_, changes)| changes.wiped && self.has_checked);
        let wiped: Vec<Table> = wiped.map(|(&table, _)| table).collect();
        let zone = self.config.borrow().schedule.timezone;
        Ok(self.queue.state().keep_wipes(time::local(self.changed_at, zone), &wiped).await?)
    }
}

/// Whether rows written by another process must be replaced before the next scheduled run.
async fn needs_repair(vms: &Vms, table: Table, changes: &NewChanges) -> Result<bool, RefreshError> {
    if changes.rewritten.is_empty() {
        return Ok(false);
    }
    let readable = |row: &ExistingRow| row.last_updated.as_deref().and_then(time::parse).is_some();
    let fit = |row: &ExistingRow| row.valid && row.complete && readable(row);
    let shapes = read_existing(&vms.begin_read().await?, table, ReadDepth::Shape).await?;
    if shapes.iter().any(|row| changes.rewritten.contains_key(&row.id) && !fit(row)) {
        return Ok(true);
    }
    // Viewing that page with custom keywords stores another list for all users, and the row does not show it.
    // Viewing it without, or a refresh by another daemon, stores the same list.
    Ok(spec(table).has(Habit::VariesByView) && is_changed(vms, spec(table), &changes.rewritten).await?)
}

fn reasons_text(
    changes: &BTreeMap<Table, NewChanges>,
    wanting: &[Table],
    is_released: impl Fn(Table) -> bool,
) -> String {
    let of = || wanting.iter().filter_map(|table| Some((table, changes.get(table)?)));
    let sources: std::collections::BTreeSet<Source> =
        of().flat_map(|(_, changes)| changes.sources.iter().copied()).collect();
    let sources: Vec<&str> = sources.into_iter().map(Source::table).collect();
    let has_changed_rows = |changes: &NewChanges| changes.gone > 0 || !changes.rewritten.is_empty();
    let rows = of().filter(|(_, changes)| changes.sources.is_empty() && has_changed_rows(changes));
    let rows: Vec<String> = rows
        .map(|(table, changes)| {
            format!("{table} ({} rows gone, {} rewritten)", changes.gone, changes.rewritten.len())
        })
        .collect();
    let mut reasons = Vec::new();
    if !sources.is_empty() {
        reasons.push(format!("VMS changed {}", sources.join(", ")));
    }
    if !rows.is_empty() {
        reasons.push(format!("cache rows were lost: {}", rows.join(", ")));
    }
    let released: Vec<&str> =
        wanting.iter().filter(|&&table| is_released(table)).map(|table| table.as_str()).collect();
    if !released.is_empty() {
        reasons.push(format!("the source of these held tables has been restored: {}", released.join(", ")));
    }
    format!("Refreshing {} tables: {}", wanting.len(), reasons.join("; "))
}

/// How long a check is delayed while changes continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebounceLimits {
    /// Required time without a further change.
    pub quiet: Duration,
    /// Time since the first change after which the check no longer waits for quiet.
    pub max_delay: Duration,
}

/// Coalesces any number of changes into few checks. Timestamps are those of a monotonic clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debounce {
    changes: Option<ChangeTimes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ChangeTimes {
    first: Duration,
    last: Duration,
}

impl Debounce {
    /// Records a change. Returns true for the first change since the last check.
    pub fn record_change(&mut self, now: Duration) -> bool {
        let first = self.changes.map_or(now, |changes| changes.first);
        self.changes.replace(ChangeTimes { first, last: now }).is_none()
    }

    /// Whether a check is due.
    pub fn is_due(&self, now: Duration, limits: DebounceLimits) -> bool {
        self.changes.is_some_and(|ChangeTimes { first, last }| {
            now.saturating_sub(last) >= limits.quiet || now.saturating_sub(first) >= limits.max_delay
        })
    }

    /// Records a completed check, which covers all earlier changes.
    pub fn settle(&mut self) {
        self.changes = None;
    }

    /// Records a failed check: waits as if the first change were now.
    pub fn postpone(&mut self, now: Duration) {
        self.changes = Some(ChangeTimes { first: now, last: now });
    }
}
