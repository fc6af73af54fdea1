//! Checks whether the open state database is still the file that its path names.
//!
//! `SQLite` keeps using the file that it has opened, whatever happens to its name: everything written to a
//! removed or replaced file is lost when the process ends, without an error.

use std::fmt;
use std::io;
use std::path::Path;

use crate::sqlite::{NOTADB, application_id, primary_code};
use crate::vms::FileId;

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

/// Returns what happened to the file `opened` that was at `path`; `None` also when it cannot be examined.
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
