//! Health checks of the daemon and of the tables it maintains: one file per subject, each a function of the
//! observed state.
//!
//! A check that finds a problem returns a reason: a stable code, what is wrong, and a command to type.

mod clocks;
mod components;
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
mod zone;

use std::path::PathBuf;

use cached_proto::verb::health::{HealthReply, Reason, VmsPage};
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{HealthLevel, SchedulerState};
use chrono::{DateTime, TimeDelta, Utc};

use crate::refresh::survey::TableSurvey;
use crate::state::FailedChore;
use crate::supervise::Fault;
use crate::watch::wipes::SecondRefresher;
pub use database::Unreadable;
pub use maintenance::BackupLack;
pub use state::{StateSeen, state_unusable};
pub use surroundings::{Disk, Surroundings};

/// The observed state that the checks judge.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When the state was observed.
    pub now: DateTime<Utc>,
    /// Whether automatic triggers fire.
    pub scheduler: SchedulerState,
    /// The survey of the cache tables, or why it failed.
    pub tables: Result<Vec<TableSurvey>, Unreadable>,
    /// The newest run that has ended.
    pub last: Option<Run>,
    /// The run in progress.
    pub current: Option<Run>,
    /// Since when a run could have been claimed, if one is waiting.
    pub claimable_since: Option<DateTime<Utc>>,
    /// Whether a maintenance task is in progress.
    pub maintains: bool,
    /// Jobs that are queued or running.
    pub waiting: Vec<Job>,
    /// The newest ended job of each table that did not skip every entry.
    pub results: Vec<Job>,
    /// Longest acceptable duration of a run.
    pub target: TimeDelta,
    /// Other processes that seem to refresh.
    pub refreshers: Vec<SecondRefresher>,
    /// Expected payload size of a first refresh, in bytes; 0 if unknown.
    pub estimate: u64,
    /// Free space, permissions and the state of the log file.
    pub around: Surroundings,
    /// VMS's database.
    pub database: PathBuf,
    /// The daemon's own database.
    pub state: StateSeen,
    /// Scheduled maintenance tasks whose last execution failed.
    pub failed_chores: Vec<FailedChore>,
    /// What is missing of the scheduled backups.
    pub backup_lacks: Option<BackupLack>,
    /// Why VMS may run in another zone than the guessed one.
    pub zone_doubt: Option<String>,
    /// Parts of the daemon itself that do not work.
    pub faults: Vec<Fault>,
    /// VMS's answer to the page probe, if the probe is configured.
    pub vms_page: Option<VmsPage>,
}

/// The checks, in the order in which their reasons are reported: a reason that explains others comes first.
const CHECKS: &[fn(&Seen) -> Option<Reason>] = &[
    state::lost,
    state::unwritable,
    database::unreachable,
    database::unwritable,
    clocks::behind,
    zone::guessed,
    components::socket_lost,
    components::lock_lost,
    components::failed,
    disk::low,
    disk::out_of_inodes,
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
    maintenance::backup_old,
    vms_page::failed,
    vms_page::slow,
    held::withheld,
    odd_rows::left_out,
];

/// Runs all checks; the worst reason determines the level.
pub fn judge(seen: &Seen) -> HealthReply {
    let reasons: Vec<Reason> = CHECKS.iter().filter_map(|check| check(seen)).collect();
    let health = reasons.iter().map(|reason| reason.level).max().unwrap_or(HealthLevel::Healthy);
    HealthReply { health, reasons, vms_page: seen.vms_page.clone() }
}
