//! `status`: the state and age of the cache tables, and what comes next.

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::time::Timestamp;
use crate::verb::history::Run;
use crate::words::{CacheType, SchedulerState, Table, TableState};

/// Request for the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRequest {
    /// Also measure the bytes of each table, which reads every row.
    pub sizes: bool,
}

/// Request for the status and what the last run computed, from protocol 2 on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullStatusRequest {
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

/// How much of a table the last attempt of a run computed. The other entries were proved to hold what would have been
/// computed, or were skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// The table.
    pub table: Table,
    /// Entries that were computed.
    pub entries: u64,
    /// Of so many.
    pub of: u64,
}

impl Computed {
    /// Whether every entry was computed, as by a forced run, and by one scheduled run in `cache.deep_check_days`.
    pub const fn is_whole(&self) -> bool {
        self.of > 0 && self.entries == self.of
    }
}

/// Answer to `status`, from protocol 2 on. Its JSON, which has the keys of the status beside its own, is written and
/// never read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FullStatus {
    /// The status.
    pub status: StatusReply,
    /// What the newest run that has ended computed, in the order of its tables; a run of an earlier version did not
    /// record it.
    pub computed: Vec<Computed>,
}

impl Serialize for FullStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { status, computed } = self;
        // Named one by one, so that none can be left out.
        let StatusReply {
            scheduler,
            next_run,
            timezone,
            current_run,
            last_run,
            queued_runs,
            database_error,
            tables,
        } = status;
        let mut fields = serializer.serialize_struct("FullStatus", 9)?;
        fields.serialize_field("scheduler", scheduler)?;
        fields.serialize_field("next_run", next_run)?;
        fields.serialize_field("timezone", timezone)?;
        fields.serialize_field("current_run", current_run)?;
        fields.serialize_field("last_run", last_run)?;
        fields.serialize_field("queued_runs", queued_runs)?;
        fields.serialize_field("database_error", database_error)?;
        fields.serialize_field("tables", tables)?;
        fields.serialize_field("computed", computed)?;
        fields.end()
    }
}
