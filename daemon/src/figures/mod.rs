//! Statistics of past runs, compared with the targets, for the `report` verb.
//!
//! Loading is separate from counting, so that counting is a function of the loaded data.

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

/// The runs and jobs of a past time window, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The runs that ended in the window.
    pub runs: Vec<PastRun>,
    /// The jobs of these runs.
    pub jobs: Vec<PastJob>,
    /// How long these jobs held VMS's write lock.
    pub write_lock: WriteLock,
}

/// A run that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRun {
    /// Seconds of work.
    pub seconds: f64,
    /// The outcome of the run: that of its worst table.
    pub outcome: Option<Outcome>,
}

/// The job of one table in a run that has ended.
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
