//! `next`: when the schedule fires next.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::words::SchedulerState;

/// Request for the next fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextRequest {
    /// How many fires; at most 1,000 are returned.
    pub count: u32,
}

/// One fire of the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// The civil date-time it belongs to, `YYYY-MM-DD HH:MM`.
    pub slot: String,
    /// The instant it fires at.
    pub at: Timestamp,
    /// Offset of the zone from UTC at that instant, for example `-06:00`.
    pub offset: String,
    /// What is special about the fire: a clock change, or why it will not run; `None` on ordinary nights.
    pub note: Option<String>,
}

/// Answer to `next`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextReply {
    /// Whether the schedule is running at all.
    pub scheduler: SchedulerState,
    /// The zone of the slots, an IANA name.
    pub timezone: String,
    /// The schedule in words, for example `daily at 02:00`.
    pub schedule: String,
    /// The fires, soonest first.
    pub fires: Vec<Fire>,
    /// What is unusual about the schedule as a whole, for example a missed slot whose run is still to come.
    pub notes: Vec<String>,
}
