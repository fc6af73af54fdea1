//! Rotated files: their names, and how they are compressed and, past their retention, deleted in the background, so
//! that logging never waits for it.
//!
//! A plain file stays until its compressed form is safely on the disk.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use chrono::{Days, NaiveDate};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::line::note;
use crate::describe::describe;
use crate::plain_file::{create_private, open_directory, rename_new};

/// Name of the file that is written to.
pub(super) const CURRENT: &str = "cache_manager.log";

/// Names further ahead of the clock than this are ignored when the next name is chosen: a clock that was
/// years ahead for a moment must not give its year to all later files, which would never be old enough to be
/// deleted.
const AHEAD: Days = Days::new(2);

/// A rotated file. Rotated files are ordered like their records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rotated {
    /// The civil day of the records.
    pub(super) day: NaiveDate,
    /// Number of the file within its day: the first is 0 and has no number in its name.
    number: u32,
}

/// How a rotated file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Uncompressed, as it was written.
    Plain,
    /// Compressed.
    Packed,
}

impl Rotated {
    /// Parses exactly the names that this program gives; other files in the directory belong to others.
    pub(super) fn parse(name: &OsStr) -> Option<(Self, Form)> {
        let name = name.to_str()?;
        let (plain, form) =
            name.strip_suffix(".gz").map_or((name, Form::Plain), |plain| (plain, Form::Packed));
        let stem = plain.strip_prefix("cache_manager_")?.strip_suffix(".log")?;
        let (day, number) = stem.split_once('.').unwrap_or((stem, "0"));
        let day = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
        let rotated = Self { day, number: number.parse().ok()? };
        (rotated.plain() == plain).then_some((rotated, form))
    }

    /// File name of the uncompressed form.
    pub(super) fn plain(self) -> String {
        let Self { day, number } = self;
        let day = day.format("%Y%m%d");
        if number == 0 {
            format!("cache_manager_{day}.log")
        } else {
            format!("cache_manager_{day}.{number}.log")
        }
    }

    /// File name of the compressed form.
    pub(super) fn packed(self) -> String {
        self.plain() + ".gz"
    }

    /// The next name after those of `taken`, for records of `day`. Behind the last number there is none, and the
    /// first one that is free serves instead: one file with a great number must not end rotation.
    fn after(taken: &[Self], day: NaiveDate) -> Option<Self> {
        let ahead = day.checked_add_days(AHEAD).unwrap_or(day);
        let next = match taken.iter().filter(|taken| taken.day <= ahead).max() {
            Some(newest) if newest.day >= day => {
                newest.number.checked_add(1).map(|number| Self { day: newest.day, number })
            }
            _ => Some(Self { day, number: 0 }),
        };
        next.or_else(|| (0..=u32::MAX).map(|number| Self { day, number }).find(|name| !taken.contains(name)))
    }
}

/// Moves the current file, whose records are of `day`, out of the way.
///
/// Names increase even if the clock goes back a little; the name of a file that was compressed or whose
/// neighbours were deleted is not used again.
pub(super) fn rotate(dir: &Path, day: NaiveDate) -> io::Result<()> {
    let mut taken = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        taken.extend(Rotated::parse(&entry?.file_name()).map(|(rotated, _)| rotated));
    }
    let to = Rotated::after(&taken, day)
        .ok_or_else(|| io::Error::other("all names of rotated files of that day are taken"))?;
    rename_new(&dir.join(CURRENT), &dir.join(to.plain()))
}

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
pub(super) type StepHook<'a> = &'a dyn Fn(Step) -> io::Result<()>;

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
pub(super) fn pack(dir: &Path, rotated: Rotated, hook: StepHook<'_>) -> io::Result<Packed> {
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
        if let Err(error) = write(source, &part, &packed, hook) {
            // A partial file on a full disk would only use more space.
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
        hook(Step::Renamed)?;
        // The new name must be on the disk before the old one is removed.
        open_directory(dir)?.sync_all()?;
    }
    std::fs::remove_file(plain)?;
    Ok(Packed::Done)
}

fn write(mut source: File, part: &Path, packed: &Path, hook: StepHook<'_>) -> io::Result<()> {
    let file = create_private(part)?;
    hook(Step::Begun)?;
    let mut encoder = GzEncoder::new(file, Compression::default());
    io::copy(&mut source, &mut encoder)?;
    encoder.flush()?;
    hook(Step::Copied)?;
    let file = encoder.finish()?;
    let found = source.metadata()?;
    file.set_permissions(found.permissions())?;
    file.set_modified(found.modified()?)?;
    file.sync_all()?;
    hook(Step::Written)?;
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

/// The parameters of one tidying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) dir: PathBuf,
    pub(super) keep_days: u32,
    pub(super) today: NaiveDate,
}

/// A file or directory that could not be tidied this time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Leftover {
    #[error("the log directory {} cannot be tidied; check its rights", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("{} cannot be deleted; check the rights of its directory, or delete it yourself", .0.display())]
    Delete(PathBuf, #[source] io::Error),
    #[error("{} cannot be compressed for now; check free space and permissions", .0.display())]
    Pack(PathBuf, #[source] io::Error),
    #[error("{} and the same name with .gz hold different records, so both stay; move one of them away", .0.display())]
    Differs(PathBuf),
}

/// Compresses rotated files and deletes those past their retention, by the day in the name. Files with names
/// that this program does not give are left alone, and so are log files that are not regular files or belong to others.
pub(super) fn tidy(order: &Order, hook: StepHook<'_>) -> Vec<Leftover> {
    let mut left = Vec::new();
    match tidy_all(order, hook, &mut left) {
        // Nothing was ever logged to this directory.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => left.push(Leftover::Directory(order.dir.clone(), error)),
        Ok(()) => {}
    }
    left
}

fn tidy_all(order: &Order, hook: StepHook<'_>, left: &mut Vec<Leftover>) -> io::Result<()> {
    let dir = &order.dir;
    let directory = open_directory(dir)?;
    // Another process is tidying this directory; its unfinished file is not a leftover.
    if let Err(TryLockError::WouldBlock) = directory.try_lock() {
        return Ok(());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        // Only this program gives such names, so a symlink with one is in the way; deleting it does not
        // follow it.
        if !kind.is_dir() && is_unfinished(&name) {
            delete(entry.path(), left);
        }
        // What belongs to another user was not written here.
        let is_file = kind.is_file() && entry.metadata().is_ok_and(|found| is_own(&found));
        found.extend(Rotated::parse(&name).filter(|_| is_file));
    }
    found.sort_unstable_by_key(|(rotated, _)| *rotated);
    let oldest = order.today.checked_sub_days(Days::new(order.keep_days.into())).unwrap_or(NaiveDate::MIN);
    for (rotated, form) in found {
        let name = if form == Form::Plain { rotated.plain() } else { rotated.packed() };
        if rotated.day < oldest {
            delete(dir.join(name), left);
        } else if form == Form::Plain {
            left.extend(compress(dir, rotated, hook));
        }
    }
    Ok(())
}

fn compress(dir: &Path, rotated: Rotated, hook: StepHook<'_>) -> Option<Leftover> {
    let path = || dir.join(rotated.plain());
    match pack(dir, rotated, hook) {
        Ok(Packed::Done | Packed::InUse) => None,
        Ok(Packed::Differs) => Some(Leftover::Differs(path())),
        Err(error) => Some(Leftover::Pack(path(), error)),
    }
}

fn delete(path: PathBuf, left: &mut Vec<Leftover>) {
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => left.push(Leftover::Delete(path, error)),
        _ => {}
    }
}

/// Tidies on a thread of its own, which exists only while there is work.
#[derive(Debug, Default)]
pub(super) struct Tidier(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    working: bool,
    /// The latest order received meanwhile, which replaces the earlier ones.
    next: Option<Order>,
}

impl Tidier {
    /// Schedules the order and returns at once.
    pub(super) fn ask(&self, order: Order) {
        let mut state = self.0.lock();
        state.next = Some(order);
        if state.working {
            return;
        }
        let shared = Arc::clone(&self.0);
        match std::thread::Builder::new().name("cached-log".to_owned()).spawn(move || shared.work()) {
            Ok(_) => state.working = true,
            Err(error) => note(&format!("rotated log files are not compressed for now: {error}")),
        }
    }

    /// Waits until all scheduled orders are done.
    pub(super) fn wait(&self) {
        let state = self.0.lock();
        drop(self.0.idle.wait_while(state, |state| state.working).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(order) = self.next() {
            for left in tidy(&order, &|_| Ok(())) {
                note(&describe(&left));
            }
        }
    }

    fn next(&self) -> Option<Order> {
        let mut state = self.lock();
        let next = state.next.take();
        if next.is_none() {
            state.working = false;
            self.idle.notify_all();
        }
        next
    }
}
