//! `invalidate`: makes entries count as stale whatever their age, and asks for a refresh of them.
//!
//! Nothing is removed: until the refresh has ended, VMS goes on showing what is there.

use serde::{Deserialize, Serialize};

use crate::words::{CacheType, Table};

/// Asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidateRequest {
    /// The types; at least one.
    pub types: Vec<CacheType>,
}

/// Answer to `invalidate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidateReply {
    /// The tables whose entries count as stale now.
    pub tables: Vec<Table>,
    /// How many entries that are.
    pub entries: u64,
    /// Number of the run that makes them anew.
    pub run: i64,
    /// True when an identical run was queued already.
    pub joined: bool,
}
