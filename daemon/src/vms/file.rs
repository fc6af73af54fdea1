//! Questions about a database file that are answered without opening it.
//!
//! When a process closes any descriptor of a file, the system releases every lock that the process has on that
//! file, including those of SQLite's connections: VMS could then commit in the middle of a transaction of the
//! daemon, or remove the write-ahead log while the daemon writes to it. SQLite itself keeps a descriptor until
//! its last lock is gone. So only SQLite opens a database file, its `-wal`, `-shm` or `-journal`; everything
//! else is asked of the directory entry.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use super::VmsError;
use crate::sqlite;

/// Identity of a file, whatever its name: it differs once another file has taken the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Identifies the file at a path; follows links.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&std::fs::metadata(path)?))
    }

    /// Identifies the file that this metadata describes.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(test)]
    pub(super) const fn new(device: u64, inode: u64) -> Self {
        Self { device, inode }
    }

    /// Whether these are the numbers of the file, as `/proc/locks` prints them.
    pub(super) fn is(&self, (major, minor): (u32, u32), inode: u64) -> bool {
        (rustix::fs::major(self.device), rustix::fs::minor(self.device)) == (major, minor)
            && self.inode == inode
    }
}

/// The content of VMS's database as far as the file system shows it: every commit, by whatever process, makes it
/// a different one. It also differs after a checkpoint, and when another file was put or copied in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footprint {
    database: Written,
    /// `None` when there is no log, or an empty one, as a connection that writes nothing creates it.
    log: Option<Written>,
}

/// The last change of a file. The time of change of its entry cannot be set back, as a copy that preserves
/// times does with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    file: FileId,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Footprint {
    /// Reads the footprint of a database that the daemon may read and write.
    pub(crate) fn of(path: &Path) -> Result<Self, VmsError> {
        // The log first: what a checkpoint moves from one file to the other in between shows in the database.
        let log = std::fs::metadata(beside(path, "-wal")).ok().filter(|log| log.len() > 0);
        Ok(Self { database: Written::of(&ensure_accessible(path)?), log: log.as_ref().map(Written::of) })
    }
}

impl Written {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: FileId::of(metadata),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Returns the path of a file that SQLite keeps beside a database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Returns the size of the write-ahead log; 0 when there is none.
pub(crate) fn log_size(database: &Path) -> u64 {
    std::fs::metadata(beside(database, "-wal")).map_or(0, |log| log.len())
}

/// Checks that the daemon may read and write the database.
pub(crate) fn ensure_accessible(path: &Path) -> Result<Metadata, VmsError> {
    let inaccessible = |reason: String| VmsError::Inaccessible { path: path.to_owned(), reason };
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Err(VmsError::Missing { path: path.to_owned() }),
        Err(error) => return Err(inaccessible(io::Error::from(error).to_string())),
    }
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(metadata),
        Ok(_) => Err(inaccessible("it is not a file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(VmsError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(inaccessible(error.to_string())),
    }
}

/// Whether the database is there and can be read: cheap, and without any lock.
pub(crate) async fn is_readable(path: &Path) -> bool {
    let entry = tokio::fs::metadata(path).await;
    if !entry.is_ok_and(|entry| entry.is_file() && entry.len() > 0) {
        return false;
    }
    sqlite::application_id(path).await.is_ok()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};

    use super::*;

    async fn open(path: &Path) -> DatabaseConnection {
        Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap()
    }

    #[tokio::test]
    async fn a_footprint_changes_with_a_commit_and_not_with_a_connection() {
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

    #[tokio::test]
    async fn a_database_is_readable_and_text_an_empty_file_a_directory_and_nothing_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let vms = open(&path("vms.db")).await;
        vms.execute_unprepared("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").await.unwrap();
        assert!(is_readable(&path("vms.db")).await, "while it is in use");
        vms.close().await.unwrap();
        assert!(is_readable(&path("vms.db")).await);
        std::fs::write(path("text"), "no database, only a few notes\n".repeat(300)).unwrap();
        std::fs::write(path("empty"), "").unwrap();
        for name in ["text", "empty", "nothing", "."] {
            assert!(!is_readable(&path(name)).await, "{name}");
        }
    }
}
