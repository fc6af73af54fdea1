//! The input of the checks, and their results.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cached_proto::verb::health::VmsPage;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{HealthLevel, SchedulerState, Table};
use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::{Access, access};

use crate::describe::describe;
use crate::disk;
use crate::refresh::RefreshError;
use crate::refresh::survey::TableSurvey;
use crate::state::{FailedTask, Lost};
use crate::supervise::Fault;
use crate::telemetry::{self, Complaint};
use crate::vms::tables::spec;
use crate::watch::wipes::SecondRefresher;

/// The observed state that the checks judge.
#[derive(Debug, Clone)]
pub struct Observation {
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
    pub resources: Resources,
    /// VMS's database.
    pub database: PathBuf,
    /// The daemon's own database.
    pub state: StateCondition,
    /// Scheduled maintenance tasks whose last execution failed.
    pub failed_tasks: Vec<FailedTask>,
    /// The scheduled backup that is missing, if any.
    pub missing_backup: Option<MissingBackup>,
    /// Why VMS may run in another zone than the guessed one.
    pub zone_warning: Option<String>,
    /// Parts of the daemon itself that do not work.
    pub faults: Vec<Fault>,
    /// VMS's answer to the page probe, if the probe is configured.
    pub vms_page: Option<VmsPage>,
}

/// Why VMS's database could not be surveyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The error in words.
    pub message: String,
    /// Whether the file is damaged.
    pub is_damaged: bool,
}

impl From<&RefreshError> for Unreadable {
    fn from(error: &RefreshError) -> Self {
        Self { message: describe(error), is_damaged: error.is_damage() }
    }
}

/// Observed condition of the state database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateCondition {
    /// Path of the database file.
    pub path: PathBuf,
    /// How the file was lost after it was opened, if it was.
    pub lost: Option<Lost>,
    /// Why the database cannot be written.
    pub unwritable: Option<String>,
}

/// A scheduled backup that is missing: there has been none for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingBackup {
    /// The slot since which it is missing.
    pub since: String,
    /// Where it should be.
    pub directory: PathBuf,
}

/// Free space in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The directory.
    pub path: PathBuf,
    /// Bytes that an unprivileged user can still write.
    pub free: u64,
    /// Files that an unprivileged user can still create, where the file system limits them.
    pub inodes: Option<u64>,
    /// Whether VMS's database is in this directory.
    pub holds_vms: bool,
}

/// Conditions outside the databases' content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Free space next to VMS's database, the state and the log; directories that cannot be measured are left
    /// out.
    pub disks: Vec<Disk>,
    /// VMS's database file or its directory, if the daemon may not write to it.
    pub unwritable: Option<PathBuf>,
    /// Why records are missing from the log file.
    pub log: Option<Complaint>,
}

impl Resources {
    /// Measures the directories of VMS's database, of the state and of the log files, if they exist.
    pub fn measure(vms: &Path, state: &Path, log: Option<&Path>) -> Self {
        // A symbolic link may lead to another file system, and SQLite creates its journal next to the file
        // itself.
        let vms = std::fs::canonicalize(vms).unwrap_or_else(|_| vms.to_owned());
        let directory = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
        let (beside_vms, beside_state) = (directory(&vms), directory(state));
        let mut disks = vec![(beside_vms.clone(), true), (beside_state, false)];
        disks.extend(log.map(|log| (log.to_owned(), false)));
        // Report each directory once, with its greatest need.
        disks.sort_by(|(a, a_vms), (b, b_vms)| a.cmp(b).then(b_vms.cmp(a_vms)));
        disks.dedup_by(|(later, _), (first, _)| later == first);
        Self {
            disks: disks
                .into_iter()
                .filter_map(|(path, holds_vms)| {
                    let (free, inodes) = (disk::free(&path)?, disk::free_inodes(&path));
                    Some(Disk { path, free, inodes, holds_vms })
                })
                .collect(),
            unwritable: [vms, beside_vms].into_iter().find(|path| access(path, Access::WRITE_OK).is_err()),
            log: telemetry::complaint(),
        }
    }
}

/// The reader of a finding: each knows tables, runs and VMS's database by different names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The operator of the daemon: terminal, scripts, notifications and log.
    Operator,
    /// A user of the reports in a browser, who knows titles but no paths.
    Reader,
}

impl Audience {
    /// A table.
    pub(super) const fn table(self, table: Table) -> &'static str {
        match self {
            Self::Operator => table.as_str(),
            Self::Reader => spec(table).title,
        }
    }

    /// Several tables.
    pub(super) fn tables(self, tables: impl IntoIterator<Item = Table>) -> String {
        tables.into_iter().map(|table| self.table(table)).collect::<Vec<_>>().join(", ")
    }

    /// VMS's database, at the beginning of a sentence.
    pub(super) fn database(self, path: &Path) -> Cow<'_, str> {
        match self {
            Self::Operator => path.to_string_lossy(),
            Self::Reader => Cow::Borrowed("VMS's database"),
        }
    }

    /// The database as the place of an action; readers know of only one.
    pub(super) fn on_database(self, path: &Path) -> String {
        match self {
            Self::Operator => format!(" on {}", path.display()),
            Self::Reader => String::new(),
        }
    }
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity; healthy for a mere note.
    pub level: HealthLevel,
    /// What is wrong, one line.
    pub message: String,
    /// What to do about it, one line.
    pub hint: &'static str,
}

impl Finding {
    /// For information; no action is needed.
    pub(super) const fn notice(message: String, hint: &'static str) -> Self {
        Self { level: HealthLevel::Healthy, message, hint }
    }

    /// Reports are served, but the operator should act.
    pub(super) const fn degraded(message: String, hint: &'static str) -> Self {
        Self { level: HealthLevel::Degraded, message, hint }
    }

    /// Refreshing does not work.
    pub(super) const fn unhealthy(message: String, hint: &'static str) -> Self {
        Self { level: HealthLevel::Unhealthy, message, hint }
    }
}
