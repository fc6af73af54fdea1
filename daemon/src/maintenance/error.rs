//! Errors of maintenance tasks: refused, failed or interrupted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::refresh::RefreshError;
use crate::sqlite::{self, sqlite_code};
use crate::state::StateError;
use crate::vms::{BUSY_TIMEOUT_SECONDS, VmsError};

/// Why a maintenance task was not completed; a failed task leaves no partial changes.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum MaintenanceError {
    /// Another process kept the database locked for longer than the busy timeout.
    #[error("{} stayed locked by another process for more than {seconds} s ({action})", path.display())]
    Locked { path: PathBuf, action: &'static str, seconds: u64, source: DbErr },
    /// The disk is full.
    #[error("no space left for {} ({action}); free disk space, nothing was changed", path.display())]
    Full { path: PathBuf, action: &'static str, source: DbErr },
    /// Any other failure of a database.
    #[error("{} failed ({action}); `cachectl maintenance integrity` looks for damage", path.display())]
    Sqlite { path: PathBuf, action: &'static str, source: DbErr },
    /// The daemon is stopping.
    #[error("the daemon is stopping; unfinished changes are rolled back")]
    Stopped,
    /// A lock would be held for too long; one that only reads keeps VMS waiting where there is no write-ahead log.
    #[error(
        "{what} would keep VMS waiting for about {:.1} s; the limit is {:.1} s",
        estimate.as_secs_f64(),
        limit.as_secs_f64()
    )]
    WouldLock { what: String, reading: bool, estimate: Duration, limit: Duration },
    /// A lock was held for longer than estimated and allowed.
    #[error("{action} kept VMS waiting for longer than estimated and was interrupted; nothing was changed")]
    LockedTooLong { action: &'static str },
    /// Another process has VMS's database open.
    #[error("{} is in use by {by}", path.display())]
    InUse { path: PathBuf, by: String },
    /// It cannot be determined whether another process has VMS's database open.
    #[error("cannot determine which processes have {} open: /proc/locks cannot be read", path.display())]
    HoldersUnknown { path: PathBuf, source: io::Error },
    /// There is not enough free disk space.
    #[error("{} has {} MB free, but up to {} MB are needed", path.display(), free >> 20, need >> 20)]
    NoRoom { path: PathBuf, free: u64, need: u64 },
    /// A copy cannot be written.
    #[error("cannot write the copy {}; check the free space and the rights of its directory", path.display())]
    Copy { path: PathBuf, source: io::Error },
    /// The copy would replace the database that is copied.
    #[error("{} is VMS's own database, which the copy would replace; move the state with state.url", .0.display())]
    Itself(PathBuf),
    /// The directory of scheduled backups is unfit.
    #[error(
        "maintenance.backup_dir {0} cannot be used for backups: {reason}; as root: install -d -o {user} -m 700 {0}",
        path.display(), user = geteuid().as_raw()
    )]
    BackupDir { path: PathBuf, reason: String },
    /// There is no directory for scheduled backups.
    #[error("maintenance.backup_dir is not set; set it to a directory, or remove maintenance.backup")]
    NoBackupDir,
    /// A client of an earlier version names a path for a copy.
    #[error("the daemon does not write to a path named by a client; it sends the copy")]
    NamesAPath,
    /// The copy was not sound and was removed.
    #[error("the copy of {} is damaged: {finding}; `cachectl maintenance integrity` gives details", path.display())]
    Damaged { path: PathBuf, finding: String },
    /// The given age is too short.
    #[error("entries younger than a day are never pruned; give an age of at least 24h")]
    TooYoung,
    /// The source appears to be half imported.
    #[error("{0}")]
    Suspicious(String),
    /// VMS's database cannot be read.
    #[error(transparent)]
    Vms(#[from] VmsError),
    /// VMS's cache tables cannot be read or written.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The daemon's own database failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl MaintenanceError {
    /// Classifies a database error by what can be done about it.
    pub(super) fn of(path: &Path, action: &'static str, source: sqlx::Error) -> Self {
        let source = DbErr::Query(RuntimeErr::SqlxError(Arc::new(source)));
        let path = path.to_owned();
        match sqlite_code(&source) {
            Some(sqlite::BUSY | sqlite::LOCKED) => {
                Self::Locked { path, action, seconds: BUSY_TIMEOUT_SECONDS, source }
            }
            Some(sqlite::FULL) => Self::Full { path, action, source },
            _ => Self::Sqlite { path, action, source },
        }
    }

    /// Whether this only reports that the statement was interrupted.
    pub(super) fn is_interrupt(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if sqlite_code(source) == Some(sqlite::INTERRUPT))
    }

    /// Whether the same task may succeed later without intervention.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::Stopped | Self::LockedTooLong { .. } | Self::InUse { .. } => true,
            Self::Vms(error) => error.is_retryable(),
            Self::Refresh(error) => error.decision() == crate::refresh::Decision::Retry,
            Self::State(error) => error.may_pass(),
            Self::Full { .. }
            | Self::Sqlite { .. }
            | Self::WouldLock { .. }
            | Self::HoldersUnknown { .. }
            | Self::NoRoom { .. }
            | Self::Copy { .. }
            | Self::Itself(_)
            | Self::BackupDir { .. }
            | Self::NoBackupDir
            | Self::NamesAPath
            | Self::Damaged { .. }
            | Self::TooYoung
            | Self::Suspicious(_) => false,
        }
    }

    /// Whether another process held a lock.
    pub fn is_locked(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::Vms(VmsError::Locked { .. }) => true,
            Self::Refresh(error) => error.is_locked(),
            _ => false,
        }
    }

    /// Returns what to do about the error.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "try again when VMS or its import has finished",
            Self::WouldLock { reading: true, .. } => {
                "do it while VMS is stopped and with SQLite's own shell, or give VMS's database a write-ahead log"
            }
            Self::WouldLock { .. } | Self::LockedTooLong { .. } => {
                "do it while VMS is stopped and with SQLite's own shell"
            }
            Self::InUse { .. } => "stop VMS (and every shell that has the file open), then try again",
            Self::HoldersUnknown { .. } => {
                "in the service, ProcSubset=pid hides it: remove that from the unit"
            }
            Self::NoRoom { .. } => "free some space: `df -h` shows where it is missing",
            Self::Suspicious(_) => {
                "wait until the import has ended, or accept the loss with `cachectl refresh --accept`"
            }
            Self::Stopped => "try again when the daemon has started",
            Self::NamesAPath => "install cached and cachectl of the same version",
            _ => "",
        }
    }
}
