//! Required and free disk space.

use std::path::{Path, PathBuf};

use super::error::MaintenanceError;
use crate::disk::free;
use crate::vms::{Vms, VmsError};

/// Space that must remain free in any case: for the state database, logs, and other files on that file
/// system.
const ALWAYS: u64 = 32 << 20;

/// Returns the most bytes that a refresh of `payload` bytes needs: once for the new entries, and once more in
/// SQLite's journal until it is checkpointed.
pub const fn refresh_needs(payload: u64) -> u64 {
    ALWAYS + payload.saturating_mul(2)
}

/// Returns the free bytes below which a warning is due: twice what the next refresh needs.
pub const fn comfortable(payload: u64) -> u64 {
    refresh_needs(payload).saturating_mul(2)
}

/// Bytes of payload per row of a source table, rounded up from measurements of databases of three sizes.
/// A volunteer appears in the recent volunteers' 35 rows per window and among the candidates of a hundred events.
const PAYLOAD: [(&str, u64); 3] = [("volunteer", 17_000), ("organization", 7_000), ("event", 1_500)];

/// Estimates the bytes of payload of all reports of a database.
pub async fn estimate(vms: &Vms) -> Result<u64, VmsError> {
    let mut payload: u64 = 0;
    for (table, bytes) in PAYLOAD {
        let rows = vms.count(table, "counting the rows of the source").await?;
        payload = payload.saturating_add(rows.saturating_mul(bytes));
    }
    Ok(payload)
}

/// Refuses work for which the free space is not sufficient.
pub(super) fn ensure(directory: &Path, work: u64) -> Result<(), MaintenanceError> {
    let need = work.saturating_add(ALWAYS);
    match free(directory) {
        Some(free) if free < need => Err(MaintenanceError::NoRoom { path: directory.to_owned(), free, need }),
        _ => Ok(()),
    }
}

/// Returns the directory of SQLite's temporary files, by SQLite's own rule.
pub(super) fn temporary() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].map(PathBuf::from);
    named.chain(usual).find(|directory| directory.is_dir()).unwrap_or_else(|| PathBuf::from("."))
}
