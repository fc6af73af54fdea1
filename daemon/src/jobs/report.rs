//! Result of an attempt at one table.

use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, Utc};

use crate::vms::LockHolds;

/// How an attempt at a table ended, with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct JobReport {
    /// The table.
    pub table: Table,
    /// The outcome.
    pub outcome: Outcome,
    /// Entries that the report has.
    pub entries: u64,
    /// Entries written because they had changed.
    pub rebuilt: u64,
    /// Entries stamped because they were unchanged.
    pub verified: u64,
    /// Entries left alone because they were young.
    pub skipped: u64,
    /// Entries removed because their key is no longer part of the report.
    pub pruned: u64,
    /// Entries that could not be written.
    pub failed: u64,
    /// Source rows that were left out, and values that were read with a substitute or that VMS fails on.
    pub warnings: u64,
    /// Bytes of payload generated.
    pub bytes: u64,
    /// Seconds of work.
    pub seconds: f64,
    /// The error, one line.
    pub error: Option<String>,
    /// Instant of the snapshot that the table was computed from; `None` when none was taken.
    pub snapshot: Option<DateTime<Utc>>,
    /// How long VMS's write lock was held.
    pub holds: LockHolds,
}

impl JobReport {
    /// A report without figures, for a table that was not generated.
    pub const fn new(table: Table, outcome: Outcome) -> Self {
        Self {
            table,
            outcome,
            entries: 0,
            rebuilt: 0,
            verified: 0,
            skipped: 0,
            pruned: 0,
            failed: 0,
            warnings: 0,
            bytes: 0,
            seconds: 0.0,
            error: None,
            snapshot: None,
            holds: LockHolds::NONE,
        }
    }
}
