//! Figures of the past, against the targets: what `report` tells.
//!
//! Loading and counting are apart, so that the counting is a function of what was loaded.

mod errors;
mod full;
mod load;
mod rates;
mod readiness;
mod sizes;
#[cfg(test)]
mod tests;
mod times;

use cached_proto::lock::WriteLock;
use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, Utc};

pub use errors::errors;
pub use full::{FullRefreshes, full_refreshes};
pub use load::load;
pub use rates::{Rates, rates, times};
pub use readiness::{HOLD, readiness, sample};
pub use sizes::sizes;
pub use times::{Bucket, Histogram, longest_lock};

/// What is known of a window of the past, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The runs that ended in it.
    pub runs: Vec<PastRun>,
    /// Their tables.
    pub jobs: Vec<PastJob>,
    /// How long VMS's write lock was held by them.
    pub write_lock: WriteLock,
}

/// A run that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRun {
    /// Seconds of work.
    pub seconds: f64,
    /// The verdict: that of its worst table.
    pub outcome: Option<Outcome>,
}

/// A table of a run that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PastJob {
    /// The table.
    pub table: Table,
    /// How it ended.
    pub outcome: Outcome,
    /// When its run ended.
    pub ended: DateTime<Utc>,
    /// Bytes of payload generated.
    pub bytes: u64,
    /// The error, one line.
    pub error: Option<String>,
}
