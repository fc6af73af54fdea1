//! `logs`: existing and new lines of the daemon's log file.
//!
//! The answer is sent at once. It is followed by the existing lines, oldest first, and, if requested, by
//! every new line as it is written.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Request for lines of the log file, including rotated and compressed files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsRequest {
    /// Only lines of this run.
    pub run: Option<i64>,
    /// Of the existing lines, only the newest so many.
    pub lines: Option<u64>,
    /// Only lines written within so many seconds before now, or later.
    pub since_seconds: Option<u64>,
    /// Stream lines as they are written, until the client hangs up.
    pub follow: bool,
}

/// Answer to `logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsReply {
    /// The file that is currently written to.
    pub file: String,
    /// IANA name of the zone of the times in the file.
    pub timezone: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written; `None` for a line that was cut off or is not the daemon's.
    pub at: Option<Timestamp>,
    /// The run that the line is about.
    pub run: Option<i64>,
    /// The line: `YYYY-MM-DD HH:MM:SS,mmm - target - LEVEL - message`. The target of a line that is about a
    /// run ends with `::` and the number of the run.
    pub text: String,
}

/// An event that follows the answer to `logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogEvent {
    /// Lines, in order.
    Lines(Vec<LogLine>),
    /// A file that cannot be read to its end, with the reason; the readable part was sent.
    Unreadable(String),
    /// All existing lines have been sent; new lines follow as they are written.
    CaughtUp,
    /// All lines have been sent; nothing follows.
    End,
}
