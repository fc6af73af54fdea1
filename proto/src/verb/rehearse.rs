//! `rehearse`: what the scheduler would do on given days.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::words::{SchedulerState, SlotFate, Table, Trigger};

/// Request for a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RehearseRequest {
    /// The first day, `YYYY-MM-DD`, a civil date in the zone of the schedule; it may lie in the past.
    pub from: String,
    /// How many days, from 1 to 400.
    pub days: u32,
}

/// One decision of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When it is made.
    pub at: Timestamp,
    /// Offset of the zone from UTC at that instant, for example `-06:00`.
    pub offset: String,
    /// The trigger of the run.
    pub trigger: Trigger,
    /// The civil date-time that a scheduled run belongs to, `YYYY-MM-DD HH:MM`.
    pub slot: Option<String>,
    /// Whether a run is made.
    pub fate: SlotFate,
    /// The tables that are refreshed; empty when no run is made.
    pub tables: Vec<Table>,
    /// The reason: what is special about the fire, or what cannot wait for it.
    pub note: Option<String>,
}

/// Answer to `rehearse`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RehearseReply {
    /// Whether the schedule is running at all.
    pub scheduler: SchedulerState,
    /// The zone of the days and the slots, an IANA name.
    pub timezone: String,
    /// The schedule in words, for example `daily at 02:00`.
    pub schedule: String,
    /// The first day.
    pub from: String,
    /// How many days.
    pub days: u32,
    /// The decisions, in order.
    pub decisions: Vec<Decision>,
    /// What the rehearsal leaves out, and what it assumes.
    pub notes: Vec<String>,
}
