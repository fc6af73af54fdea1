//! Compresses rotated files. The plain file stays until its compressed form is safely on the disk.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::rotate::{Form, Rotated};
use crate::plain_file::open_directory;
use crate::rename::rename_new;

/// Bytes compared at a time.
const BLOCK: usize = 64 * 1024;

/// Progress of compressing a file: the points at which a crash or a full disk can interrupt it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The unfinished file has been created.
    Begun,
    /// All records have been written to it, but are not all on the disk.
    Copied,
    /// The unfinished file is complete.
    Written,
    /// It has its final name; the plain file still exists.
    Renamed,
}

/// A hook by which tests make a step fail.
pub(super) type Obstacle<'a> = &'a dyn Fn(Step) -> io::Result<()>;

/// The result of compressing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    /// Only the compressed form is left.
    Done,
    /// Another process may still write into the file; a later attempt compresses it.
    InUse,
    /// A compressed form with different content exists; both stay.
    Differs,
}

/// The name of an unfinished compressed file.
pub(super) fn unfinished(rotated: Rotated) -> String {
    format!(".{}.part", rotated.packed())
}

/// Whether `name` is that of an unfinished compressed file.
pub(super) fn is_unfinished(name: &OsStr) -> bool {
    let inner = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(".part"));
    matches!(inner.map(OsStr::new).and_then(Rotated::parse), Some((_, Form::Packed)))
}

/// Whether a file belongs to the user of this process, which is who wrote its logs.
pub(super) fn is_own(found: &Metadata) -> bool {
    found.uid() == geteuid().as_raw()
}

/// Opens a file of this process's user for reading, without following a symlink or blocking on a fifo.
#[expect(
    clippy::disallowed_methods,
    reason = "its name is that of a log file, and a link to a database is not followed"
)]
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    if !is_own(&found) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"));
    }
    Ok(file)
}

/// Replaces the plain file by its compressed form.
pub(super) fn pack(dir: &Path, rotated: Rotated, obstacle: Obstacle<'_>) -> io::Result<Packed> {
    let (plain, packed) = (dir.join(rotated.plain()), dir.join(rotated.packed()));
    let source = open(&plain)?;
    // Every writer holds a shared lock. Where locks are not supported, no lock is held.
    if let Err(TryLockError::WouldBlock) = source.try_lock() {
        return Ok(Packed::InUse);
    }
    if packed.symlink_metadata().is_ok() {
        // An earlier compression was interrupted before its last step.
        if !is_same(source, &packed)? {
            return Ok(Packed::Differs);
        }
    } else {
        let part = dir.join(unfinished(rotated));
        if let Err(error) = write(source, &part, &packed, obstacle) {
            // A partial file on a full disk would only use more space.
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
        obstacle(Step::Renamed)?;
        // The new name must be on the disk before the old one is removed.
        open_directory(dir)?.sync_all()?;
    }
    std::fs::remove_file(plain)?;
    Ok(Packed::Done)
}

#[expect(clippy::disallowed_methods, reason = "a file that was not there before has no locks to lose")]
fn write(mut source: File, part: &Path, packed: &Path, obstacle: Obstacle<'_>) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    obstacle(Step::Begun)?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.flush()?;
    obstacle(Step::Copied)?;
    let file = encoder.finish()?;
    let found = source.metadata()?;
    file.set_permissions(found.permissions())?;
    file.set_modified(found.modified()?)?;
    file.sync_all()?;
    obstacle(Step::Written)?;
    rename_new(part, packed)
}

/// Whether the compressed file has exactly the content of the plain one; false if it cannot be unpacked.
pub(super) fn is_same(mut plain: File, packed: &Path) -> io::Result<bool> {
    let mut unpacked = MultiGzDecoder::new(open(packed)?);
    let (mut ours, mut theirs) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let Ok(count) = unpacked.read(&mut theirs) else { return Ok(false) };
        if count == 0 {
            return Ok(plain.read(&mut ours)? == 0);
        }
        let (Some(ours), Some(theirs)) = (ours.get_mut(..count), theirs.get(..count)) else {
            return Ok(false);
        };
        match plain.read_exact(ours) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        if ours != theirs {
            return Ok(false);
        }
    }
}
