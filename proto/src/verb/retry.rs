//! `retry`: repeats jobs that did not end well. A job that waits for its next attempt gets it now.

use serde::{Deserialize, Serialize};

use crate::verb::cancel::Target;
use crate::words::Table;

/// Request to repeat jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryRequest {
    /// A job, or those jobs of a run that did not end well.
    Target(Target),
    /// Every table whose newest job did not end well.
    Failed,
}

/// Answer to `retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryReply {
    /// Runs that do the work; none when nothing had failed.
    pub runs: Vec<i64>,
    /// Their tables.
    pub tables: Vec<Table>,
}
