//! Names of log files that are full.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use chrono::{Days, NaiveDate};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The file that is written.
pub(super) const CURRENT: &str = "cache_manager.log";

/// Names so far ahead of the clock make way for it no longer: a clock that was years ahead for a moment must not
/// give its year to all files to come, which would never be old enough to go.
const AHEAD: Days = Days::new(2);

/// A file that was rotated away. Their order is the order of their records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rotated {
    /// The civil day of its records.
    pub(super) day: NaiveDate,
    /// Which one of its day: the first is 0 and carries no number in its name.
    number: u32,
}

/// How a rotated file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it was written.
    Plain,
    /// Compressed.
    Packed,
}

impl Rotated {
    /// Understands exactly the names that we give; whatever else lies in the directory belongs to somebody else.
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

    /// Its name as it was written.
    pub(super) fn plain(self) -> String {
        let Self { day, number } = self;
        let day = day.format("%Y%m%d");
        if number == 0 {
            format!("cache_manager_{day}.log")
        } else {
            format!("cache_manager_{day}.{number}.log")
        }
    }

    /// Its name when it is compressed.
    pub(super) fn packed(self) -> String {
        self.plain() + ".gz"
    }

    /// A name that comes after those of `taken`, for records of `day`.
    fn after(taken: impl Iterator<Item = Self>, day: NaiveDate) -> Option<Self> {
        let ahead = day.checked_add_days(AHEAD).unwrap_or(day);
        match taken.filter(|taken| taken.day <= ahead).max() {
            Some(newest) if newest.day >= day => {
                Some(Self { day: newest.day, number: newest.number.checked_add(1)? })
            }
            _ => Some(Self { day, number: 0 }),
        }
    }
}

/// Moves the current file, whose records are of `day`, out of the way.
///
/// Names grow, also when the clock goes back a little; one that was compressed or whose neighbours were deleted
/// stays taken.
pub(super) fn rotate(dir: &Path, day: NaiveDate) -> io::Result<()> {
    let mut taken = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        taken.extend(Rotated::parse(&entry?.file_name()).map(|(rotated, _)| rotated));
    }
    let to = Rotated::after(taken.into_iter(), day)
        .ok_or_else(|| io::Error::other("all names of rotated files of that day are taken"))?;
    rename_new(&dir.join(CURRENT), &dir.join(to.plain()))
}

/// Renames, and never onto something that is there: another process may have chosen the same name.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system can.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => std::fs::rename(from, to),
        other => Ok(other?),
    }
}
