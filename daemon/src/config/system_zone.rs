//! The system's settings of its time zone, and the zone that VMS runs in according to them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::plain_file;

/// Where the system keeps the zones, below the root.
const ZONES: &str = "usr/share/zoneinfo";

/// Most links that are followed from `/etc/localtime`.
const LINKS: usize = 8;

/// The system's settings of its time zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemZone {
    /// The file `/etc/localtime`, which the C library, and so VMS, goes by.
    pub localtime: Localtime,
    /// The zone in `/etc/timezone`, which some programs use.
    pub timezone: Option<String>,
}

/// The zone of `/etc/localtime`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Localtime {
    /// There is no such file, or it cannot be read: the C library takes UTC.
    #[default]
    Missing,
    /// It leads to this file, or has the contents of this one.
    Is(String),
    /// It is a file with the contents of none of the zones.
    Unknown,
}

impl SystemZone {
    /// A system whose `/etc/localtime` leads to a zone, without `/etc/timezone`.
    pub fn linked(zone: &str) -> Self {
        Self { localtime: Localtime::Is(zone.to_owned()), timezone: None }
    }

    /// Reads the files below `root`.
    pub(super) fn read(root: &Path) -> Self {
        let timezone = plain_file::read_system(root.join("etc/timezone")).ok();
        let timezone = timezone.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self { localtime: localtime(root), timezone }
    }
}

#[expect(clippy::disallowed_methods, reason = "the path is fixed, and the system keeps no database there")]
fn localtime(root: &Path) -> Localtime {
    let mut path = root.join("etc/localtime");
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(root).join(target);
        if below_zones(&path.to_string_lossy()).is_some() {
            return Localtime::Is(path.to_string_lossy().into_owned());
        }
    }
    // A file that was copied or mounted there; its contents alone say which zone it is.
    let Ok(contents) = fs::read(&path) else { return Localtime::Missing };
    let mut same = Vec::new();
    find_same(&root.join(ZONES), &contents, &mut same);
    // Zones with the same contents are the same zone under several names.
    same.into_iter()
        .min()
        .map_or(Localtime::Unknown, |zone| Localtime::Is(zone.to_string_lossy().into_owned()))
}

/// Adds the files below a directory that have these contents and are named like a zone.
#[expect(clippy::disallowed_methods, reason = "below the system's zones, which are no databases")]
fn find_same(directory: &Path, contents: &[u8], same: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_other_edition = [OsStr::new("posix"), OsStr::new("right")].contains(&&*entry.file_name());
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() && !is_other_edition {
            find_same(&path, contents, same);
        } else if meta.is_file()
            && meta.len() == contents.len() as u64
            && named(&path.to_string_lossy()).is_some()
            && fs::read(&path).is_ok_and(|zone| zone == contents)
        {
            same.push(path);
        }
    }
}

/// What follows the directory of the zones in a path.
fn below_zones(path: &str) -> Option<&str> {
    path.rsplit_once("zoneinfo/").map(|(_, zone)| zone)
}

/// The zone that a value of `TZ`, a path or the line of `/etc/timezone` names. The editions of a zone with
/// and without leap seconds are the same zone here.
fn named(text: &str) -> Option<Tz> {
    let zone = below_zones(text).unwrap_or(text);
    ["posix/", "right/"].iter().find_map(|edition| zone.strip_prefix(edition)).unwrap_or(zone).parse().ok()
}

/// The zone that VMS most likely runs in: that of `TZ`, else the system's, else UTC. Second, why it may be
/// another one.
pub(super) fn guess(tz: Option<&str>, system: &SystemZone, now: DateTime<Utc>) -> (Tz, Option<String>) {
    let mut claims = Vec::new();
    match tz.map(|tz| tz.strip_prefix(':').unwrap_or(tz)) {
        // As if it were not set.
        None | Some("/etc/localtime") => {}
        // The C library takes UTC.
        Some("") => claims.push(("TZ is empty".to_owned(), Some(Tz::UTC))),
        Some(tz) => claims.push((format!("TZ is \"{tz}\""), named(tz))),
    }
    let has_tz = !claims.is_empty();
    match &system.localtime {
        Localtime::Missing => {}
        Localtime::Is(zone) => claims.push((format!("/etc/localtime is {zone}"), named(zone))),
        Localtime::Unknown => claims.push(("/etc/localtime is a file of unknown origin".to_owned(), None)),
    }
    if let Some(zone) = &system.timezone {
        claims.push((format!("/etc/timezone says \"{zone}\""), named(zone)));
        if system.localtime == Localtime::Missing && !has_tz {
            claims.push(("/etc/localtime is missing".to_owned(), Some(Tz::UTC)));
        }
    }
    let known = claims.iter().position(|(_, zone)| zone.is_some());
    let zone = known.and_then(|at| claims.get(at)?.1).unwrap_or(Tz::UTC);
    let disagreeing = claims.iter().enumerate().filter_map(|(at, (claim, zone_of))| match zone_of {
        None if known.is_none_or(|known| at < known) => Some(format!("{claim}, which names no IANA zone")),
        Some(other) if !is_same(*other, zone, now) => Some(format!("{claim}, which means {other}")),
        _ => None,
    });
    let disagreements: Vec<String> = disagreeing.collect();
    (zone, (!disagreements.is_empty()).then(|| disagreements.join(" and ")))
}

/// Whether two zones have shown the same time for years and will for some more: many zones have several names.
fn is_same(one: Tz, other: Tz, now: DateTime<Utc>) -> bool {
    let offset = |zone: Tz, at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let days = (-5 * 366..2 * 366).filter_map(|days| now.checked_add_signed(TimeDelta::days(days)));
    one == other || days.into_iter().all(|at| offset(one, at) == offset(other, at))
}
