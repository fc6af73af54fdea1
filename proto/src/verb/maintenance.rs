//! `maintenance`: work on the database files themselves.
//!
//! The answer is sent as soon as the task is accepted. Events follow: a [`Progress::Step`] for the current
//! step, the first one at once, and [`Progress::MaintenanceDone`] as the last. A slow client misses steps,
//! never the end. Tasks run one at a time, and none during a refresh: an accepted task may have to wait.
//!
//! [`Progress::Step`]: crate::verb::refresh::Progress::Step
//! [`Progress::MaintenanceDone`]: crate::verb::refresh::Progress::MaintenanceDone

use serde::{Deserialize, Serialize};

use crate::words::MaintenanceTask;

/// A task with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MaintenanceRequest {
    /// Collect the statistics that SQLite uses to plan reads of the cache tables.
    Analyze,
    /// Rebuild the indexes of the cache tables.
    Reindex,
    /// Give free pages back to the file system, after a backup.
    Vacuum,
    /// Check VMS's database and the daemon's own for damage.
    Integrity,
    /// Have the daemon copy VMS's database to a path. Refused: the daemon writes to no path that a client names,
    /// [`crate::verb::backup`] has it sent instead.
    Backup {
        /// Absolute path of the copy, in UTF-8.
        file: String,
    },
    /// Remove cache entries that no reader uses any more.
    Prune {
        /// Age from which on entries are removed, at least a day; `None` for the configured age.
        older_than_seconds: Option<u64>,
        /// Only report what would be removed.
        dry_run: bool,
    },
}

impl MaintenanceRequest {
    /// Returns the word for the task.
    pub const fn task(&self) -> MaintenanceTask {
        match self {
            Self::Analyze => MaintenanceTask::Analyze,
            Self::Reindex => MaintenanceTask::Reindex,
            Self::Vacuum => MaintenanceTask::Vacuum,
            Self::Integrity => MaintenanceTask::Integrity,
            Self::Backup { .. } => MaintenanceTask::Backup,
            Self::Prune { .. } => MaintenanceTask::Prune,
        }
    }
}

/// Answer to `maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceReply {
    /// Number of the task, counted from the daemon's start.
    pub id: u64,
    /// The accepted task.
    #[serde(rename = "chore")]
    pub task: MaintenanceTask,
}

/// The current step of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceStep {
    /// Description of the step, for example the table; one line.
    pub doing: String,
    /// Number of completed steps.
    pub done: u64,
    /// Total number of steps; 0 while unknown.
    pub total: u64,
}

/// Bytes on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceSize {
    /// The database file.
    pub file: u64,
    /// Bytes of the file in free pages.
    pub free: u64,
    /// The write-ahead log beside it.
    pub log: u64,
}

/// The result for one table, index or file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceItem {
    /// Its name.
    pub name: String,
    /// Rows that were removed, or would be; 0 for tasks that remove none.
    pub rows: u64,
    /// Bytes: of payload removed, of an index's table, of a file.
    pub bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Findings, one line each; empty when there are none.
    pub messages: Vec<String>,
}

/// The result of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceReport {
    /// The task.
    #[serde(rename = "chore")]
    pub task: MaintenanceTask,
    /// Whether all is well; false when damage was found.
    pub good: bool,
    /// Whether nothing was changed because only a preview was requested.
    pub dry_run: bool,
    /// Seconds of work, without the wait in the queue.
    pub seconds: f64,
    /// Size of VMS's database before the task.
    pub before: MaintenanceSize,
    /// Size of VMS's database after the task.
    pub after: MaintenanceSize,
    /// What was done, in order.
    pub items: Vec<MaintenanceItem>,
    /// The copy that was made.
    pub file: Option<String>,
    /// Further notes for the operator.
    pub notes: Vec<String>,
}
