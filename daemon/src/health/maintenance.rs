//! Checks the outcome of scheduled maintenance.

use std::path::PathBuf;

use cached_proto::text::one_line;
use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;

/// There has been no scheduled backup for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupLack {
    /// The slot from which on there is none.
    pub since: String,
    /// Where it should be.
    pub directory: PathBuf,
}

pub(super) fn backup_old(seen: &Seen) -> Option<Reason> {
    let BackupLack { since, directory } = seen.backup_lacks.as_ref()?;
    let directory = one_line(&directory.to_string_lossy()).into_owned();
    let message = format!("no backup of {since} or later is in {directory}");
    let hint = "look whether the directory is there (`ls -l`), whether the scheduler runs (`cachectl next`), and what                 `cachectl logs` says of maintenance; the next backup that ends well clears this";
    Some(degraded("backup_old", message, hint))
}

pub(super) fn failed(seen: &Seen) -> Option<Reason> {
    let failed = seen.failed_chores.first()?;
    let message =
        format!("maintenance {} of slot {} failed: {}", failed.chore, failed.slot, one_line(&failed.error));
    let hint = "remove the cause; `cachectl maintenance` does it by hand, and the next slot that ends well clears this";
    Some(degraded("maintenance_failed", message, hint))
}
