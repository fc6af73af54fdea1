//! Judges the daemon and the tables that it maintains.
//!
//! A reason is one line of the table below: its code, and the check that looks for it in an [`Observation`]. The code
//! is a contract with scripts and alerts; `packaging/RUNBOOK.md` explains each. A check describes the problem in the
//! names that its [`Audience`] knows, and gives a command to run.

mod databases;
mod environment;
mod observation;
mod tables;
#[cfg(test)]
mod tests;
mod work;

use std::path::Path;

use cached_proto::verb::health::{self, HealthReply, VmsPage};
use cached_proto::words::HealthLevel;

use crate::state::Lost;
pub use observation::{
    Audience, Disk, Finding, MissingBackup, Observation, Resources, StateCondition, Unreadable,
};

type Check = fn(&Observation, Audience) -> Option<Finding>;

macro_rules! checks {
    ($($name:ident = $code:literal: $check:expr,)+) => {
        /// The stable word of a reason.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ReasonCode {
            $(#[doc = concat!("`", $code, "`")] $name,)+
        }

        impl ReasonCode {
            /// Every code, in the order of the reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word that scripts, metrics and people read.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }

        const CHECKS: &[(ReasonCode, Check)] = &[$((ReasonCode::$name, $check),)+];
    };
}

// In the order in which reasons are reported: one that explains others comes first.
checks! {
    StateLost = "state_lost": databases::state_lost,
    // Without the state, checks have no input: see `state_unusable`.
    StateUnusable = "state_unusable": |_, _| None,
    StateUnwritable = "state_unwritable": databases::state_unwritable,
    DatabaseUnreachable = "database_unreachable": databases::unreachable,
    DatabaseUnwritable = "database_unwritable": databases::unwritable,
    ClockBehind = "clock_behind": environment::clock_behind,
    TimezoneGuessed = "timezone_guessed": databases::zone_guessed,
    SocketLost = "socket_lost": environment::socket_lost,
    LockLost = "lock_lost": environment::lock_lost,
    ComponentFailed = "component_failed": environment::component_failed,
    DiskLow = "disk_low": environment::disk_low,
    InodesLow = "inodes_low": environment::inodes_low,
    LogUnwritable = "log_unwritable": environment::log_unwritable,
    TablesDisabled = "tables_disabled": tables::disabled,
    TablesGuarded = "tables_guarded": tables::guarded,
    EntriesInvalid = "entries_invalid": tables::invalid,
    EntriesIncomplete = "entries_incomplete": tables::incomplete,
    EntriesMissing = "entries_missing": tables::missing,
    EntriesStale = "entries_stale": tables::stale,
    LastRunFailed = "last_run_failed": work::last_run_failed,
    Retrying = "retrying": work::retrying,
    SchedulerStopped = "scheduler_stopped": work::scheduler_stopped,
    QueueStuck = "queue_stuck": work::queue_stuck,
    RunSlow = "run_slow": work::run_slow,
    SecondRefresher = "second_refresher": work::second_refresher,
    MaintenanceFailed = "maintenance_failed": work::maintenance_failed,
    BackupOld = "backup_old": work::backup_old,
    VmsPageFailed = "vms_page_failed": environment::vms_page_failed,
    VmsPageSlow = "vms_page_slow": environment::vms_page_slow,
    TablesWithheld = "tables_withheld": tables::withheld,
    RowsOdd = "rows_odd": tables::rows_odd,
}

/// A reason of a judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its code.
    pub code: ReasonCode,
    /// The finding.
    pub finding: Finding,
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The worst level of the reasons.
    pub level: HealthLevel,
    /// The reasons; of a healthy daemon, only notes.
    pub reasons: Vec<Reason>,
    /// VMS's answer to the page probe, if the probe is configured.
    pub vms_page: Option<VmsPage>,
}

/// Runs all checks.
pub fn judge(observed: &Observation, audience: Audience) -> Health {
    let found = CHECKS.iter().filter_map(|(code, check)| Some((*code, check(observed, audience)?)));
    Health::of(found, observed.vms_page.clone())
}

/// The judgement when the daemon's own database fails, so that nothing can be observed.
pub fn state_unusable(path: &Path, lost: Option<Lost>, error: &str) -> Health {
    let state = StateCondition { path: path.to_owned(), lost, unwritable: None };
    let lost = databases::lost(&state).map(|lost| (ReasonCode::StateLost, lost));
    let unusable = (ReasonCode::StateUnusable, databases::unusable(&state, error));
    Health::of(lost.into_iter().chain([unusable]), None)
}

impl Health {
    fn of(found: impl Iterator<Item = (ReasonCode, Finding)>, vms_page: Option<VmsPage>) -> Self {
        let reasons: Vec<Reason> = found.map(|(code, finding)| Reason { code, finding }).collect();
        let level = reasons.iter().map(|reason| reason.finding.level).max();
        Self { level: level.unwrap_or(HealthLevel::Healthy), reasons, vms_page }
    }
}

impl From<Health> for HealthReply {
    fn from(health: Health) -> Self {
        let reason = |Reason { code, finding }: Reason| health::Reason {
            code: code.as_str().to_owned(),
            level: finding.level,
            message: finding.message,
            hint: finding.hint.to_owned(),
        };
        Self {
            health: health.level,
            reasons: health.reasons.into_iter().map(reason).collect(),
            vms_page: health.vms_page,
        }
    }
}
