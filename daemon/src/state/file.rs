//! Checks the state file before `SQLite` opens it: `SQLite` would create, convert or discard files that it
//! should not.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{APPLICATION_ID, StateError};
use crate::sqlite::MAGIC;

/// Where `SQLite`'s file header keeps `application_id`, big-endian.
const APPLICATION_ID_AT: usize = 68;
const HEADER: usize = 100;

/// Ensures that there is a file which is either empty or may be a state database.
pub(super) fn prepare(path: &Path) -> Result<(), StateError> {
    ensure_directory(path)?;
    let inaccessible =
        |source| StateError::of_file(source, path, |path, source| StateError::Inaccessible { path, source });
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => create(path).map_err(inaccessible)?,
        Err(e) => return Err(inaccessible(e)),
    };
    examine_file(path, &found)
}

/// Checks the file at `path`, if there is one, as far as is possible without `SQLite`; changes nothing.
pub(crate) fn examine(path: &Path) -> Result<(), StateError> {
    match std::fs::metadata(path) {
        Ok(found) => examine_file(path, &found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StateError::Inaccessible { path: path.to_owned(), source }),
    }
}

fn examine_file(path: &Path, found: &Metadata) -> Result<(), StateError> {
    let inaccessible = |source| StateError::Inaccessible { path: path.to_owned(), source };
    if !found.is_file() {
        return Err(StateError::NotAFile { path: path.to_owned() });
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(inaccessible)?;
    if found.len() == 0 { empty(path) } else { header(path, &mut file) }
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

/// Appends `suffix` to the file name, as `SQLite` does for its own side files.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Creates the file, readable only by its owner; `SQLite` gives its side files the same mode.
fn create(path: &Path) -> io::Result<Metadata> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?.metadata()
}

/// Checks that an empty file has no log: `SQLite` takes an empty file for a new database and deletes the log
/// of the old one, with all that is in it.
fn empty(path: &Path) -> Result<(), StateError> {
    match std::fs::metadata(beside(path, "-wal")) {
        Ok(wal) if wal.len() > 0 => Err(StateError::Corrupt {
            path: path.to_owned(),
            detail: "the file is empty, but its -wal file is not".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn header(path: &Path, file: &mut File) -> Result<(), StateError> {
    let mut bytes = Vec::with_capacity(HEADER);
    file.take(HEADER as u64)
        .read_to_end(&mut bytes)
        .map_err(|source| StateError::Inaccessible { path: path.to_owned(), source })?;
    if !bytes.starts_with(MAGIC) {
        return Err(StateError::NotSqlite { path: path.to_owned() });
    }
    let id = bytes.get(APPLICATION_ID_AT..).and_then(|rest| rest.first_chunk::<4>());
    match id.map(|id| u32::from_be_bytes(*id)) {
        // Zero: another application's, or a state database whose log was not folded in yet. Only a query can
        // distinguish them.
        Some(0 | APPLICATION_ID) if bytes.len() == HEADER => Ok(()),
        Some(found) if bytes.len() == HEADER => Err(StateError::Foreign { path: path.to_owned(), found }),
        _ => Err(StateError::Corrupt { path: path.to_owned(), detail: "the file is cut off".to_owned() }),
    }
}
