//! The file of a copy: written under another name, so that under its own name it is complete or absent.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::fs::{Access, OFlags, access};

use super::TargetError;
use crate::plain_file;
use crate::rename::rename_new;

/// Endings of the names of SQLite's side files: a copy under such a name would be read as a part of the
/// database.
const SIDES: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// Age at which unfinished copies that a killed daemon left behind are removed.
const ABANDONED: Duration = Duration::from_hours(24);

const UNFINISHED: &str = ".unfinished";

/// A file that is being written; removed if it is dropped before [`finish`](Self::finish).
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    directory: PathBuf,
    unfinished: PathBuf,
    /// Stays open, so that its content can be written to disk without opening anything by name: by then the name
    /// could be another file's.
    file: File,
    replace: bool,
    finished: bool,
}

impl Target {
    /// Creates an empty file of mode 0600 beside `path`. `path` must not exist, unless it is to be replaced.
    pub(super) fn create(path: &Path, replace: bool, token: u64) -> Result<Self, TargetError> {
        let not_absolute = || TargetError::NotAbsolute(path.to_owned());
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(not_absolute());
        };
        // `a/..` is no name of a file.
        if !path.is_absolute() {
            return Err(not_absolute());
        }
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(TargetError::IsDirectory(path.to_owned()));
        }
        let name = name.to_string_lossy().into_owned();
        if SIDES.iter().any(|side| name.ends_with(side)) {
            return Err(TargetError::Reserved(path.to_owned()));
        }
        ensure_writable(directory)?;
        if !replace && path.symlink_metadata().is_ok() {
            return Err(TargetError::Exists(path.to_owned()));
        }
        let unfinished = directory.join(format!(".{name}.{token:016x}{UNFINISHED}"));
        let file = create(&unfinished).map_err(|source| TargetError::Io { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            directory: directory.to_owned(),
            unfinished,
            file,
            replace,
            finished: false,
        })
    }

    /// The directory of the finished file.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of the unfinished file.
    pub(super) fn unfinished(&self) -> &Path {
        &self.unfinished
    }

    /// Gives the file its final name, durably.
    pub(super) fn finish(mut self) -> Result<(), TargetError> {
        self.file.sync_all().map_err(|source| self.failed(source))?;
        self.rename().map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => TargetError::Exists(self.path.clone()),
            _ => self.failed(source),
        })?;
        self.finished = true;
        let directory = plain_file::open_directory(&self.directory);
        directory.and_then(|directory| directory.sync_all()).map_err(|source| self.failed(source))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a file that was created here takes a name; none is opened"
    )]
    fn rename(&self) -> io::Result<()> {
        if self.replace {
            return std::fs::rename(&self.unfinished, &self.path);
        }
        rename_new(&self.unfinished, &self.path)
    }

    /// Removes unfinished copies that a killed daemon left in the directory.
    pub(super) fn sweep(&self, now: DateTime<Utc>) {
        let Some(name) = self.path.file_name().map(|name| format!(".{}.", name.to_string_lossy())) else {
            return;
        };
        let own = self.unfinished.symlink_metadata().map(|own| own.uid()).ok();
        for entry in self.directory.read_dir().into_iter().flatten().flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let Ok(metadata) = entry.metadata() else { continue };
            let age = now.timestamp().saturating_sub(metadata.mtime());
            let abandoned = u64::try_from(age).is_ok_and(|age| age >= ABANDONED.as_secs());
            let ours = metadata.is_file() && Some(metadata.uid()) == own;
            if file.starts_with(&name) && file.ends_with(UNFINISHED) && ours && abandoned {
                // Another process may have removed it first.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn failed(&self, source: io::Error) -> TargetError {
        TargetError::Io { path: self.path.clone(), source }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.finished {
            // The directory may not exist any more.
            let _ = std::fs::remove_file(&self.unfinished);
        }
    }
}

/// Creates a file that only its owner may read.
#[expect(clippy::disallowed_methods, reason = "a file that was not there before has no locks to lose")]
fn create(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags).open(path)
}

fn ensure_writable(directory: &Path) -> Result<(), TargetError> {
    let refuse = |reason: String| TargetError::Directory { directory: directory.to_owned(), reason };
    match directory.metadata() {
        Ok(metadata) if !metadata.is_dir() => return Err(refuse("it is not a directory".to_owned())),
        Ok(_) => {}
        Err(error) => return Err(refuse(error.to_string())),
    }
    access(directory, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| refuse(io::Error::from(error).to_string()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            directory.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        drop(Target::create(&path, false, 7).unwrap());
        assert_eq!(names(directory.path()), [""; 0]);
        let target = Target::create(&path, false, 7).unwrap();
        assert_eq!(target.unfinished().metadata().unwrap().mode() & 0o777, 0o600);
        assert!(!path.exists());
        target.finish().unwrap();
        assert_eq!(names(directory.path()), ["copy.db"]);
    }

    #[test]
    fn what_is_there_is_never_overwritten_and_no_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let late = Target::create(&path, false, 1).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(late.finish(), Err(TargetError::Exists(_))));
        assert!(matches!(Target::create(&path, false, 2), Err(TargetError::Exists(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        let link = directory.path().join("link.db");
        std::os::unix::fs::symlink(directory.path().join("nothing"), &link).unwrap();
        assert!(matches!(Target::create(&link, false, 3), Err(TargetError::Exists(_))));
        assert_eq!(names(directory.path()), ["copy.db", "link.db"]);
    }

    #[test]
    fn what_is_no_place_for_a_copy_is_refused_with_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        for (path, told) in [
            (PathBuf::from("copy.db"), "absolute"),
            (PathBuf::from("/"), "absolute"),
            (directory.path().join("copy/"), "copy/ names a directory; add a name for the file, such as"),
            (directory.path().join("vms.db-journal"), "SQLite"),
            (directory.path().join("missing/copy.db"), "No such file"),
            (file.join("copy.db"), "not a directory"),
        ] {
            let error = Target::create(&path, false, 1).unwrap_err().to_string();
            assert!(error.contains(told), "{}: {error}", path.display());
        }
    }

    #[test]
    fn only_what_was_abandoned_is_swept_away() {
        let directory = tempfile::tempdir().unwrap();
        let left = |name: &str| std::fs::write(directory.path().join(name), "").unwrap();
        left(".copy.db.0000000000000001.unfinished");
        left(".other.db.0000000000000001.unfinished");
        left("copy.db.unfinished");
        let target = Target::create(&directory.path().join("copy.db"), false, 9).unwrap();
        let written = DateTime::from_timestamp(target.unfinished().metadata().unwrap().mtime(), 0).unwrap();
        target.sweep(written + chrono::TimeDelta::hours(23));
        assert_eq!(names(directory.path()).len(), 4);
        drop({
            target.sweep(written + chrono::TimeDelta::hours(25));
            target
        });
        assert_eq!(names(directory.path()), [".other.db.0000000000000001.unfinished", "copy.db.unfinished"]);
    }
}
