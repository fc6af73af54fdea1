//! Names of log files that are full.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

/// The file that is written.
pub(super) const CURRENT: &str = "cache_manager.log";

/// Moves the current file out of the way and returns its new path. `day` is the civil day of its records.
///
/// Numbers grow within a day, so the order of the names is the order of the records; one that was compressed
/// or whose neighbours were deleted keeps its number taken.
pub(super) fn rotate(dir: &Path, day: NaiveDate) -> io::Result<PathBuf> {
    let stem = format!("cache_manager_{}", day.format("%Y%m%d"));
    let mut next = None;
    for entry in std::fs::read_dir(dir)? {
        if let Some(number) = number(&stem, &entry?.file_name()) {
            next = next.max(Some(number + 1));
        }
    }
    let to = dir.join(next.map_or_else(|| format!("{stem}.log"), |number| format!("{stem}.{number}.log")));
    std::fs::rename(dir.join(CURRENT), &to)?;
    Ok(to)
}

/// The number of a rotated file of that day: 0 for the first, which carries none.
fn number(stem: &str, name: &OsStr) -> Option<u64> {
    let name = name.to_str()?.strip_prefix(stem)?;
    let name = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".log")?;
    if name.is_empty() { Some(0) } else { name.strip_prefix('.')?.parse().ok() }
}
