//! A realistic sample of VMS's data, for `cached demo`, tests and benchmarks.
//!
//! The same options give the same rows on every machine and at any time. Names of people, organizations and
//! most schools are invented; no person in the sample exists. It covers the school year that contains `now`,
//! the two before it and some months ahead, and has data for every report: mapped districts with their
//! aliases, virtual sessions with teachers of several districts, memberships that ended, upcoming DIA events
//! with and without volunteers, people who are left out of reports, and events that never took place.

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

/// The largest scale: the sample is generated in memory, and this scale takes some hundred megabytes.
pub const MAX_SCALE: u32 = 100;

/// Options of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// Size: 1 generates about 300 events and 1,000 volunteers, 10 ten times as many; from 1 to
    /// [`MAX_SCALE`].
    pub scale: u32,
    /// Seed of the random generator; another seed gives another sample.
    pub seed: u64,
    /// Current time of the sample: events before it have taken place, events after it are planned.
    pub now: DateTime<Utc>,
}

/// Summary of a generated sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoSummary {
    /// VMS's tables and their numbers of rows, in the order of writing.
    pub tables: Vec<(&'static str, usize)>,
}

impl DemoSummary {
    /// Returns the number of rows of one table; 0 when the sample has none.
    pub fn rows(&self, table: &str) -> usize {
        self.tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }

    /// Returns the number of rows of all tables.
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

/// Reasons why no sample could be generated.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The target file exists and is not empty: a sample never replaces anything.
    #[error("{} exists already and is not an empty file; choose another place or remove it first", path.display())]
    Exists {
        /// The existing file.
        path: PathBuf,
    },
    /// The directory or the file could not be created.
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
    /// The scale is zero, or the sample would not fit into memory.
    #[error("a sample of scale {scale} cannot be made; choose one from 1 to {MAX_SCALE}")]
    Scale {
        /// The requested scale.
        scale: u32,
    },
    /// There are no school days around `now`.
    #[error("there is no school calendar around {now}; choose a date of this era")]
    Date {
        /// The requested date.
        now: DateTime<Utc>,
    },
    /// A built-in word list cannot be read.
    #[error("the built-in word list {list} is broken; this build of cached is unusable for demonstrations")]
    List {
        /// The list.
        list: &'static str,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// Writes a sample database to `path`, which must not exist or be empty; its directory is created when
/// missing.
///
/// The database is in WAL mode, like VMS's own, and has no cached reports yet.
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
