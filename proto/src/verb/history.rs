//! `history`: past runs, newest first, whole or in pages.

use serde::{Deserialize, Serialize};

use crate::lock::WriteLock;
use crate::time::Timestamp;
use crate::verb::jobs::{Job, UnknownRow};
use crate::words::{Outcome, Phase, Trigger};

/// Request for runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRequest {
    /// Only runs queued within so many seconds before now.
    pub since_seconds: u64,
}

/// One run: a refresh that a person or a trigger requested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Number of the run.
    pub id: i64,
    /// Its trigger.
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
    /// Its tables, in the order in which they are processed.
    pub jobs: Vec<Job>,
    /// How long VMS's write lock was held, by all its tables.
    pub write_lock: WriteLock,
}

/// Answer to `history`: the newest runs, as many as fit into one answer, their jobs without attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryReply {
    /// The runs, newest first.
    pub runs: Vec<Run>,
}

/// Request for a page of runs, from protocol 2 on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPageRequest {
    /// Only runs queued within so many seconds before now.
    pub since_seconds: u64,
    /// Only runs with a lower number than this; the [`next`](HistoryPage::next) of the page before.
    pub before: Option<i64>,
    /// How many at most; the daemon may return fewer.
    pub limit: u32,
}

/// A page of runs, their jobs without attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// Runs in the range of the page, and jobs of its runs, that cannot be listed as such.
    pub unknown: Vec<UnknownRow>,
    /// Where the next page begins; none on the last one.
    pub next: Option<i64>,
}
