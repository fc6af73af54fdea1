//! `maintenance backup`: a copy of VMS's database as it is at one instant, sent to the client.
//!
//! The client opens the file that it is asked to write, as its own user and in its own mount namespace: a path
//! that the daemon resolved would be resolved with the daemon's rights. Needs a right of its own, because the
//! copy holds personal data and credentials.
//!
//! The answer is sent at once. Events follow: a [`BackupEvent::Step`] for each step, then the copy, which has
//! been verified, in [`BackupEvent::Part`]s, and [`BackupEvent::Done`] as the last. A copy that is not confirmed
//! by the size and the digest of `Done` is worthless.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::verb::maintenance::{MaintenanceReport, MaintenanceStep};

/// Request for a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupRequest;

/// Answer to `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReply {
    /// The database that is copied.
    pub database: String,
}

/// An event that follows the answer to `backup`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum BackupEvent {
    /// The current step of making the copy.
    Step(MaintenanceStep),
    /// The next bytes of the copy.
    Part(Bytes),
    /// The copy is complete; nothing follows.
    Done(BackupDone),
}

/// What the client compares with what it wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupDone {
    /// Bytes of the copy.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// How it was made; without a file, whose name only the client knows.
    pub report: MaintenanceReport,
}
