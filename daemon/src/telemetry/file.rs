//! The log file: always at the same path, rotated by size and by day.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio::sync::broadcast;

use super::line::{self, note};
use super::rotated::{CURRENT, Order, Tidier, is_own, rotate};
use crate::clock::Clock;
use crate::config::Config;
use crate::disk::free_inodes;
use crate::plain_file::FileId;

/// Most lines that a reader of the live log may fall behind.
const BEHIND: usize = 8192;

/// Directory, rotation limits and retention of the log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The directory; `None` for no log file.
    pub(super) dir: Option<PathBuf>,
    /// Most bytes in the file before it is rotated.
    max_size: u64,
    keep_days: u32,
    /// The time zone of its timestamps and days.
    pub(super) zone: Tz,
}

impl Place {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            dir: config.log.dir.clone(),
            max_size: config.log.max_size.0,
            keep_days: config.log.keep_days,
            zone: config.schedule.timezone,
        }
    }
}

/// The log file. Its errors never reach the code that logs.
#[derive(Debug)]
pub(super) struct LogFile {
    clock: Arc<dyn Clock>,
    writer: Mutex<Writer>,
    /// Sends every line to live readers as it is written.
    live: broadcast::Sender<Arc<str>>,
    /// `None` where rotated files are not tidied by this process.
    tidier: Option<Tidier>,
}

/// A consistent position in the log: everything written before it is in the files, everything after it arrives live.
pub(super) struct Position {
    pub(super) place: Place,
    pub(super) live: broadcast::Receiver<Arc<str>>,
}

#[derive(Debug)]
struct Writer {
    place: Place,
    current: Option<Current>,
    /// The last line was cut off in the middle: the next one must not continue it.
    torn: bool,
    /// Why records are being lost, once that has been reported.
    complaint: Option<Complaint>,
    /// Whether a failed rotation has been reported.
    unrotated: bool,
}

#[derive(Debug)]
struct Current {
    file: File,
    id: FileId,
    size: u64,
    /// The civil day of the newest record.
    day: NaiveDate,
}

impl LogFile {
    pub(super) fn new(clock: Arc<dyn Clock>, place: Place) -> Self {
        let writer = Writer { place, current: None, torn: false, complaint: None, unrotated: false };
        let live = broadcast::Sender::new(BEHIND);
        Self { clock, writer: Mutex::new(writer), live, tidier: Some(Tidier::default()) }
    }

    /// A log file whose rotated files are neither compressed nor deleted.
    #[cfg(test)]
    pub(super) fn untended(clock: Arc<dyn Clock>, place: Place) -> Self {
        Self { tidier: None, ..Self::new(clock, place) }
    }

    /// Appends the line that `line` returns for the local time.
    pub(super) fn append(&self, line: impl FnOnce(DateTime<Tz>) -> String) {
        let mut writer = self.lock();
        let Some(dir) = writer.place.dir.clone() else { return };
        let now = self.clock.now().with_timezone(&writer.place.zone);
        let line = line(now);
        match writer.append(&dir, &line, now.date_naive()) {
            Ok(rotated) => {
                writer.complaint = None;
                if rotated {
                    self.tidy_at(&writer.place);
                }
            }
            Err(error) => {
                writer.current = None;
                writer.lose(Complaint::of(&dir, "written", &error));
            }
        }
        if self.live.receiver_count() > 0 {
            // Sent under the lock, so that readers receive lines in order.
            let _ = self.live.send(line.trim_end().into());
        }
    }

    /// Calls `read` with the current position while nothing is written; does nothing if there is no file.
    pub(super) fn with_position<T>(&self, read: impl FnOnce(Position) -> T) -> Option<T> {
        let writer = self.lock();
        writer.place.dir.as_ref()?;
        Some(read(Position { place: writer.place.clone(), live: self.live.subscribe() }))
    }

    /// Starts compressing rotated files and deleting old ones.
    pub(super) fn tidy(&self) {
        self.tidy_at(&self.lock().place);
    }

    /// Waits until rotated files are compressed and old ones deleted.
    pub(super) fn tidied(&self) {
        if let Some(tidier) = &self.tidier {
            tidier.wait();
        }
    }

    fn tidy_at(&self, place: &Place) {
        if let (Some(dir), Some(tidier)) = (place.dir.clone(), &self.tidier) {
            let today = self.clock.now().with_timezone(&place.zone).date_naive();
            tidier.ask(Order { dir, keep_days: place.keep_days, today });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why records are being lost, if they are. Tries again first, since there may be nothing else to log for
    /// long.
    pub(super) fn complaint(&self) -> Option<Complaint> {
        let complaint = || self.lock().complaint.clone();
        let before = complaint()?;
        self.append(|at| {
            line::of_our_own(at, &format!("Records before this one are missing: {}", before.message))
        });
        complaint()
    }

    /// Closes the file; the next record opens it again.
    pub(super) fn reopen(&self) {
        self.lock().current = None;
    }

    /// Switches to another place, or to new limits at the same one.
    pub(super) fn settle(&self, place: Place) {
        let mut writer = self.lock();
        writer.current = None;
        writer.complaint = None;
        writer.place = place;
        self.tidy_at(&writer.place);
    }
}

impl Writer {
    /// Appends a line and returns whether the file was rotated.
    fn append(&mut self, dir: &Path, line: &str, today: NaiveDate) -> io::Result<bool> {
        let path = dir.join(CURRENT);
        // Another program may have rotated or removed it: a record must never go to a file that is no longer
        // read.
        let kept = self.current.take().and_then(|current| current.still_at(&path));
        let mut current = kept.map_or_else(|| Current::open(dir, &path, self.place.zone, today), Ok)?;
        let full = current.size.saturating_add(line.len() as u64) > self.place.max_size;
        let due = current.size > 0 && (full || current.day != today);
        let rotated = if due { Some(rotate(dir, current.day)) } else { None };
        match &rotated {
            None => self.unrotated = false,
            Some(Ok(())) => {
                current = Current::open(dir, &path, self.place.zone, today)?;
                self.unrotated = false;
            }
            // A file that grows beyond its limit is better than lost records.
            Some(Err(error)) => {
                if !std::mem::replace(&mut self.unrotated, true) {
                    report(&Complaint::of(dir, "rotated", error));
                }
            }
        }
        if self.torn {
            current.write("\n")?;
        }
        self.torn = true;
        current.write(line)?;
        self.torn = false;
        current.day = today;
        self.current = Some(current);
        Ok(matches!(rotated, Some(Ok(()))))
    }

    /// Notes that a record is lost, and reports it once.
    fn lose(&mut self, complaint: Complaint) {
        if self.complaint.is_none() {
            report(&complaint);
        }
        self.complaint = Some(complaint);
    }
}

/// Why records are missing from the log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The failure in words.
    pub message: String,
    /// What has to be done about it.
    pub cause: ComplaintCause,
}

/// The kinds of failures of the log file, by their remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComplaintCause {
    /// A symbolic or hard link is in its place.
    Link,
    /// The file system takes no more files.
    NoInodes,
    /// Space, rights, or anything else that the message says.
    Other,
}

impl Complaint {
    fn of(dir: &Path, what: &str, error: &io::Error) -> Self {
        let path = dir.join(CURRENT);
        let is_link = || path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        let errno = Errno::from_io_error(error);
        let (cause, why) = if errno == Some(Errno::LOOP) && is_link() {
            (ComplaintCause::Link, "it is a symbolic link".to_owned())
        } else if errno == Some(Errno::MLINK) {
            (ComplaintCause::Link, "it has another name as well, a hard link".to_owned())
        } else if errno == Some(Errno::NOSPC) && free_inodes(dir) == Some(0) {
            (ComplaintCause::NoInodes, "no inodes are left".to_owned())
        } else {
            (ComplaintCause::Other, error.to_string())
        };
        Self { message: format!("the log file {} cannot be {what}: {why}", path.display()), cause }
    }
}

fn report(complaint: &Complaint) {
    let check = match complaint.cause {
        ComplaintCause::Link => "remove the link",
        ComplaintCause::NoInodes => "remove files that are not needed",
        ComplaintCause::Other => "check free space and the rights of its directory",
    };
    note(&format!("{}; {check}; work continues", complaint.message));
}

impl Current {
    #[expect(
        clippy::disallowed_methods,
        reason = "the log file: its name is fixed, and a link to a database is not followed"
    )]
    fn open(dir: &Path, path: &Path, zone: Tz, today: NaiveDate) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o750).create(dir)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            // Following a planted symlink would write into its target; opening a fifo would block.
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)?;
        // Signals other processes that they may rotate but not yet compress it. Closing the file releases the
        // lock.
        let _ = file.try_lock_shared();
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        // A planted hard link would write into the file that it shares.
        if found.nlink() > 1 {
            return Err(Errno::MLINK.into());
        }
        if !is_own(&found) && found.uid() != 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"));
        }
        let written = found.modified().map(|at| DateTime::<Utc>::from(at).with_timezone(&zone).date_naive());
        let day = if found.len() == 0 { today } else { written.unwrap_or(today) };
        Ok(Self { file, id: FileId::of(&found), size: found.len(), day })
    }

    /// The same file with its current size, if it is still at `path`: copying and truncating the file changes
    /// its size.
    fn still_at(self, path: &Path) -> Option<Self> {
        let found = std::fs::symlink_metadata(path).ok()?;
        (FileId::of(&found) == self.id).then(|| Self { size: found.len(), ..self })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.size = self.size.saturating_add(text.len() as u64);
        Ok(())
    }
}
