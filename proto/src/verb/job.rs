//! `job`: one job with its attempts.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::verb::jobs::Job;

/// Request for a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRequest {
    /// Number of the job.
    pub job: i64,
}

/// Answer to `job`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobReply {
    /// The job.
    pub job: Job,
    /// The instant before which its next attempt does not begin; none when it does not wait for one.
    pub not_before: Option<Timestamp>,
}
