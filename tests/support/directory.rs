//! Temporary directories for databases. The tests within the daemon's crate use this file as well.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
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

/// Returns where a golden set is.
pub fn golden_set(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name)
}

/// Creates a directory with the database of a golden set in it, as `vms.db`.
///
/// # Panics
/// If there is no such set, or no room.
pub fn unpacked(set: &str) -> TempDir {
    let directory = directory();
    let packed = File::open(golden_set(set).join("vms.db.gz")).expect("the golden set is there");
    let mut database = File::create(directory.path().join("vms.db")).expect("a database can be created");
    std::io::copy(&mut GzDecoder::new(packed), &mut database).expect("there is room for a database");
    directory
}

/// Returns a directory that `make` has filled: once for all processes that run tests of this executable, until it is
/// built again. Every test takes copies.
///
/// # Panics
/// If the directory, which is beside the executable, cannot be written.
pub async fn prepared(name: &str, make: impl AsyncFnOnce(&Path)) -> PathBuf {
    let executable = std::env::current_exe().expect("a test has an executable");
    let sources = [executable.clone(), golden_set("tiny1").join("vms.db.gz")];
    let times =
        sources.map(|file| file.metadata().and_then(|file| file.modified()).expect("a file has a time"));
    let (directory, current) = (executable.with_extension("prepared").join(name), format!("{times:?}"));
    fs::create_dir_all(&directory).expect("a directory can be created beside the executable");
    let stamp = directory.join("made-of");
    let mut lock = OpenOptions::new();
    let lock = lock.create(true).append(true).open(directory.join("lock")).expect("a lock can be created");
    // Others wait until it is filled; the end of a process frees the lock.
    lock.lock().expect("a lock can be waited for");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&current) {
        make(&directory).await;
        fs::write(&stamp, current).expect("a file can be written beside the executable");
    }
    directory
}
