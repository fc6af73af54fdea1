//! `health`: one verdict, its reasons, and what to do about each.

use serde::{Deserialize, Serialize};

use crate::words::HealthLevel;

/// Request for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthRequest;

/// One reason for a level below healthy, or a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable word for scripts, for example `database_unreachable`.
    pub code: String,
    /// The severity; `healthy` for a mere note.
    pub level: HealthLevel,
    /// What is wrong, one line.
    pub message: String,
    /// What to do about it, one line.
    pub hint: String,
}

/// The answer of VMS's page to the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmsPage {
    /// The URL of the page, without what may be a secret in it.
    pub url: String,
    /// HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// How long the request took.
    pub milliseconds: u64,
    /// Why there was no answer, one line.
    pub error: Option<String>,
}

/// Answer to `health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReply {
    /// The worst level of the reasons.
    pub health: HealthLevel,
    /// The reasons. When healthy, these are only notes.
    pub reasons: Vec<Reason>,
    /// The answer of VMS's page; `None` unless `vms.probe_url` is set.
    pub vms_page: Option<VmsPage>,
}
