//! Whether VMS's database can be read and written.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::unhealthy;
use crate::describe::describe;
use crate::refresh::RefreshError;

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

pub(super) fn unreachable(seen: &Seen) -> Option<Reason> {
    let Unreadable { message: error, is_damaged } = seen.tables.as_ref().err()?;
    // `check` reads little of the file and may find nothing wrong.
    let hint = if *is_damaged {
        "`cachectl maintenance integrity` says what is damaged; then stop VMS and restore the file from a backup"
    } else {
        "`cached check` tries again and says more; refreshing goes on by itself once it works"
    };
    let path = seen.database.to_string_lossy();
    let named = error.contains(&*path);
    let message = if named { error.clone() } else { format!("{path} cannot be looked at: {error}") };
    Some(unhealthy("database_unreachable", message, hint))
}

pub(super) fn unwritable(seen: &Seen) -> Option<Reason> {
    // An unreadable database is already covered by `unreachable`.
    seen.tables.as_ref().ok()?;
    let path = seen.around.unwritable.as_ref()?;
    let message =
        format!("{} cannot be written to, so no report can be stored beside VMS's data", path.display());
    let hint = "give the file and its directory to a group that the daemon's user is in, writable (`ls -ld` shows \
                both); SQLite makes its journal in that directory";
    Some(unhealthy("database_unwritable", message, hint))
}
