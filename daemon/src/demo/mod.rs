//! A realistic sample of VMS's data, for `cached demo`, tests and benchmarks.
//!
//! The same options give the same rows on every machine and at any time. Names of people, organizations and
//! most schools are invented; no person in the sample exists. It covers the school year that contains `now`,
//! the two before it and some months ahead, and has data for every report: mapped districts with their
//! aliases, virtual sessions with teachers of several districts, memberships that ended, upcoming DIA events
//! with and without volunteers, people who are left out of reports, and events that never took place.

mod calendar;
mod events;
mod lists;
mod participation;
mod people;
mod places;
mod random;
mod row;
mod volunteers;
mod writer;

use std::path::Path;

use chrono::{DateTime, Utc};

use calendar::Calendar;
use lists::Lists;
pub use lists::{DemoError, MAX_SCALE};
use participation::{Classrooms, Crowd};
use people::Counts;
use places::Places;
use row::World;
pub use writer::DemoSummary;

/// Numbers at scale 1. Districts and schools are the same at every scale.
const EVENTS: usize = 300;
const VOLUNTEERS: usize = 1_000;
const ORGANIZATIONS: usize = 132;
const TEACHERS: usize = 240;
const STUDENTS: usize = 1_500;

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
    places::add_organizations(seed, scaled(ORGANIZATIONS), &lists, &calendar, &mut world);
    volunteers::build_skills(&lists, &mut world);
    let joined = volunteers::build(seed, scaled(VOLUNTEERS), &lists, &calendar, &mut world);
    let counts = Counts { teachers: scaled(TEACHERS), students: scaled(STUDENTS) };
    let pupils = people::build(seed, counts, &lists, &calendar, &places, &mut world);
    let slots = calendar::slots(seed, scaled(EVENTS), &lists, &calendar);
    let events = events::build(seed, &slots, &lists, &calendar, &places, &mut world);

    let mut crowd = Crowd::new(seed, joined);
    let mut classrooms = Classrooms::new(seed, &places, &pupils);
    for event in &events {
        crowd.attend(event, &mut world);
        classrooms.fill(event, &mut world);
    }
    crowd.finish(calendar.first(), &mut world);
    places::add_office(seed, &calendar, &mut world);
    Ok(world)
}
