//! `maintenance`: work on the database files themselves.
//!
//! The answer comes as soon as the task is accepted. Events follow: a [`Progress::Step`] for what is done at the
//! moment, the first one at once, and [`Progress::MaintenanceDone`] as the last. A client that is slow misses steps,
//! never the end. One task is worked on at a time, and none while a refresh is: a task that is accepted may wait.
//!
//! [`Progress::Step`]: crate::verb::refresh::Progress::Step
//! [`Progress::MaintenanceDone`]: crate::verb::refresh::Progress::MaintenanceDone

use serde::{Deserialize, Serialize};

use crate::words::Chore;

/// A task with what it needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MaintenanceRequest {
    /// Collect the statistics by which SQLite plans its reads of the cache tables.
    Analyze,
    /// Build the indexes of the cache tables anew.
    Reindex,
    /// Give free pages back to the file system, after a backup.
    Vacuum,
    /// Look for damage in VMS's database and in the daemon's own.
    Integrity,
    /// Copy VMS's database.
    Backup {
        /// Absolute path of the copy, in UTF-8; nothing may be there.
        file: String,
    },
    /// Remove cache entries that nobody reads any more.
    Prune {
        /// Age from which on they go, at least a day; none for the configured one.
        older_than_seconds: Option<u64>,
        /// Only say what would be removed.
        dry_run: bool,
    },
}

impl MaintenanceRequest {
    /// The word for it.
    pub const fn chore(&self) -> Chore {
        match self {
            Self::Analyze => Chore::Analyze,
            Self::Reindex => Chore::Reindex,
            Self::Vacuum => Chore::Vacuum,
            Self::Integrity => Chore::Integrity,
            Self::Backup { .. } => Chore::Backup,
            Self::Prune { .. } => Chore::Prune,
        }
    }
}

/// Answer to `maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceReply {
    /// Number of the task, counted from the daemon's start.
    pub id: u64,
    /// What was accepted.
    pub chore: Chore,
}

/// What a task does at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceStep {
    /// In words, for example the table; one line.
    pub doing: String,
    /// Steps that are done.
    pub done: u64,
    /// Steps in all; 0 while that is not known.
    pub total: u64,
}

/// Bytes on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceSize {
    /// The database file.
    pub file: u64,
    /// Of those, in free pages.
    pub free: u64,
    /// The write-ahead log beside it.
    pub log: u64,
}

/// What was done to one table, index or file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceItem {
    /// Its name.
    pub name: String,
    /// Rows that were removed, or would be; 0 for tasks that remove none.
    pub rows: u64,
    /// Bytes: of payload removed, of an index's table, of a file.
    pub bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// What was found, one line each; empty when there is nothing to say.
    pub messages: Vec<String>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceReport {
    /// What it was.
    pub chore: Chore,
    /// Whether all is well; false when damage was found.
    pub good: bool,
    /// Nothing was changed, because only a preview was asked for.
    pub dry_run: bool,
    /// Seconds of work, without waiting for its turn.
    pub seconds: f64,
    /// VMS's database before.
    pub before: MaintenanceSize,
    /// And after.
    pub after: MaintenanceSize,
    /// What was done, in order.
    pub items: Vec<MaintenanceItem>,
    /// The copy that was made.
    pub file: Option<String>,
    /// What else an operator should know.
    pub notes: Vec<String>,
}
