//! `logs`: what the daemon wrote into its log file, and what it writes.
//!
//! The answer comes at once. Then follow the lines that are there, oldest first, and, if that was asked for, every
//! line as it is written.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Asks for lines of the log file, rotated and compressed ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsRequest {
    /// Only lines of this run.
    pub run: Option<i64>,
    /// Of the lines that are there, only the newest so many.
    pub lines: Option<u64>,
    /// Only lines written within so many seconds before now, or later.
    pub since_seconds: Option<u64>,
    /// Stream lines as they are written, until the client hangs up.
    pub follow: bool,
}

/// Answer to `logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsReply {
    /// The file that is written at present.
    pub file: String,
    /// IANA name of the zone of the times in it.
    pub timezone: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written; none for a line that was cut off or is not the daemon's.
    pub at: Option<Timestamp>,
    /// The run that it is about.
    pub run: Option<i64>,
    /// The line: `YYYY-MM-DD HH:MM:SS,mmm - target - LEVEL - message`. The target of a line that is about a run
    /// ends with `::` and its number.
    pub text: String,
}

/// What follows the answer to `logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogEvent {
    /// Lines, in their order.
    Lines(Vec<LogLine>),
    /// A file that cannot be read to its end, and why; what could be read was sent.
    Unreadable(String),
    /// All lines that were there have been sent; those that are written now follow.
    CaughtUp,
    /// All lines have been sent; nothing follows.
    End,
}
