//! The source rows that a refresh needs, read in one read transaction.
//!
//! One statement per source table, whatever the size of the data, so that all tables of a run are computed
//! from the same instant and VMS's workers never wait for the daemon. Rows are stored compactly and never
//! change.
//!
//! A source table is a row declared in one of the files of rows, and a line in the list of `load`.

mod affinity;
mod cells;
mod events;
mod existing;
mod load;
mod people;
mod places;
mod rows;
mod scan;

use std::sync::Arc;

pub use cells::Column;
pub use events::{
    AttendanceDetail, Event, EventDistrict, EventSkill, EventTeacher, EventVolunteer, Participation,
    StudentParticipation,
};
pub(crate) use existing::payload;
pub use existing::{ExistingRow, KeyIndex, ReadDepth, Shapes, digest, read_existing};
pub use load::{Snapshot, SnapshotError, Source, SourceSet, bare_scan, load, source_hash};
pub use people::{Contact, Email, Skill, Student, Teacher, User, Volunteer, VolunteerSkill};
pub use places::{District, Organization, School, VolunteerOrganization};
pub use rows::{Groups, Loaded, find};
pub use scan::{SourceFacts, Warning};

/// Shared text; repeated values of a column share one allocation.
pub type Text = Arc<str>;
