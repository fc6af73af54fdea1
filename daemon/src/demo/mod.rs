//! A believable sample of VMS's data, for `cached demo`, tests and benchmarks.
//!
//! The same options give the same rows, everywhere and always. Names of people, organizations and most schools
//! are invented; nobody in the sample exists. It reaches over the school year that contains `now`, the two
//! before it and some months ahead, and has something for every report: mapped districts with their aliases,
//! virtual sessions with teachers of several districts, memberships that ended, upcoming DIA events with and
//! without volunteers, people who are left out of reports, and events that never took place.

mod calendar;
mod classrooms;
mod events;
mod lists;
mod office;
mod organizations;
mod participation;
mod people;
mod places;
mod pupils;
mod random;
mod row;
mod salesforce;
mod schedule;
mod volunteers;
mod world;
mod writer;

use calendar::Calendar;
use chrono::{DateTime, Utc};
use classrooms::Classrooms;
use lists::Lists;
use participation::Crowd;
use places::Places;
use pupils::Counts;
use std::fmt;
use std::path::{Path, PathBuf};
use world::World;

/// Numbers at scale 1. Districts and schools are the same at every scale.
const EVENTS: usize = 300;
const VOLUNTEERS: usize = 1_000;
const ORGANIZATIONS: usize = 132;
const TEACHERS: usize = 240;
const STUDENTS: usize = 1_500;

/// The largest scale: the sample is made in memory, and this much takes some hundred megabytes.
pub const MAX_SCALE: u32 = 100;

/// What sample to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// 1 makes about 300 events and 1,000 volunteers, 10 ten times as many; from 1 to [`MAX_SCALE`].
    pub scale: u32,
    /// Another seed makes another sample.
    pub seed: u64,
    /// Events before it have taken place, events after it are planned.
    pub now: DateTime<Utc>,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoSummary {
    /// VMS's table and its number of rows, in the order of writing.
    pub tables: Vec<(&'static str, usize)>,
}

impl DemoSummary {
    /// The rows of one table; 0 when the sample has none.
    pub fn rows(&self, table: &str) -> usize {
        self.tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }

    /// The rows of all tables.
    pub fn total(&self) -> usize {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (table, words) in [
            ("district", "districts"),
            ("school", "schools"),
            ("organization", "organizations"),
            ("volunteer", "volunteers"),
            ("teacher", "teachers"),
            ("student", "students"),
            ("event", "events"),
            ("event_participation", "participations"),
        ] {
            write!(f, "{} {words}, ", self.rows(table))?;
        }
        write!(f, "{} rows in all", self.total())
    }
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A sample never replaces anything.
    #[error("{} exists already and is not an empty file; choose another place or remove it first", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// The directory or the file could not be made.
    #[error("cannot write the sample database at {}; check that the directory is writable", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// SQLite failed.
    #[error("cannot fill the sample database {}; check the free space and choose another place", path.display())]
    Database {
        /// The unfinished file, which has been removed again.
        path: PathBuf,
        /// The cause.
        #[source]
        source: sea_orm::DbErr,
    },
    /// A scale that is none, or that would not fit into memory.
    #[error("a sample of scale {scale} cannot be made; choose one from 1 to {MAX_SCALE}")]
    Scale {
        /// What was asked for.
        scale: u32,
    },
    /// No school days around `now`.
    #[error("there is no school calendar around {now}; choose a date of this era")]
    Date {
        /// The date that was asked for.
        now: DateTime<Utc>,
    },
    /// A word list that is built in cannot be read.
    #[error("the built-in word list {list} is broken; this build of cached is unusable for demonstrations")]
    List {
        /// The list.
        list: &'static str,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// Writes a sample database to `path`, which must not exist or be empty; its directory is made when missing.
///
/// It is in WAL mode, like VMS's own, and has no cached reports yet.
pub async fn generate(path: &Path, options: &DemoOptions) -> Result<DemoSummary, DemoError> {
    writer::write(path, world(options)?).await
}

fn world(options: &DemoOptions) -> Result<World, DemoError> {
    let DemoOptions { scale, seed, now } = *options;
    if !(1..=MAX_SCALE).contains(&scale) {
        return Err(DemoError::Scale { scale });
    }
    let scaled = |count: usize| count * scale as usize;
    let lists = Lists::load()?;
    let calendar = Calendar::around(now).ok_or(DemoError::Date { now })?;
    let mut world = World::default();

    let places = Places::build(&lists, &mut world);
    organizations::build(seed, scaled(ORGANIZATIONS), &lists, &calendar, &mut world);
    volunteers::build_skills(&lists, &mut world);
    let joined = volunteers::build(seed, scaled(VOLUNTEERS), &lists, &calendar, &mut world);
    let counts = Counts { teachers: scaled(TEACHERS), students: scaled(STUDENTS) };
    let pupils = pupils::build(seed, counts, &lists, &calendar, &places, &mut world);
    let slots = schedule::slots(seed, scaled(EVENTS), &lists, &calendar);
    let events = events::build(seed, &slots, &lists, &calendar, &places, &mut world);

    let mut crowd = Crowd::new(seed, joined);
    let mut classrooms = Classrooms::new(seed, &places, &pupils);
    for event in &events {
        crowd.attend(event, &mut world);
        classrooms.fill(event, &mut world);
    }
    crowd.finish(calendar.first(), &mut world);
    office::build(seed, &calendar, &mut world);
    Ok(world)
}
