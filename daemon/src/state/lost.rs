//! Checks whether the open state database is still the file that its path names.
//!
//! `SQLite` keeps using the file that it has opened, whatever happens to its name: everything written to a
//! removed or replaced file is lost when the process ends, without an error.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use crate::sqlite::MAGIC;

/// What happened to the file while it was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The path names nothing any more.
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
            Self::Overwritten => "was cut off or overwritten",
        })
    }
}

/// The open file. It is kept open for as long as the connections are: closing it would release every lock
/// that the process has on the file, including those of `SQLite`.
#[derive(Debug, Clone)]
pub(super) struct OpenFile(Arc<File>);

impl OpenFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(File::open(path)?)))
    }

    /// What happened to the file that was at `path`; `None` also when it cannot be examined.
    pub(super) fn lost(&self, path: &Path) -> Option<Lost> {
        let identity = |found: &Metadata| (found.dev(), found.ino());
        let ours = self.0.metadata().ok()?;
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Lost::Removed),
            Ok(found) if identity(&found) != identity(&ours) => return Some(Lost::Replaced),
            _ => {}
        }
        let mut start = [0; MAGIC.len()];
        let read = self.0.read_exact_at(&mut start, 0);
        let cut_off = read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
        (cut_off || (read.is_ok() && start != *MAGIC)).then_some(Lost::Overwritten)
    }
}
