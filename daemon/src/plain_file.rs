//! Files other than databases: opens, creates, renames and identifies them.
//!
//! Only SQLite may open and close a database file or the files beside it (`vms::file` explains why), and a
//! path that an operator writes into a setting may name anything.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::sqlite::SIDE_FILES;

/// What every SQLite database begins with.
const DATABASE: &[u8; 16] = b"SQLite format 3\0";

/// Identity of a file, independent of its name: it differs once another file has taken the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    /// Identifies the file at a path; follows links.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&std::fs::metadata(path)?))
    }

    /// Identifies what is at a path; does not follow a link.
    pub(crate) fn at_link(path: &Path) -> io::Result<Self> {
        Ok(Self::of(&std::fs::symlink_metadata(path)?))
    }

    /// Identifies the file that this metadata describes.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Whether these are the numbers of the file, as `/proc/locks` prints them.
    pub(crate) fn is(&self, (major, minor): (u32, u32), inode: u64) -> bool {
        (rustix::fs::major(self.device), rustix::fs::minor(self.device)) == (major, minor)
            && self.inode == inode
    }
}

/// Opens a file named by an operator. A database, a file beside one, and anything but a regular file is an error:
/// opening a pipe waits for its writer, and a device may have no end.
#[expect(
    clippy::disallowed_methods,
    reason = "a descriptor that turns out to be of a database is never closed"
)]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let refused = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    let not_regular = || Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    // Opening a device may have side effects.
    if !std::fs::metadata(path)?.is_file() {
        return not_regular();
    }
    let real = std::fs::canonicalize(path);
    let name = real.as_deref().unwrap_or(path).as_os_str().as_encoded_bytes();
    if SIDE_FILES.iter().any(|ending| name.ends_with(ending.as_bytes())) {
        return refused("its name is that of a file beside an SQLite database");
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return not_regular();
    }
    let mut start = [0; DATABASE.len()];
    if file.read_exact_at(&mut start, 0).is_ok() && start == *DATABASE {
        // Closing it would release the locks of the connections that this process may have to it.
        std::mem::forget(file);
        return refused("it is an SQLite database");
    }
    Ok(file)
}

/// Whether a file begins as a database does.
pub(crate) fn is_database(path: &Path) -> bool {
    open(path).is_err_and(|error| error.kind() == io::ErrorKind::InvalidData)
}

/// Reads a text file named by an operator.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a text file of the system, below `/etc` or `/proc`.
#[expect(clippy::disallowed_methods, reason = "the paths are fixed, and the system keeps no database there")]
pub(crate) fn read_system(path: impl AsRef<Path>) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Opens a directory, to lock it or to write its entries to disk.
#[expect(clippy::disallowed_methods, reason = "with the slash, the system opens nothing but a directory")]
pub(crate) fn open_directory(path: &Path) -> io::Result<File> {
    File::open(path.join(""))
}

/// Creates a file that only its owner may read; fails if the name is taken, even by a link.
#[expect(clippy::disallowed_methods, reason = "a file that was not there before has no locks to lose")]
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Renames a file; fails if the new name is taken, perhaps by another process.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system supports this.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
        renamed => Ok(renamed?),
    }
}

/// The same in two steps: a link fails as well when the name is taken. Between them the file has both names.
#[expect(
    clippy::disallowed_methods,
    reason = "a log file or a finished copy takes another name; none is opened"
)]
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use std::fs;

    use rustix::fs::{CWD, FileType, Mode};
    use sea_orm::{ConnectionTrait as _, Database};

    use super::*;

    #[test]
    fn a_regular_text_file_is_read_and_a_missing_or_special_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.toml");
        std::fs::write(&file, "short").unwrap();
        assert_eq!(read(&file).unwrap(), "short");
        assert_eq!(read(&dir.path().join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(read(dir.path()).is_err());
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        for path in [&fifo, Path::new("/dev/zero")] {
            assert_eq!(read(path).unwrap_err().to_string(), "it is not a regular file", "{}", path.display());
        }
        assert!(open_directory(dir.path()).is_ok());
        assert!(open_directory(&file).is_err());
    }

    #[tokio::test]
    async fn a_database_and_its_side_files_are_refused_even_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let vms = Database::connect(format!("sqlite://{}?mode=rwc", path("vms.db").display())).await.unwrap();
        vms.execute_unprepared("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").await.unwrap();
        for side in ["", "-wal", "-shm"] {
            let file = path(&format!("vms.db{side}"));
            let link = path(&format!("link{side}.toml"));
            std::os::unix::fs::symlink(&file, &link).unwrap();
            for name in [&file, &link] {
                let error = read(name).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{}: {error}", name.display());
            }
        }
        vms.close().await.unwrap();
    }

    #[test]
    fn renaming_to_a_taken_name_is_an_error_and_changes_neither_file() {
        for rename in [rename_new, link_new] {
            let dir = tempfile::tempdir().unwrap();
            let [from, taken, free] = ["from", "taken", "free"].map(|name| dir.path().join(name));
            fs::write(&from, "new").unwrap();
            fs::write(&taken, "old").unwrap();
            assert_eq!(rename(&from, &taken).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!((fs::read(&from).unwrap(), fs::read(&taken).unwrap()), (b"new".into(), b"old".into()));
            rename(&from, &free).unwrap();
            assert_eq!((from.exists(), fs::read(&free).unwrap()), (false, b"new".into()));
        }
    }
}
