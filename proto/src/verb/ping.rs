//! `ping`: whether the daemon runs, and its version and process.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Request for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingRequest;

/// Answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// Version of the daemon.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
}
