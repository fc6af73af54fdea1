//! The log file: always at the same path, rotated by size and by day.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rustix::fs::OFlags;

use super::line;
use super::note;
use super::rotate::{CURRENT, rotate};
use crate::clock::Clock;
use crate::config::Config;

/// Where the file is and when it is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its directory; without one there is no file.
    dir: Option<PathBuf>,
    /// Bytes that it may have.
    max_size: u64,
    /// The zone of its times and days.
    zone: Tz,
}

impl Place {
    pub(super) fn of(config: &Config) -> Self {
        Self { dir: config.log.dir.clone(), max_size: config.log.max_size.0, zone: config.schedule.timezone }
    }
}

/// The log file. Its errors never reach whoever logs.
#[derive(Debug)]
pub(super) struct LogFile {
    clock: Arc<dyn Clock>,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    place: Place,
    current: Option<Current>,
    /// The last line was cut off in its middle: the next one must not continue it.
    torn: bool,
    /// The failure in progress, which has been told about.
    complaint: Option<String>,
}

#[derive(Debug)]
struct Current {
    file: File,
    id: (u64, u64),
    size: u64,
    /// The civil day of its newest record.
    day: NaiveDate,
}

impl LogFile {
    pub(super) fn new(clock: Arc<dyn Clock>, place: Place) -> Self {
        let writer = Writer { place, current: None, torn: false, complaint: None };
        Self { clock, writer: Mutex::new(writer) }
    }

    /// Appends the line that `line` makes of the local time.
    pub(super) fn append(&self, line: impl FnOnce(DateTime<Tz>) -> String) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(dir) = writer.place.dir.clone() else { return };
        let now = self.clock.now().with_timezone(&writer.place.zone);
        match writer.append(&dir, &line(now), now.date_naive()) {
            Ok(()) => writer.complaint = None,
            Err(error) => {
                writer.current = None;
                writer.complain(&dir, "written", &error);
            }
        }
    }

    /// Why records are being lost, if they are. Tries again first, since there may be nothing else to log for long.
    pub(super) fn complaint(&self) -> Option<String> {
        let complaint = || self.writer.lock().unwrap_or_else(PoisonError::into_inner).complaint.clone();
        let before = complaint()?;
        self.append(|at| line::of_our_own(at, &format!("Records before this one are missing: {before}")));
        complaint()
    }

    /// Closes the file; the next record opens it again.
    pub(super) fn reopen(&self) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).current = None;
    }

    /// Goes on at another place, or at the same one with other limits.
    pub(super) fn settle(&self, place: Place) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.current = None;
        writer.complaint = None;
        writer.place = place;
    }
}

impl Writer {
    fn append(&mut self, dir: &Path, line: &str, today: NaiveDate) -> io::Result<()> {
        let path = dir.join(CURRENT);
        // Something else may have rotated or removed it: a record must never go where nobody looks for it.
        let kept = self.current.take().filter(|current| current.is_at(&path));
        let mut current = kept.map_or_else(|| Current::open(dir, &path, self.place.zone, today), Ok)?;
        let full = current.size.saturating_add(line.len() as u64) > self.place.max_size;
        if current.size > 0 && (full || current.day != today) {
            match rotate(dir, current.day) {
                Ok(_) => current = Current::open(dir, &path, self.place.zone, today)?,
                // A file that grows beyond its limit is better than records that are lost.
                Err(error) => self.complain(dir, "rotated", &error),
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
        Ok(())
    }

    fn complain(&mut self, dir: &Path, what: &str, error: &io::Error) {
        let complaint = format!("the log file {} cannot be {what}: {error}", dir.join(CURRENT).display());
        if self.complaint.replace(complaint.clone()).is_none() {
            note(&format!("{complaint}; check free space and the rights of its directory; the work goes on"));
        }
    }
}

impl Current {
    fn open(dir: &Path, path: &Path, zone: Tz, today: NaiveDate) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o750).create(dir)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            // A link planted here would make us write into the file it points to; a fifo would make us wait.
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)?;
        let found = file.metadata()?;
        let written = found.modified().map(|at| DateTime::<Utc>::from(at).with_timezone(&zone).date_naive());
        let day = if found.len() == 0 { today } else { written.unwrap_or(today) };
        Ok(Self { file, id: (found.dev(), found.ino()), size: found.len(), day })
    }

    fn is_at(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == self.id)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.size = self.size.saturating_add(text.len() as u64);
        Ok(())
    }
}
