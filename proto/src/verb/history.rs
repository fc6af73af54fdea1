//! `history`: past runs, newest first.

use serde::{Deserialize, Serialize};

use crate::lock::WriteLock;
use crate::time::Timestamp;
use crate::verb::jobs::Job;
use crate::words::{Outcome, Phase, Trigger};

/// Request for runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRequest {
    /// Only runs queued within so many seconds before now.
    pub since_seconds: u64,
}

/// One refresh that somebody or something asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Number of the run.
    pub id: i64,
    /// What asked for it.
    pub trigger: Trigger,
    /// The slot of a scheduled run, `YYYY-MM-DD HH:MM`.
    pub slot: Option<String>,
    /// Where it is in its life.
    pub phase: Phase,
    /// When it was queued.
    pub queued: Timestamp,
    /// When work began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Seconds of work, 0 before it ended.
    pub seconds: f64,
    /// The verdict: that of its worst table.
    pub outcome: Option<Outcome>,
    /// Its tables, in the order they are worked on.
    pub jobs: Vec<Job>,
    /// How long VMS's write lock was held, by all its tables.
    pub write_lock: WriteLock,
}

/// Answer to `history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryReply {
    /// The runs, newest first.
    pub runs: Vec<Run>,
}
