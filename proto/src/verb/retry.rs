//! `retry`: does again what did not end well. What waits for its next attempt has it now.

use serde::{Deserialize, Serialize};

use crate::verb::cancel::Target;
use crate::words::Table;

/// Asks for another try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryRequest {
    /// At a job, or at those jobs of a run that did not end well.
    Target(Target),
    /// At every table whose newest job did not end well.
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
