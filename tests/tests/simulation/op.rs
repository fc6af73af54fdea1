//! What may happen to a daemon, one operation per line of a reproduction.

use cached::vms::tables::Table;
use serde::{Deserialize, Serialize};

/// Where and how a history begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// Draws leases and pauses.
    pub(crate) seed: u64,
    /// Which of the starting instants.
    pub(crate) start: usize,
    /// Whether VMS has a write-ahead log.
    pub(crate) wal: bool,
    /// Whether everything has been refreshed once.
    pub(crate) lived_in: bool,
    /// Whether VMS lacks the two tables that take longest.
    pub(crate) small: bool,
}

/// One thing that happens. Spans are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    /// Time passes, and the daemon's loops turn.
    Pass(u64),
    /// The machine sleeps: time passes, and nobody turns.
    Sleep(u64),
    /// The wall clock is set.
    Set(i64),
    /// The worker goes on by so many steps.
    Work(u64),
    /// The worker goes on until nothing is due.
    Idle,
    /// Another worker goes on by so many steps.
    Rival(u64),
    /// The daemon dies, and is started again after a while.
    Crash { down: u64 },
    /// It dies in the middle of work, at the n-th point from now.
    CrashAt { point: u64, down: u64 },
    /// It finishes the run in progress and stops.
    Stop { down: u64 },
    /// It is told to stop, and killed before the run in progress has ended, at the n-th point from now.
    BreakOff { point: u64, down: u64 },
    /// Somebody locks VMS's database.
    Lock { exclusive: bool },
    /// They let it go.
    Unlock,
    /// Somebody asks for a refresh, of one table or all.
    Refresh { table: Option<Table>, force: bool, accept: bool },
    /// Somebody cancels the newest run that has not ended.
    Cancel,
    /// Somebody has everything done again that failed.
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
    /// VMS does one of these while the daemon works, at the n-th point from now.
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

/// Instants at which histories begin: an ordinary day, the eves of both clock changes of Chicago, and the eve of
/// another school year.
pub(crate) const STARTS: [&str; 4] =
    ["2026-03-10T17:00:00Z", "2026-03-07T18:00:00Z", "2026-10-31T17:00:00Z", "2026-05-31T15:00:00Z"];
