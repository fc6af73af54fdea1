//! Free space and free inodes of a file system.

use std::path::Path;

use rustix::fs::statvfs;

/// Returns the bytes that an unprivileged user can still write at a path; `None` if that cannot be measured.
pub(crate) fn free(place: &Path) -> Option<u64> {
    statvfs(place).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize))
}

/// Returns how many files an unprivileged user can still create at a path; `None` if that cannot be measured or
/// the file system has no such limit.
///
/// Without free inodes, a file system refuses new files although it has space left: creating a file then fails with
/// "No space left on device", and SQLite reports "unable to open database file" for its journal.
pub(crate) fn free_inodes(place: &Path) -> Option<u64> {
    statvfs(place).ok().filter(|fs| fs.f_files > 0).map(|fs| fs.f_favail)
}
