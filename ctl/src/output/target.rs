//! Where a copy is written: a file that has its name only once it is complete, or standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use cached_proto::text::one_line;
use rustix::io::Errno;
use tempfile::{Builder, TempPath};

use crate::error::CtlError;

/// Endings of the names of SQLite's side files: a copy under such a name would be read as a part of the
/// database beside it.
const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// An open target.
#[derive(Debug)]
pub(crate) struct Target {
    file: File,
    /// `None` for standard output.
    place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// The file has this name until it is complete; it is removed with it.
    unfinished: TempPath,
}

impl Target {
    /// Opens standard output for `-`; otherwise creates a file of mode 0600 beside the path, which must not
    /// exist.
    pub(crate) fn open(path: &Path) -> Result<Self, CtlError> {
        let unfit = |why: &str| CtlError::NoTarget { what: shown(path), why: why.to_owned() };
        if path == Path::new("-") {
            if io::stdout().is_terminal() {
                return Err(unfit(
                    "a terminal cannot take a database; redirect standard output to a file or a pipe",
                ));
            }
            // A second descriptor: the library's own output is buffered by lines.
            let file = io::stdout().as_fd().try_clone_to_owned().map_err(CtlError::Stdout)?;
            return Ok(Self { file: File::from(file), place: None });
        }
        let absolute = std::path::absolute(path).map_err(|error| unfit(&error.to_string()))?;
        let (Some(directory), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(unfit("it does not name a file"));
        };
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") || absolute.is_dir() {
            return Err(unfit("it is a directory; add a name for the file, such as vms.db"));
        }
        if SIDES.iter().any(|side| name.as_encoded_bytes().ends_with(side.as_bytes())) {
            return Err(unfit("SQLite uses such names beside a database; choose another one"));
        }
        if let Ok(found) = absolute.symlink_metadata() {
            let is_special = found.file_type().is_fifo() || found.file_type().is_char_device();
            return Err(unfit(if is_special {
                "it exists already; for a pipe, a device or another program, `-` is standard output"
            } else {
                "it exists already; name a file that does not exist"
            }));
        }
        let prefix = format!(".{}.", name.to_string_lossy());
        let named = Builder::new().prefix(&prefix).suffix(".unfinished").make_in(directory, create);
        let (file, unfinished) =
            named.map_err(|error| unfit(&format!("it cannot be created: {error}")))?.into_parts();
        Ok(Self { file, place: Some(Place { path: absolute, unfinished }) })
    }

    pub(crate) const fn is_stdout(&self) -> bool {
        self.place.is_none()
    }

    /// The target as people read it.
    pub(crate) fn shown(&self) -> String {
        self.place.as_ref().map_or_else(|| "standard output".to_owned(), |place| shown(&place.path))
    }

    /// Writes the next bytes.
    pub(crate) fn write(&mut self, part: &[u8]) -> Result<(), CtlError> {
        self.file.write_all(part).map_err(|source| CtlError::NotWritten { what: self.shown(), source })
    }

    /// Makes the copy of so many bytes durable, and gives it its name.
    pub(crate) fn finish(self, bytes: u64) -> Result<(), CtlError> {
        let what = self.shown();
        let failed = |source| CtlError::NotWritten { what: what.clone(), source };
        if let Err(error) = self.file.sync_all() {
            // A pipe or a terminal has nothing to sync.
            let is_no_file = matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::ROFS));
            if !(self.is_stdout() && is_no_file) {
                return Err(failed(error));
            }
        }
        let Some(Place { path, unfinished }) = self.place else { return Ok(()) };
        let written = self.file.metadata().map_err(failed)?;
        unfinished.persist_noclobber(&path).map_err(|unnamed| match unnamed.error.kind() {
            io::ErrorKind::AlreadyExists => CtlError::NoTarget {
                what: what.clone(),
                why: "it was created meanwhile and was not overwritten".to_owned(),
            },
            _ => failed(unnamed.error),
        })?;
        let named = path.symlink_metadata().map_err(failed)?;
        if written.len() != bytes || (named.dev(), named.ino()) != (written.dev(), written.ino()) {
            return Err(CtlError::CopyDiffers { what });
        }
        sync_directory(&path).map_err(failed)
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy()).into_owned()
}

/// Creates a file that only its owner may read; fails if there is one of that name.
#[expect(
    clippy::disallowed_methods,
    reason = "a file that was not there before; this process uses no database"
)]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[expect(clippy::disallowed_methods, reason = "a directory; this process uses no database")]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = directory.read_dir().unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_target_gets_its_name_only_once_complete_and_has_mode_0600() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let begun = || {
            let mut target = Target::open(&path).unwrap();
            target.write(b"whole").unwrap();
            target
        };
        let target = begun();
        assert!(!path.exists());
        assert_eq!(names(directory.path()).len(), 1);
        drop(target);
        assert_eq!(names(directory.path()), [""; 0]);
        begun().finish(5).unwrap();
        assert_eq!(names(directory.path()), ["copy.db"]);
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn a_file_created_meanwhile_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let target = Target::open(&path).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(target.finish(0), Err(CtlError::NoTarget { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        assert_eq!(names(directory.path()), ["copy.db"]);
    }

    #[test]
    fn a_file_that_replaced_the_unfinished_copy_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let mut target = Target::open(&path).unwrap();
        target.write(b"whole").unwrap();
        let unfinished = directory.path().join(&names(directory.path())[0]);
        std::fs::rename(&unfinished, directory.path().join("away")).unwrap();
        std::fs::write(&unfinished, "other").unwrap();
        assert!(matches!(target.finish(5), Err(CtlError::CopyDiffers { .. })));
    }

    #[test]
    fn a_path_that_cannot_take_a_copy_is_refused_with_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("file"), "precious").unwrap();
        std::os::unix::fs::symlink(path("nothing"), path("link")).unwrap();
        for (target, expected) in [
            (path("file"), "exists already"),
            (path("link"), "exists already"),
            (PathBuf::from("/dev/null"), "`-` is standard output"),
            (PathBuf::from("/"), "does not name a file"),
            (path(""), "is a directory"),
            (path("new/"), "is a directory"),
            (path("vms.db-wal"), "SQLite"),
            (path("missing/copy.db"), "No such file"),
            (path("file/copy.db"), "Not a directory"),
        ] {
            let error = Target::open(&target).unwrap_err().to_string();
            assert!(error.contains(expected), "{}: {error}", target.display());
        }
        assert_eq!(names(directory.path()), ["file", "link"]);
    }
}
