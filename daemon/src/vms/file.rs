//! Information about a database file that is available without opening it.
//!
//! When a process closes any descriptor of a file, the system releases every lock that the process has on that
//! file, including those of SQLite's connections: VMS could then commit in the middle of a transaction of the
//! daemon, or remove the write-ahead log while the daemon writes to it. SQLite itself keeps a descriptor until
//! its last lock is released. So only SQLite opens a database file, its `-wal`, `-shm` or `-journal`; everything
//! else is read from the directory entry and from `/proc`.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use cached_proto::text::one_line;
use rustix::fs::Access;
use rustix::io::Errno;

use super::error::VmsError;
use crate::plain_file::{FileId, read_system};
use crate::sqlite::{SIDE_FILES, beside};

/// The state of VMS's database as far as the file system shows it: every commit, by any process, changes
/// it. It also changes after a checkpoint, and when another file has replaced the database or was copied over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footprint {
    database: Written,
    /// `None` without a log or with an empty one, which a connection creates even if it writes nothing.
    log: Option<Written>,
}

/// The last change of a file. Its status change time cannot be set back, unlike its modification time, which a copy
/// that preserves times sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    file: FileId,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Footprint {
    /// Reads the footprint of a database that the daemon may read and write.
    pub(crate) fn of(path: &Path) -> Result<Self, VmsError> {
        // The log first: if a checkpoint comes in between, the change of the database file shows it.
        let log = fs::metadata(beside(path, "-wal")).ok().filter(|log| log.len() > 0);
        Ok(Self { database: Written::of(&ensure_accessible(path)?), log: log.as_ref().map(Written::of) })
    }
}

impl Written {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            file: FileId::of(metadata),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Returns the size of the write-ahead log; 0 without one.
pub(crate) fn log_size(database: &Path) -> u64 {
    fs::metadata(beside(database, "-wal")).map_or(0, |log| log.len())
}

/// Checks that the daemon may read and write the database.
pub(crate) fn ensure_accessible(path: &Path) -> Result<Metadata, VmsError> {
    let inaccessible = |reason: String| VmsError::Inaccessible { path: path.to_owned(), reason };
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Err(VmsError::Missing { path: path.to_owned() }),
        Err(error) => return Err(inaccessible(io::Error::from(error).to_string())),
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(metadata),
        Ok(_) => Err(inaccessible("it is not a file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(VmsError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(inaccessible(error.to_string())),
    }
}

/// Maximum number of holders that are named; more would not help the operator.
const NAMED: usize = 5;

/// The kernel's list of all file locks on this machine.
const LOCKS: &str = "/proc/locks";

/// Describes the other processes that have the database open; `None` if there are none. Fails if the
/// locks cannot be listed: then a process of another user could be connected without being detected.
///
/// `/proc` shows the open files of processes of the same user, and to root those of all processes. The list
/// of locks is readable by every user, and a process that is connected to a database with a write-ahead log
/// always holds a lock. With a rollback journal an idle process of another user holds no lock and is not detected;
/// that is harmless, because there the exclusive lock decides.
pub(crate) fn holders(database: &Path) -> io::Result<Option<String>> {
    holders_by(database, Path::new(LOCKS))
}

fn holders_by(database: &Path, locks: &Path) -> io::Result<Option<String>> {
    let files: Vec<FileId> = [""]
        .into_iter()
        .chain(SIDE_FILES)
        .filter_map(|side| FileId::at(&beside(database, side)).ok())
        .collect();
    let mut found: BTreeSet<u32> = processes().into_iter().filter(|pid| has_open(*pid, &files)).collect();
    let locks = read_system(locks)?;
    found.extend(locks.lines().filter_map(|line| lock(line, &files)));
    found.remove(&std::process::id());
    let named: Vec<String> = found.iter().take(NAMED).map(|pid| name(*pid)).collect();
    Ok(match found.len() {
        0 => None,
        several if several > NAMED => Some(format!("{} and {} more", named.join(", "), several - NAMED)),
        _ => Some(named.join(", ")),
    })
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn has_open(pid: u32, files: &[FileId]) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| FileId::at(&entry.path()).ok()).any(|file| files.contains(&file))
}

/// Returns the process that holds a lock on one of the files: `1: POSIX  ADVISORY  READ 1234 fd:01:5678 128
/// 128`.
fn lock(line: &str, files: &[FileId]) -> Option<u32> {
    // Processes that wait for a lock are listed below it, behind an arrow.
    let mut fields = line.split_whitespace().filter(|field| *field != "->").skip(4);
    let pid = fields.next()?.parse().ok()?;
    let mut place = fields.next()?.split(':');
    let mut number = || u32::from_str_radix(place.next()?, 16).ok();
    let device = (number()?, number()?);
    let inode: u64 = place.next()?.parse().ok()?;
    files.iter().any(|file| file.is(device, inode)).then_some(pid)
}

/// `process 1234 (gunicorn)`
fn name(pid: u32) -> String {
    match read_system(format!("/proc/{pid}/comm")) {
        Ok(command) => format!("process {pid} ({})", one_line(command.trim_end())),
        Err(_) => format!("process {pid}"),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use rustix::fs::makedev;
    use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};

    use super::*;

    async fn open(path: &Path) -> DatabaseConnection {
        Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap()
    }

    #[tokio::test]
    async fn a_footprint_changes_with_a_commit_but_not_with_a_connection() {
        for mode in ["WAL", "DELETE"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("vms.db");
            let vms = open(&path).await;
            vms.execute_unprepared(&format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (x)"))
                .await
                .unwrap();
            vms.close().await.unwrap();
            let before = Footprint::of(&path).unwrap();
            let vms = open(&path).await;
            vms.execute_unprepared("SELECT count(*) FROM t; BEGIN IMMEDIATE; ROLLBACK").await.unwrap();
            assert_eq!(Footprint::of(&path).unwrap(), before, "{mode}: nothing was written");
            vms.execute_unprepared("INSERT INTO t VALUES (1)").await.unwrap();
            let written = Footprint::of(&path).unwrap();
            assert_ne!(written, before, "{mode}: a row was written");
            vms.execute_unprepared("UPDATE t SET x = 2").await.unwrap();
            assert_ne!(Footprint::of(&path).unwrap(), written, "{mode}: a row was changed");
            vms.close().await.unwrap();
        }
    }

    #[test]
    fn the_holder_of_a_lock_is_found_by_the_device_and_inode_of_the_file() {
        let files = [FileId { device: makedev(0xfd, 1), inode: 5678 }];
        for (line, holder) in [
            ("1: POSIX  ADVISORY  READ 1234 fd:01:5678 128 128", Some(1234)),
            ("1: -> POSIX  ADVISORY  WRITE 77 fd:01:5678 0 EOF", Some(77)),
            ("2: FLOCK  ADVISORY  WRITE 99 fd:01:5679 0 EOF", None),
            ("2: POSIX  ADVISORY  WRITE 99 fe:01:5678 0 EOF", None),
            ("3: OFDLCK ADVISORY  READ -1 fd:01:5678 0 EOF", None),
            ("", None),
        ] {
            assert_eq!(lock(line, &files), holder, "{line}");
        }
    }

    #[test]
    fn locks_of_this_process_are_not_reported() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vms.db");
        let _open = fs::File::create(&path).unwrap();
        assert_eq!(holders(&path).unwrap(), None);
    }

    #[test]
    fn without_the_list_of_locks_the_holders_are_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vms.db");
        fs::write(&path, "").unwrap();
        assert!(holders_by(&path, &directory.path().join("locks")).is_err());
    }
}
