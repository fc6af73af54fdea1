//! Checks the state file before `SQLite` opens it for writing: `SQLite` would create, convert or discard files
//! that it should not.
//!
//! While it is open, `SQLite` keeps using the file that it has opened, whatever happens to its name:
//! everything written to a removed or replaced file is lost when the process ends, without an error. That is
//! checked here as well.
//!
//! This module does not open the file itself, but lets `SQLite` read its header: this process may have it open already,
//! and closing another descriptor would release its locks.

use std::fmt;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::Access;
use sea_orm::{DbErr, RuntimeErr};

use super::{APPLICATION_ID, StateError};
use crate::plain_file::{self, FileId};
use crate::sqlite::{NOTADB, application_id, beside, primary_code};

/// Size of the header of a database file.
const HEADER: u64 = 100;

/// Ensures that the file exists and is either empty or possibly a state database.
pub(super) async fn prepare(path: &Path) -> Result<(), StateError> {
    ensure_directory(path)?;
    let inaccessible =
        |source| StateError::of_file(source, path, |path, source| StateError::Inaccessible { path, source });
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            // SQLite gives its side files the same mode.
            plain_file::create_private(path).and_then(|file| file.metadata()).map_err(inaccessible)?
        }
        Err(e) => return Err(inaccessible(e)),
    };
    examine_file(path, &found).await
}

/// Checks the file at `path`, if it exists, as far as is possible without `SQLite`; changes nothing.
pub(crate) async fn examine(path: &Path) -> Result<(), StateError> {
    match std::fs::metadata(path) {
        Ok(found) => examine_file(path, &found).await,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StateError::Inaccessible { path: path.to_owned(), source }),
    }
}

async fn examine_file(path: &Path, found: &Metadata) -> Result<(), StateError> {
    if !found.is_file() {
        return Err(StateError::NotAFile { path: path.to_owned() });
    }
    rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK)
        .map_err(|source| StateError::Inaccessible { path: path.to_owned(), source: source.into() })?;
    if found.len() == 0 { empty(path) } else { header(path, found.len()).await }
}

/// Creates the directory of `path`, accessible only to its owner.
pub(super) fn ensure_directory(path: &Path) -> Result<(), StateError> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|source| {
                StateError::of_file(source, parent, |path, source| StateError::Directory { path, source })
            })
        }
        _ => Ok(()),
    }
}

/// Checks that an empty file has no log: `SQLite` treats an empty file as a new database and deletes the log
/// of the old one with all its data.
fn empty(path: &Path) -> Result<(), StateError> {
    match std::fs::metadata(beside(path, "-wal")) {
        Ok(wal) if wal.len() > 0 => Err(StateError::Corrupt {
            path: path.to_owned(),
            detail: "the file is empty, but its -wal file is not".to_owned(),
        }),
        _ => Ok(()),
    }
}

async fn header(path: &Path, size: u64) -> Result<(), StateError> {
    let path = path.to_owned();
    match application_id(&path).await {
        // Zero: another application's, or a state database whose log has not been copied into it yet. Only a query can
        // distinguish them.
        Ok(0 | APPLICATION_ID) => Ok(()),
        Ok(found) => Err(StateError::Foreign { path, found }),
        Err(error) if primary_code(&error) != Some(NOTADB) => {
            Err(StateError::Prepare { path, source: DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))) })
        }
        // No process can have a transaction in such a file.
        Err(_) if size < HEADER && plain_file::is_database(&path) => {
            Err(StateError::Corrupt { path, detail: "the file is truncated".to_owned() })
        }
        Err(_) => Err(StateError::NotSqlite { path }),
    }
}

/// What happened to the file while it was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The path no longer exists.
    Removed,
    /// The path names another file.
    Replaced,
    /// The file was truncated or overwritten.
    Overwritten,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "was removed",
            Self::Replaced => "was replaced by another file",
            Self::Overwritten => "was truncated or overwritten",
        })
    }
}

/// Returns what happened to the file `opened` that was at `path`; `None` if it is unchanged or cannot be examined.
pub(super) async fn lost(path: &Path, opened: FileId) -> Option<Lost> {
    match tokio::fs::metadata(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Lost::Removed),
        Ok(found) if FileId::of(&found) != opened => Some(Lost::Replaced),
        // An open state database has at least its first page.
        Ok(found) if found.len() == 0 => Some(Lost::Overwritten),
        _ => {
            let header = application_id(path).await;
            header.is_err_and(|error| primary_code(&error) == Some(NOTADB)).then_some(Lost::Overwritten)
        }
    }
}
