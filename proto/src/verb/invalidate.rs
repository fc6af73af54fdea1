//! `invalidate`: marks entries as stale whatever their age, and requests a refresh of them.
//!
//! Nothing is removed: until the refresh has ended, VMS continues to show the present entries.

use serde::{Deserialize, Serialize};

use crate::words::{CacheType, Table};

/// Request to invalidate entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidateRequest {
    /// The types; at least one.
    pub types: Vec<CacheType>,
}

/// Answer to `invalidate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidateReply {
    /// The tables whose entries are now stale.
    pub tables: Vec<Table>,
    /// Number of those entries.
    pub entries: u64,
    /// Number of the run that regenerates them.
    pub run: i64,
    /// True when an identical run was queued already.
    pub joined: bool,
}
