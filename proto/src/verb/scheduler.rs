//! `start-scheduler` and `stop-scheduler`: whether automatic triggers fire. The setting survives restarts.

use serde::{Deserialize, Serialize};

use crate::words::SchedulerState;

/// Request to let automatic triggers fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartRequest;

/// Request to pause automatic triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopRequest;

/// Answer to `start-scheduler` and `stop-scheduler`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SchedulerReply {
    /// The state from now on.
    pub scheduler: SchedulerState,
    /// False when it was in that state already.
    pub changed: bool,
}
