//! Runs, jobs and attempts: as they are stored, as the worker has them, and as clients receive them.
//!
//! The state may hold words of another version. A row keeps its words as they are; code that needs their meaning
//! leaves the row out and lists it as an [`UnknownRow`].

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::cancel::Target;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Attempt, Job, JobFigures, UnknownRow};
use cached_proto::verb::status::Computed;
use cached_proto::words::{Outcome, Table, Trigger};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::IntoActiveModel as _;

use crate::rng::Rng;
use crate::state::{StateError, count, instant, known, stored, table, word};
use crate::vms::LockHolds;

table!(run, "runs", {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) trigger: String,
    pub(crate) slot: Option<String>,
    pub(crate) priority: i64,
    pub(crate) force: bool,
    pub(crate) accept: bool,
    pub(crate) exact: bool,
    pub(crate) as_of: Option<i64>,
    pub(crate) renew_before: Option<i64>,
    pub(crate) phase: String,
    pub(crate) lease: Option<String>,
    pub(crate) not_before: Option<i64>,
    pub(crate) parked: Option<i64>,
    pub(crate) queued: i64,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) seconds: f64,
    pub(crate) outcome: Option<String>,
});

table!(job, "jobs", {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) run_id: i64,
    pub(crate) table_name: String,
    pub(crate) ordinal: i64,
    pub(crate) phase: String,
    pub(crate) outcome: Option<String>,
    pub(crate) failures: i64,
    pub(crate) kills: i64,
    pub(crate) not_before: Option<i64>,
    pub(crate) cancel: bool,
    pub(crate) entries: i64,
    pub(crate) rebuilt: i64,
    pub(crate) verified: i64,
    pub(crate) skipped: i64,
    pub(crate) pruned: i64,
    pub(crate) failed: i64,
    pub(crate) warnings: i64,
    pub(crate) bytes: i64,
    pub(crate) computed: Option<i64>,
    pub(crate) seconds: f64,
    pub(crate) error: Option<String>,
    pub(crate) lock_count: i64,
    pub(crate) lock_seconds: f64,
    pub(crate) lock_longest: f64,
});

table!(attempt, "attempts", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) job_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) number: i64,
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) snapshot: Option<i64>,
    pub(crate) seconds: f64,
    pub(crate) outcome: Option<String>,
    pub(crate) error: Option<String>,
});

/// A run to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// What triggers the run.
    pub trigger: Trigger,
    /// The slot of a scheduled run, `YYYY-MM-DD HH:MM`.
    pub slot: Option<String>,
    /// Its tables, in the order they are worked on.
    pub tables: Vec<Table>,
    /// Regenerates young entries as well.
    pub force: bool,
    /// Accepts a source that lost suspiciously many rows.
    pub accept: bool,
    /// Generates payloads without the documented deviations.
    pub exact: bool,
    /// The instant used as "now"; `None` for the time of the wall clock.
    pub as_of: Option<DateTime<Utc>>,
    /// For a top-up: entries that last until this instant are left alone.
    pub renew_before: Option<DateTime<Utc>>,
    /// When it may begin; `None` for at once.
    pub not_before: Option<DateTime<Utc>>,
}

impl NewRun {
    /// A run with default options.
    pub const fn new(trigger: Trigger, tables: Vec<Table>) -> Self {
        Self {
            trigger,
            slot: None,
            tables,
            force: false,
            accept: false,
            exact: false,
            as_of: None,
            renew_before: None,
            not_before: None,
        }
    }
}

/// The run that serves a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// Number of the run that does the work.
    pub run: i64,
    /// True when the request joined a run that was already waiting and does all of it.
    pub joined: bool,
}

/// The right to write the results of a claimed run. One process works on a state at a time, which its lock
/// ensures for as long as it lives; runs of a dead process are put back at the next start. The token guards
/// against a late writer of the same process: a run that was put back because the state database failed may
/// have been claimed again by the time an interrupted attempt stores its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(super) run: i64,
    pub(super) token: String,
}

impl Lease {
    /// Creates a lease with a unique token.
    pub(super) fn new(run: i64, rng: &dyn Rng) -> Self {
        Self { run, token: format!("{:016x}{:016x}", rng.bits(), rng.bits()) }
    }

    /// The leased run.
    pub const fn run(&self) -> i64 {
        self.run
    }
}

/// A run that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Number of the run.
    pub run: i64,
    /// Lease under which its results are written.
    pub lease: Lease,
    /// Its request, limited to the tables of its due jobs.
    pub request: NewRun,
    /// Due jobs with their numbers, in the order they are worked on; after a retry or an interruption fewer
    /// than all, or none.
    pub jobs: Vec<(i64, Table)>,
    /// When it was queued.
    pub queued: DateTime<Utc>,
}

/// Result of settling a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// All its jobs have ended.
    Ended(Run),
    /// Some of its jobs wait for their next attempt, which begins at this instant at the earliest.
    Waits(DateTime<Utc>),
}

/// How an attempt at a table ended, with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct JobReport {
    /// The table.
    pub table: Table,
    /// The outcome.
    pub outcome: Outcome,
    /// The work done; the warnings include values that VMS fails on.
    pub figures: JobFigures,
    /// How many of its entries were computed; the others were proved to be unchanged, or skipped.
    pub computed: u64,
    /// The error, one line.
    pub error: Option<String>,
    /// Instant of the snapshot that the table was computed from; `None` when none was taken.
    pub snapshot: Option<DateTime<Utc>>,
    /// How long VMS's write lock was held.
    pub holds: LockHolds,
}

impl JobReport {
    /// A report without figures, for a table that was not generated.
    pub fn new(table: Table, outcome: Outcome) -> Self {
        Self {
            table,
            outcome,
            figures: JobFigures::default(),
            computed: 0,
            error: None,
            snapshot: None,
            holds: LockHolds::NONE,
        }
    }
}

/// Number of jobs that have not ended, by stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Not tried yet.
    pub pending: usize,
    /// Being worked on.
    pub running: usize,
    /// Failed, and waiting for their next attempt.
    pub retrying: usize,
}

/// The data of a held scheduled run that later runs need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRun {
    /// Its slot.
    pub slot: Option<String>,
    /// When it ended, if it has.
    pub ended: Option<DateTime<Utc>>,
}

/// A request to the queue failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The state database failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A run without tables would never end.
    #[error("a run needs at least one table; name a cache type, or a table that is not switched off")]
    NoTables,
    /// The run does not exist, or has been pruned.
    #[error("there is no run {0}; `cachectl history` lists the runs that are kept")]
    NoSuchRun(i64),
    /// The job does not exist, or has been pruned.
    #[error("there is no job {0}; `cachectl jobs` lists the jobs that are kept")]
    NoSuchJob(i64),
    /// The job has no attempt in progress.
    #[error("job {0} has no attempt in progress; start one before it is finished")]
    NotStarted(i64),
    /// Another worker has taken the run over, or the run is no longer being worked on.
    #[error(
        "the lease on run {0} is lost: another worker has taken it over, or it has ended; claim another run"
    )]
    LeaseLost(i64),
    /// There is nothing left to cancel.
    #[error("{0} has ended already; `cachectl jobs --running` lists what can be cancelled")]
    Over(Target),
    /// The target neither failed nor was cancelled, and does not wait for a retry.
    #[error(
        "{0} has not failed, so there is nothing to retry; use `cachectl refresh --force` to generate a table anyway"
    )]
    NothingToRetry(Target),
    /// The run still has running jobs; it cannot be settled before they have ended.
    #[error("run {run} still has {jobs} unfinished jobs; finish them first")]
    Unfinished {
        /// The run.
        run: i64,
        /// Number of unfinished jobs.
        jobs: usize,
    },
}

/// A run with a word that this version does not know.
pub(super) fn unknown_run(row: run::Model) -> UnknownRow {
    let run::Model { id: run, trigger, phase, outcome, .. } = row;
    UnknownRow { run, job: None, trigger, table: None, phase, outcome }
}

/// A job with such a word, or of a run with one.
pub(super) fn unknown_job(row: job::Model, trigger: String) -> UnknownRow {
    let job::Model { id, run_id: run, table_name, phase, outcome, .. } = row;
    UnknownRow { run, job: Some(id), trigger, table: Some(table_name), phase, outcome }
}

impl run::Model {
    /// Its request, limited to these of its tables.
    pub(super) fn request(&self, tables: Vec<Table>) -> Result<NewRun, StateError> {
        Ok(NewRun {
            slot: self.slot.clone(),
            force: self.force,
            accept: self.accept,
            exact: self.exact,
            as_of: self.as_of.map(instant),
            renew_before: self.renew_before.map(instant),
            not_before: self.not_before.map(instant),
            ..NewRun::new(word("runs.trigger", self.trigger.clone())?, tables)
        })
    }
}

/// A run as clients receive it.
pub(super) fn run_of(row: run::Model, jobs: Vec<Job>) -> Result<Run, StateError> {
    Ok(Run {
        id: row.id,
        trigger: word("runs.trigger", row.trigger)?,
        slot: row.slot,
        phase: word("runs.phase", row.phase)?,
        queued: Timestamp::from_micros(row.queued),
        started: row.started.map(Timestamp::from_micros),
        ended: row.ended.map(Timestamp::from_micros),
        seconds: row.seconds,
        outcome: row.outcome.map(|o| word("runs.outcome", o)).transpose()?,
        write_lock: jobs.iter().map(|job| job.write_lock).sum(),
        jobs,
    })
}

/// A job of `run` as clients receive it.
pub(super) fn job_of(row: job::Model, run: &run::Model, attempts: Vec<Attempt>) -> Result<Job, StateError> {
    let (figures, write_lock) = row.figures();
    let table: Table = word("jobs.table_name", row.table_name)?;
    Ok(Job {
        id: row.id,
        run: row.run_id,
        trigger: word("runs.trigger", run.trigger.clone())?,
        cache_type: table.cache_type(),
        table,
        phase: word("jobs.phase", row.phase)?,
        outcome: row.outcome.map(|o| word("jobs.outcome", o)).transpose()?,
        queued: Timestamp::from_micros(run.queued),
        attempts,
        figures,
        error: row.error,
        write_lock,
    })
}

impl job::Model {
    /// The figures of its last attempt, and how long all attempts together have held VMS's write lock.
    fn figures(&self) -> (JobFigures, WriteLock) {
        let figures = JobFigures {
            entries: count(self.entries),
            rebuilt: count(self.rebuilt),
            verified: count(self.verified),
            skipped: count(self.skipped),
            pruned: count(self.pruned),
            failed: count(self.failed),
            warnings: count(self.warnings),
            bytes: count(self.bytes),
            seconds: self.seconds,
        };
        let (seconds, longest) = (self.lock_seconds, self.lock_longest);
        (figures, WriteLock { count: count(self.lock_count), seconds, longest })
    }

    /// How much of the table its last attempt computed; `None` before its end, and for a word of another version.
    pub(super) fn computed(&self) -> Option<Computed> {
        let (table, of) = (known(&self.table_name)?, count(self.entries));
        Some(Computed { table, entries: count(self.computed?), of })
    }

    /// The row after an attempt that ended with this report. Unlike the other figures, lock holds add up over all
    /// attempts: VMS had to wait for each of them.
    pub(super) fn after(self, report: &JobReport) -> job::ActiveModel {
        let count = |n| Set(stored(n));
        let held = self.figures().1.and(report.holds.figures());
        let figures = report.figures;
        job::ActiveModel {
            entries: count(figures.entries),
            rebuilt: count(figures.rebuilt),
            verified: count(figures.verified),
            skipped: count(figures.skipped),
            pruned: count(figures.pruned),
            failed: count(figures.failed),
            warnings: count(figures.warnings),
            bytes: count(figures.bytes),
            computed: Set(Some(stored(report.computed))),
            seconds: Set(figures.seconds),
            error: Set(report.error.clone()),
            lock_count: count(held.count),
            lock_seconds: Set(held.seconds),
            lock_longest: Set(held.longest),
            ..self.into_active_model()
        }
    }
}

/// An attempt whose outcome is unknown is shown without one, and the word in its error.
pub(super) fn attempt_of(row: attempt::Model) -> Attempt {
    let outcome: Option<Outcome> = row.outcome.as_ref().and_then(known);
    let unknown = row.outcome.filter(|_| outcome.is_none());
    let unknown = unknown.map(|word| format!("outcome \"{word}\", which this version does not know"));
    let error: Vec<String> = unknown.into_iter().chain(row.error).collect();
    Attempt {
        number: u32::try_from(row.number).unwrap_or(u32::MAX),
        started: Timestamp::from_micros(row.started),
        ended: row.ended.map(Timestamp::from_micros),
        snapshot: row.snapshot.map(Timestamp::from_micros),
        seconds: row.seconds,
        outcome,
        error: (!error.is_empty()).then(|| error.join(": ")),
    }
}

/// Outcomes by precedence, from the worst to the least informative.
const ORDER: [Outcome; 10] = [
    Outcome::Failed,
    Outcome::Disabled,
    Outcome::Guarded,
    Outcome::Mixed,
    Outcome::Rebuilt,
    Outcome::Verified,
    Outcome::Skipped,
    Outcome::Withheld,
    Outcome::Off,
    Outcome::NotApplicable,
];

/// The outcome of a run as a whole; `None` when no job has an outcome.
///
/// A bad outcome wins. Among good outcomes, the one that says most about the written entries wins; rebuilt
/// tables beside verified tables make the run mixed, as rebuilt and verified entries do for a table.
pub(super) fn verdict(outcomes: &[Outcome]) -> Option<Outcome> {
    let worst = ORDER.into_iter().find(|o| outcomes.contains(o))?;
    if worst == Outcome::Rebuilt && outcomes.contains(&Outcome::Verified) {
        return Some(Outcome::Mixed);
    }
    Some(worst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{
        Disabled, Failed, Guarded, Mixed, NotApplicable, Off, Rebuilt, Skipped, Verified, Withheld,
    };

    #[test]
    fn the_worst_table_decides_and_else_the_most_informative_one() {
        let cases: &[(&[Outcome], Option<Outcome>)] = &[
            (&[], None),
            (&[Rebuilt, Failed, Guarded], Some(Failed)),
            (&[Guarded, Disabled], Some(Disabled)),
            (&[Rebuilt, Guarded], Some(Guarded)),
            (&[Rebuilt, Verified], Some(Mixed)),
            (&[Mixed, Verified], Some(Mixed)),
            (&[Rebuilt, Skipped], Some(Rebuilt)),
            (&[Skipped, Verified], Some(Verified)),
            (&[NotApplicable, Skipped, Off], Some(Skipped)),
            (&[Off, Withheld], Some(Withheld)),
            (&[NotApplicable], Some(NotApplicable)),
        ];
        for (outcomes, expected) in cases {
            assert_eq!(verdict(outcomes), *expected, "{outcomes:?}");
        }
    }

    #[test]
    fn every_outcome_has_its_place_and_bad_ones_come_first() {
        for outcome in Outcome::ALL {
            assert!(ORDER.contains(outcome), "{outcome}");
        }
        assert!(ORDER.is_sorted_by_key(|o| o.is_good()));
    }
}
