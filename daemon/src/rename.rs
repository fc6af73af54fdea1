//! Renaming without ever overwriting an existing file.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Renames a file; fails if there is one of the new name already, which another process may have made.
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
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_taken_name_is_an_error_and_both_files_stay_as_they_are() {
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
