//! `status`: the state and age of the cache tables, and what comes next.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::verb::history::Run;
use crate::words::{CacheType, SchedulerState, Table, TableState};

/// Request for the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRequest {
    /// Also measure the bytes of each table, which reads every row.
    pub sizes: bool,
}

/// One cache table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableStatus {
    /// Its type.
    #[serde(rename = "type")]
    pub cache_type: CacheType,
    /// Its name.
    pub table: Table,
    /// Its state.
    pub state: TableState,
    /// Entries that should be there.
    pub expected: u64,
    /// Of those, complete and young.
    pub fresh: u64,
    /// Of those, over their age limit.
    pub stale: u64,
    /// Of those, not there.
    pub missing: u64,
    /// Of those, rejected by their reader.
    pub incomplete: u64,
    /// Of those, unparsable.
    pub invalid: u64,
    /// Rows with a key that the daemon does not generate.
    pub unmanaged: u64,
    /// When the oldest expected entry was generated.
    pub oldest: Option<Timestamp>,
    /// When the newest expected entry was generated.
    pub newest: Option<Timestamp>,
    /// Bytes of payload, if requested.
    pub bytes: Option<u64>,
    /// The error of the last attempt, if it failed.
    pub last_error: Option<String>,
    /// Why the table is not judged by its entries.
    pub note: Option<String>,
}

/// Answer to `status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusReply {
    /// Whether automatic triggers fire.
    pub scheduler: SchedulerState,
    /// When the schedule fires next; none while it is stopped.
    pub next_run: Option<Timestamp>,
    /// The schedule's zone, an IANA name.
    pub timezone: String,
    /// The run in progress.
    pub current_run: Option<Run>,
    /// The newest run that has ended.
    pub last_run: Option<Run>,
    /// Runs waiting behind it.
    pub queued_runs: u64,
    /// Why the VMS database cannot be read, if it cannot.
    pub database_error: Option<String>,
    /// The cache tables.
    pub tables: Vec<TableStatus>,
}
