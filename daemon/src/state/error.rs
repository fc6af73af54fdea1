//! Errors of the daemon's own database, and what to do about them.

use std::io;
use std::path::{Path, PathBuf};

use sea_orm::DbErr;

use crate::sqlite::is_busy;

/// The state database cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum StateError {
    /// Its directory is missing and cannot be created.
    #[error(
        "cannot create the directory {} for the state database; create it and give it to the user the daemon runs as",
        path.display()
    )]
    Directory { path: PathBuf, source: io::Error },
    /// It cannot be opened for reading and writing.
    #[error(
        "cannot open the state database {} for reading and writing; it must be a regular file that belongs to the \
         user the daemon runs as, in a directory that this user may write to",
        path.display()
    )]
    Inaccessible { path: PathBuf, source: io::Error },
    /// The path is not a regular file.
    #[error("the state database {} is not a regular file; set state.url to another path", path.display())]
    NotAFile { path: PathBuf },
    /// The file is not an SQLite database.
    #[error(
        "{} is not an SQLite database and was not changed; set state.url to another path, or move the file away to \
         begin with an empty state",
        path.display()
    )]
    NotSqlite { path: PathBuf },
    /// The file is a database of another application, perhaps VMS's.
    #[error(
        "{} is a database of another application (application id {found:#010x}) and was not changed; set state.url to \
         another path",
        path.display()
    )]
    Foreign { path: PathBuf, found: u32 },
    /// It is damaged.
    #[error(
        "the state database {} is damaged ({detail}) and was not changed; restore it from a backup, or move it and \
         its -wal file away to begin with an empty state (history and counters are lost, reports are not)",
        path.display()
    )]
    Corrupt { path: PathBuf, detail: String },
    /// A newer version has changed its schema.
    #[error(
        "the state database {} was written by a newer version of cached (migrations unknown here: {unknown}); install \
         that version again, or set state.url to another path",
        path.display()
    )]
    Newer { path: PathBuf, unknown: String },
    /// Its tables differ from those that its recorded migrations create: it was made before the first
    /// release, when a migration could still change.
    #[error(
        "the state database {} was made by a development version of cached, from before the first release, and \
         cannot be brought up to date (its columns differ: {columns}); move it and its -wal file away to begin with \
         an empty state (history and counters are lost, reports are not)",
        path.display()
    )]
    Unreleased { path: PathBuf, columns: String },
    /// Its schema cannot be brought up to date.
    #[error(
        "cannot prepare the state database {}; check free disk space, the rights of the file and its directory, and \
         that no other program has it open",
        path.display()
    )]
    Prepare { path: PathBuf, source: DbErr },
    /// Another process holds the state.
    #[error(
        "{} is locked{}: another cached holds this state; if it is the daemon, use cachectl or stop it first; \
         otherwise wait until that refresh has ended",
        path.display(),
        pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
    )]
    Held { path: PathBuf, pid: Option<u32> },
    /// The lock file cannot be used.
    #[error(
        "cannot lock {}; it must be a regular file, not a link, that the user the daemon runs as may write to",
        path.display()
    )]
    Lock { path: PathBuf, source: io::Error },
    /// The disk is full.
    #[error("no space left for {}; free disk space (`df -h` shows where)", path.display())]
    NoSpace { path: PathBuf, source: io::Error },
    /// A statement failed.
    #[error("cannot {action} in the state database; check free disk space and the journal, then try again")]
    Statement { action: &'static str, source: DbErr },
    /// It was in use by others for too long; it is not damaged.
    #[error("cannot {action}: the state database is busy, {}; try again in a moment", wait(source))]
    Busy { action: &'static str, source: DbErr },
    /// A value that this version never writes.
    #[error(
        "the state database holds \"{value}\" as {column}, which this version does not know; was the file edited by \
         hand or written by a newer version?"
    )]
    UnknownWord { column: &'static str, value: String },
}

/// Describes what could not be obtained in time.
fn wait(source: &DbErr) -> &'static str {
    match source {
        DbErr::ConnectionAcquire(_) => "and every connection for such work is in use",
        _ => "and another program keeps it locked",
    }
}

impl StateError {
    /// Whether the cause may disappear by itself: true for a failed statement, false for a wrong or damaged file.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Statement { .. } | Self::Busy { .. })
    }

    /// Classifies an error of the file system: on a full disk, the operator should not be sent to check permissions.
    pub(super) fn of_file(source: io::Error, path: &Path, otherwise: fn(PathBuf, io::Error) -> Self) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path, source },
            _ => otherwise(path, source),
        }
    }
}

/// Adds the purpose of the statement to an error, since `SQLite`'s own message does not mention it.
pub(crate) trait ErrorContext<T> {
    fn context(self, action: &'static str) -> Result<T, StateError>;
}

impl<T> ErrorContext<T> for Result<T, DbErr> {
    fn context(self, action: &'static str) -> Result<T, StateError> {
        self.map_err(|source| {
            if is_busy(&source) {
                StateError::Busy { action, source }
            } else {
                StateError::Statement { action, source }
            }
        })
    }
}
