//! Operations of a history, one per line of a reproduction.

use cached::vms::tables::Table;
use serde::{Deserialize, Serialize};

/// Initial state of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// Seed of leases and pauses.
    pub(crate) seed: u64,
    /// Index into the starting instants.
    pub(crate) start: usize,
    /// Whether VMS's database has a write-ahead log.
    pub(crate) wal: bool,
    /// Whether everything has been refreshed once.
    pub(crate) lived_in: bool,
    /// Whether VMS lacks the two tables that take longest.
    pub(crate) small: bool,
}

/// An operation. Spans are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    /// Time passes, and the daemon's loops run.
    Pass(u64),
    /// The machine is suspended: time passes, and no loop runs.
    Sleep(u64),
    /// The wall clock is set.
    Set(i64),
    /// The worker executes this many steps.
    Work(u64),
    /// The worker continues until nothing is due.
    Idle,
    /// Another worker executes this many steps.
    Rival(u64),
    /// The daemon dies, and is started again after a while.
    Crash { down: u64 },
    /// The daemon dies in the middle of work, at the n-th point from now.
    CrashAt { point: u64, down: u64 },
    /// The daemon finishes the run in progress and stops.
    Stop { down: u64 },
    /// The daemon is asked to stop, and killed before the run in progress has ended, at the n-th point from
    /// now.
    BreakOff { point: u64, down: u64 },
    /// Another process locks VMS's database.
    Lock { exclusive: bool },
    /// The other process releases the lock.
    Unlock,
    /// A refresh of one table or all is requested.
    Refresh { table: Option<Table>, force: bool, accept: bool },
    /// The newest run that has not ended is cancelled.
    Cancel,
    /// A retry of everything that failed is requested.
    Retry,
    /// VMS changes its own data.
    Import { kind: u64, salt: u64 },
    /// An import loses most of its rows.
    Lose,
    /// The rows come back.
    Restore,
    /// VMS deletes cache rows: all of a table, or every n-th.
    Wipe { table: Table, every: u64 },
    /// A page view of VMS overwrites a cache row.
    View { table: Table, salt: u64 },
    /// VMS executes a write while the daemon works, at the n-th point from now.
    Meddle { point: u64, salt: u64 },
    /// The configuration is read again.
    Reload { time: usize, zone: usize, catch_up: bool },
    /// `cachectl stop-scheduler`
    StopScheduler,
    /// `cachectl start-scheduler`
    StartScheduler,
}

/// Refresh times and zones that configurations choose from.
pub(crate) const TIMES: [&str; 4] = ["02:00", "14:30", "01:30", "23:50"];
pub(crate) const ZONES: [&str; 3] = ["America/Chicago", "Pacific/Auckland", "UTC"];

/// Instants at which histories begin: an ordinary day, the eves of both clock changes of Chicago, and the eve
/// of another school year.
pub(crate) const STARTS: [&str; 4] =
    ["2026-03-10T17:00:00Z", "2026-03-07T18:00:00Z", "2026-10-31T17:00:00Z", "2026-05-31T15:00:00Z"];
