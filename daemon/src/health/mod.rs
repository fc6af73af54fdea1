//! The daemon's judgement of itself and of what it keeps: one file per subject, each a function of what was seen.
//!
//! A check that has something to say gives a reason: a stable code, what is wrong, and a command to type.

mod clocks;
mod database;
mod disk;
mod entries;
mod held;
mod last_run;
mod log;
mod maintenance;
mod odd_rows;
mod others;
mod queue;
mod reason;
mod scheduler;
mod schema;
mod state;
mod surroundings;
#[cfg(test)]
mod tests;
mod vms_page;

use std::path::PathBuf;

use cached_proto::verb::health::{HealthReply, Reason, VmsPage};
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{HealthLevel, SchedulerState};
use chrono::{DateTime, TimeDelta, Utc};

use crate::refresh::survey::TableSurvey;
use crate::state::FailedChore;
use crate::watch::wipes::SecondRefresher;
pub use state::{StateSeen, state_unusable};
pub use surroundings::{Disk, Surroundings};

/// Everything that is judged.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The instant of the judgement.
    pub now: DateTime<Utc>,
    /// Whether automatic triggers fire.
    pub scheduler: SchedulerState,
    /// The cache tables, or why they cannot be looked at.
    pub tables: Result<Vec<TableSurvey>, String>,
    /// The newest run that has ended.
    pub last: Option<Run>,
    /// The run in progress.
    pub current: Option<Run>,
    /// Since when there has been a run to begin, if there is one.
    pub claimable_since: Option<DateTime<Utc>>,
    /// Whether a maintenance task is being worked on.
    pub maintains: bool,
    /// Jobs that are queued or running.
    pub waiting: Vec<Job>,
    /// The newest job of each table that has ended and did not skip all of it.
    pub results: Vec<Job>,
    /// Longest run that is still fine.
    pub target: TimeDelta,
    /// Who else seems to refresh.
    pub refreshers: Vec<SecondRefresher>,
    /// Bytes of payload that a first refresh is expected to make; 0 when that is not known.
    pub estimate: u64,
    /// What the file systems say.
    pub around: Surroundings,
    /// VMS's database.
    pub database: PathBuf,
    /// The daemon's own database.
    pub state: StateSeen,
    /// Scheduled maintenance whose last time failed.
    pub failed_chores: Vec<FailedChore>,
    /// What VMS answered, if it is asked.
    pub vms_page: Option<VmsPage>,
}

/// The checks, in the order in which their reasons are told: what explains others comes first.
const CHECKS: &[fn(&Seen) -> Option<Reason>] = &[
    state::lost,
    state::unwritable,
    database::unreachable,
    database::unwritable,
    clocks::behind,
    disk::low,
    log::unwritable,
    schema::disabled,
    held::guarded,
    entries::invalid,
    entries::incomplete,
    entries::missing,
    entries::stale,
    last_run::failed,
    queue::retrying,
    scheduler::stopped,
    queue::stuck,
    queue::slow,
    others::refresher,
    maintenance::failed,
    vms_page::failed,
    vms_page::slow,
    held::withheld,
    odd_rows::left_out,
];

/// Judges; the worst reason decides.
pub fn judge(seen: &Seen) -> HealthReply {
    let reasons: Vec<Reason> = CHECKS.iter().filter_map(|check| check(seen)).collect();
    let health = reasons.iter().map(|reason| reason.level).max().unwrap_or(HealthLevel::Healthy);
    HealthReply { health, reasons, vms_page: seen.vms_page.clone() }
}
