//! The source rows that a refresh needs, read in one read transaction.
//!
//! One statement per source table, whatever the size of the data, so that all tables of a run are computed
//! from the same instant and VMS's workers never wait for the daemon. Rows are stored compactly and never
//! change.

mod affinity;
mod cells;
mod district;
mod email;
mod event;
mod existing;
mod groups;
mod load;
mod loaded;
mod organization;
mod participation;
mod people;
mod scan;
mod shapes;
mod skill;
mod source;
mod teaching;
mod user;

pub use district::{District, School};
pub use email::Email;
pub use event::{AttendanceDetail, Event, EventDistrict, EventSkill, EventVolunteer};
pub use existing::{ExistingRow, KeyIndex, ReadDepth, read_existing};
pub use groups::Groups;
pub use load::{SnapshotError, Warning, load};
pub use loaded::Loaded;
pub use organization::{Organization, VolunteerOrganization};
pub use participation::{Participation, StudentParticipation};
pub use people::{Contact, Student, Teacher, Volunteer};
pub use scan::{bare_scan, source_hash};
pub use shapes::Shapes;
pub use skill::{Skill, VolunteerSkill};
pub use source::{Column, Source, SourceSet};
pub use teaching::EventTeacher;
pub use user::User;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::vms::tables::{Key, Table};

/// Shared text; repeated values of a column share one allocation.
pub type Text = Arc<str>;

/// The source rows of one instant. Rows of a table that was not requested cannot be read: see [`Loaded`].
#[derive(Debug, Default)]
pub struct Snapshot {
    /// When the read transaction saw the database.
    pub taken: DateTime<Utc>,
    /// Rows read, and a hash over their columns, by source table.
    pub sources: BTreeMap<Source, SourceFacts>,
    /// Rows that were left out, or read with a substitute.
    pub warnings: Vec<Warning>,
    /// Rows of the cache tables that are being refreshed, as they stood at the same instant.
    pub existing: HashMap<Table, Vec<ExistingRow>>,
    /// Keys of recorded rows of these tables that no longer exist.
    pub lost: HashMap<Table, Vec<Key>>,
    /// `event`, by id.
    pub events: Loaded<Event>,
    /// `event_districts`, in insertion order.
    pub event_districts: Loaded<EventDistrict>,
    /// `event_attendance_detail`, by id.
    pub attendance_details: Loaded<AttendanceDetail>,
    /// `event_volunteers`, in insertion order.
    pub event_volunteers: Loaded<EventVolunteer>,
    /// `event_skills`, in insertion order.
    pub event_skills: Loaded<EventSkill>,
    /// `district`, by id.
    pub districts: Loaded<District>,
    /// `school`, in insertion order.
    pub schools: Loaded<School>,
    /// `event_participation`, by id.
    pub participations: Loaded<Participation>,
    /// `event_student_participation`, by id.
    pub student_participations: Loaded<StudentParticipation>,
    /// `event_teacher`, in insertion order.
    pub event_teachers: Loaded<EventTeacher>,
    /// `contact`, by id.
    pub contacts: Loaded<Contact>,
    /// `volunteer`, by id.
    pub volunteers: Loaded<Volunteer>,
    /// `student`, by id.
    pub students: Loaded<Student>,
    /// `teacher`, by id.
    pub teachers: Loaded<Teacher>,
    /// `organization`, by id.
    pub organizations: Loaded<Organization>,
    /// `volunteer_organization`, in insertion order.
    pub volunteer_organizations: Loaded<VolunteerOrganization>,
    /// `email`, by id.
    pub emails: Loaded<Email>,
    /// `skill`, by id.
    pub skills: Loaded<Skill>,
    /// `volunteer_skills`, in insertion order.
    pub volunteer_skills: Loaded<VolunteerSkill>,
    /// `users`, by id.
    pub users: Loaded<User>,
}

/// Size and hash of one source table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFacts {
    /// Rows in the table.
    pub rows: u64,
    /// Hash over the columns that were read, in table order.
    pub hash: u128,
}

impl Snapshot {
    /// Rows of a cache table at the snapshot's instant; empty when the table was not requested.
    pub fn existing(&self, table: Table) -> &[ExistingRow] {
        self.existing.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Keys that have a row in a cache table, and those whose row another process has deleted, so that a
    /// wiped table is completely restored.
    pub fn owned(&self, table: Table) -> impl Iterator<Item = &Key> {
        let lost = self.lost.get(&table).map_or(&[][..], Vec::as_slice);
        self.existing(table).iter().map(|row| &row.key).chain(lost)
    }
}
