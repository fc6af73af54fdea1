//! `refresh`: requests a run, and follows it.
//!
//! The answer is sent as soon as the run is durably queued. With `wait`, events follow: first a
//! [`Progress::Snapshot`] with all that is known of the run, then one event per change, and
//! [`Progress::RunDone`] as the last.

use serde::{Deserialize, Serialize};

use crate::verb::history::Run;
use crate::verb::jobs::Job;
use crate::verb::maintenance::{MaintenanceReport, MaintenanceStep};
use crate::words::{CacheType, SchedulerState, Table};

/// Request for a refresh. No types and no tables means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequest {
    /// Types to refresh.
    pub types: Vec<CacheType>,
    /// Single tables to refresh.
    pub tables: Vec<Table>,
    /// Also refresh entries that are young enough.
    pub force: bool,
    /// Accept a source that lost suspiciously many rows.
    pub accept: bool,
    /// Stream the progress until the run has ended.
    pub wait: bool,
}

/// Answer to `refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshReply {
    /// Number of the run that does the work.
    pub run: i64,
    /// True when an identical request was queued already and this one joined it.
    pub joined: bool,
}

/// An event of a run, of a maintenance task, or of the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// All that is known of the run when the stream begins.
    Snapshot(Run),
    /// Work on a table began.
    JobStarted(Job),
    /// Work on a table ended, or was cancelled.
    JobDone(Job),
    /// The run ended; nothing follows.
    RunDone(Run),
    /// An attempt at a table failed; the table waits for its next one.
    JobWaits(Job),
    /// The current step of a maintenance task.
    Step(MaintenanceStep),
    /// The maintenance task ended; nothing follows.
    MaintenanceDone(MaintenanceReport),
    /// The scheduler was started or stopped. Not sent to a client that follows a run or a task.
    Scheduler(SchedulerState),
}

impl Progress {
    /// The run that the event is about, if any.
    pub const fn run(&self) -> Option<i64> {
        match self {
            Self::Snapshot(run) | Self::RunDone(run) => Some(run.id),
            Self::JobStarted(job) | Self::JobWaits(job) | Self::JobDone(job) => Some(job.run),
            Self::Step(_) | Self::MaintenanceDone(_) | Self::Scheduler(_) => None,
        }
    }
}
