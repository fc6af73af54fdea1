//! `health`: one judgement, its reasons, and what to do about each.

use serde::{Deserialize, Serialize};

use crate::words::HealthLevel;

/// One reason for a judgement below healthy, or something worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable word for scripts, for example `database_unreachable`.
    pub code: String,
    /// How bad it is; `healthy` for what is only worth knowing.
    pub level: HealthLevel,
    /// What is wrong, one line.
    pub message: String,
    /// What to do about it, one line.
    pub hint: String,
}

/// What VMS answered when it was asked for a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmsPage {
    /// The address, without what may be a secret in it.
    pub url: String,
    /// HTTP status; none without an answer.
    pub status: Option<u16>,
    /// How long it took.
    pub milliseconds: u64,
    /// Why there was no answer, one line.
    pub error: Option<String>,
}

/// Answer to `health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReply {
    /// The worst of the reasons.
    pub health: HealthLevel,
    /// Why. When healthy, there is nothing here but what is only worth knowing.
    pub reasons: Vec<Reason>,
    /// What VMS answered; none unless `vms.probe_url` is set.
    pub vms_page: Option<VmsPage>,
}
