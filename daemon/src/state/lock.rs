//! The lock that allows one process per state: it guards the database and the socket beside it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::{StateError, file};
use crate::plain_file::FileId;
use crate::sqlite::beside;

/// A lock on the state, held for as long as this value exists. The file stays behind: removing it would let
/// two processes lock two files of one name.
#[derive(Debug)]
pub struct StateLock {
    path: PathBuf,
    file: Mutex<File>,
}

/// The state of a held lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Its file is still at the path.
    Held,
    /// Its file had been removed or replaced, and the file now at the path has been locked.
    TakenAgain,
}

impl StateLock {
    /// Takes the lock of the state database at `state`; if it is held, the error names the holder. Never
    /// waits.
    pub fn take(state: &Path) -> Result<Self, StateError> {
        if state.is_dir() {
            return Err(StateError::NotAFile { path: state.to_owned() });
        }
        file::ensure_directory(state)?;
        let path = beside(state, ".lock");
        let file = Mutex::new(lock(&path)?);
        Ok(Self { path, file })
    }

    /// Makes sure that the lock still excludes others: a process that finds no file at the path, or another one, can
    /// lock that. If no process has locked that file meanwhile, this one does; otherwise the error names its holder, to
    /// which the state now belongs.
    pub fn keep(&self) -> Result<Kept, StateError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = file.metadata().map(|ours| FileId::of(&ours)).ok();
        if ours.is_some() && ours == FileId::at_link(&self.path).ok() {
            return Ok(Kept::Held);
        }
        *file = lock(&self.path)?;
        Ok(Kept::TakenAgain)
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the lock file: no database has its name, and no link is followed"
)]
fn lock(path: &Path) -> Result<File, StateError> {
    let unusable =
        |source| StateError::of_file(source, path, |path, source| StateError::Lock { path, source });
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // Following a planted link would truncate the file it points to; opening a FIFO would block.
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(unusable)?;
    // The daemon is about to truncate it and to write its process id: it must not be any other file of its user.
    let found = file.metadata().map_err(unusable)?;
    let own = geteuid();
    let foreign = found.uid() != own.as_raw() && !own.is_root();
    if !found.is_file() || found.nlink() != 1 || foreign {
        let what = "it is not a file of the daemon's own, or it has a second name; remove it";
        return Err(unusable(io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StateError::Held { pid: holder(&mut file), path: path.to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(unusable(source)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(unusable)?;
    Ok(file)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
