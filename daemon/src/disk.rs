//! What a file system still has room for.

use std::path::Path;

use rustix::fs::statvfs;

/// Returns the bytes that an ordinary user may still write at a path; `None` when that cannot be measured.
pub(crate) fn free(place: &Path) -> Option<u64> {
    statvfs(place).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize))
}

/// Returns how many files an ordinary user may still create at a path; `None` when that cannot be measured or
/// the file system has no such limit.
///
/// Out of inodes, a file system refuses new files although it has space left: the error of a new file is then
/// "No space left on device", and SQLite's for its journal "unable to open database file".
pub(crate) fn free_inodes(place: &Path) -> Option<u64> {
    statvfs(place).ok().filter(|fs| fs.f_files > 0).map(|fs| fs.f_favail)
}
