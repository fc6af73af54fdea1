//! Errors of VMS's database, classified by what an operator can do about them.

use std::path::{Path, PathBuf};

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::disk::free_inodes;
use crate::sqlite::{self, extended_code, sqlite_code};

/// Why VMS's database could not be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum VmsError {
    /// The file does not exist.
    #[error(
        "the VMS database {path} does not exist; put it back, or set database.url (or --database) to VMS's SQLite file",
        path = .path.display()
    )]
    Missing { path: PathBuf },
    /// The file exists but may not be opened.
    #[error(
        "the VMS database {path} cannot be opened: {reason}; the daemon's user needs read and write rights \
         on the file and its directory; the service needs the directory in ReadWritePaths=, and a restart once the \
         directory has been replaced",
        path = .path.display()
    )]
    Inaccessible { path: PathBuf, reason: String },
    /// VMS could not open its own database while the daemon uses it.
    #[error(
        "the VMS database {path} was not opened: {reason}; as the daemon's user, `cached check` prints the commands \
         that fix this",
        path = .path.display()
    )]
    WouldLockOut { path: PathBuf, reason: String },
    /// The file is not a SQLite database.
    #[error("{path} is not a SQLite database, or it is damaged: {source}", path = .path.display())]
    NotADatabase { path: PathBuf, source: DbErr },
    /// The file is a database, but not VMS's.
    #[error("{path} has none of VMS's tables; set database.url (or --database) to VMS's SQLite file", path = .path.display())]
    NoVmsTables { path: PathBuf },
    /// Another file has replaced the one that was read.
    #[error(
        "the VMS database {path} was replaced by another file after it had been read; nothing was written, another \
         attempt reads the new one",
        path = .path.display()
    )]
    Replaced { path: PathBuf },
    /// A process that crashed, or is just writing, left a journal, and the connection may not roll it back.
    #[error(
        "the journal of an unfinished transaction is beside the VMS database ({action}): {source}; another attempt \
         rolls it back"
    )]
    LeftJournal { action: &'static str, source: DbErr },
    /// Another process kept the database locked for longer than the busy timeout.
    #[error("the VMS database stayed locked by another process for more than {seconds} s ({action})")]
    Locked { action: &'static str, seconds: u64, source: DbErr },
    /// The disk is full.
    #[error("no space left for the VMS database ({action}): {source}; free disk space, nothing was changed")]
    Full { action: &'static str, source: DbErr },
    /// The file system takes no more files, and SQLite needs one for its journal.
    #[error(
        "no inodes left for a file beside the VMS database in {} ({action}): {source}; remove unneeded files, `df -i` \
         shows where, nothing was changed",
        path.display()
    )]
    NoInodes { path: PathBuf, action: &'static str, source: DbErr },
    /// The file or its directory may not be written.
    #[error(
        "the VMS database cannot be written ({action}): the daemon's user needs write rights on the file and its \
         directory, and the service needs the directory in ReadWritePaths=; as that user, `cached check` shows what \
         to run"
    )]
    ReadOnly { action: &'static str, source: DbErr },
    /// The database is damaged.
    #[error("the VMS database is damaged ({action}): {source}; `cachectl maintenance integrity` shows where")]
    Damaged { action: &'static str, source: DbErr },
    /// Any other failure of the database.
    #[error("the VMS database failed ({action}): {source}")]
    Query { action: &'static str, source: DbErr },
}

/// Maximum wait for a lock, the same as VMS's own.
pub(crate) const BUSY_TIMEOUT_SECONDS: u64 = 20;

impl VmsError {
    /// Classifies a database error; `action` names the operation that failed, for the message.
    pub fn of(action: &'static str) -> impl Fn(DbErr) -> Self + Copy {
        move |source| match sqlite_code(&source) {
            Some(sqlite::READONLY) if extended_code(&source) == Some(sqlite::READONLY_ROLLBACK) => {
                Self::LeftJournal { action, source }
            }
            Some(sqlite::BUSY | sqlite::LOCKED) => {
                Self::Locked { action, seconds: BUSY_TIMEOUT_SECONDS, source }
            }
            Some(sqlite::FULL) => Self::Full { action, source },
            Some(sqlite::READONLY) => Self::ReadOnly { action, source },
            Some(sqlite::CORRUPT | sqlite::NOTADB) => Self::Damaged { action, source },
            _ => Self::Query { action, source },
        }
    }

    /// Whether the error means that the file itself is not a usable database.
    pub(crate) fn is_not_a_database(error: &DbErr) -> bool {
        matches!(sqlite_code(error), Some(sqlite::NOTADB | sqlite::CORRUPT))
    }

    /// Whether the file is damaged, or no database.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::NotADatabase { .. })
    }

    /// Whether the error means that the file, or the log beside it, may not be opened for writing.
    pub(crate) fn is_inaccessible(error: &DbErr) -> bool {
        matches!(sqlite_code(error), Some(sqlite::READONLY | sqlite::CANTOPEN))
    }

    /// Classifies errors for which the path of the database is needed: that it was moved, and a lack of inodes
    /// in its directory, which SQLite reports as a file that it could not open.
    pub(crate) fn beside(self, path: &Path) -> Self {
        let directory = path.parent().unwrap_or(Path::new("/"));
        match self {
            Self::ReadOnly { source, .. } if extended_code(&source) == Some(sqlite::READONLY_DBMOVED) => {
                Self::Replaced { path: path.to_owned() }
            }
            Self::Query { action, source }
                if sqlite_code(&source) == Some(sqlite::CANTOPEN) && free_inodes(directory) == Some(0) =>
            {
                Self::NoInodes { path: directory.to_owned(), action, source }
            }
            other => other,
        }
    }

    /// Whether the file itself is missing, inaccessible or not VMS's database.
    pub(crate) const fn is_of_the_file(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Inaccessible { .. } | Self::NotADatabase { .. })
    }

    /// Whether the same work may succeed later without intervention.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Replaced { .. }
            | Self::LeftJournal { .. }
            | Self::Locked { .. }
            | Self::Full { .. }
            | Self::NoInodes { .. } => true,
            Self::Query { source, .. } => may_pass(source),
            Self::Missing { .. }
            | Self::Inaccessible { .. }
            | Self::ReadOnly { .. }
            | Self::WouldLockOut { .. }
            | Self::NotADatabase { .. }
            | Self::Damaged { .. }
            | Self::NoVmsTables { .. } => false,
        }
    }
}

/// Whether a failure comes from the machine or the connection. A failure of the statement or the data recurs
/// each time.
fn may_pass(error: &DbErr) -> bool {
    if let Some(code) = sqlite_code(error) {
        return [sqlite::NOMEM, sqlite::INTERRUPT, sqlite::IOERR, sqlite::CANTOPEN, sqlite::PROTOCOL]
            .contains(&code);
    }
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => matches!(
            cause.as_ref(),
            sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ),
        _ => false,
    }
}
