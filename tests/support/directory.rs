//! Temporary directories for databases.

use tempfile::TempDir;

/// Free space that a file system in memory must have: tests run in parallel, and some containers have little.
const ROOM: u64 = 1 << 30;

/// Creates a directory, in memory where the system has room there. A test makes hundreds of commits; to wait
/// for a disk with each shows nothing.
///
/// # Panics
/// If no directory can be created.
pub fn directory() -> TempDir {
    let in_memory = "/dev/shm";
    let has_room = rustix::fs::statvfs(in_memory).is_ok_and(|found| found.f_bavail * found.f_frsize >= ROOM);
    let made = if has_room { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("no temporary directory can be created")
}
