//! Rotation of full log files, and the names of rotated ones.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use chrono::{Days, NaiveDate};

use crate::rename::rename_new;

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
