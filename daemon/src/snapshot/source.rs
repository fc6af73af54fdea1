//! The source tables, and which of their columns are read.

use std::collections::BTreeSet;

/// A VMS table that reports are generated from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the table of the same name")]
pub enum Source {
    Event,
    EventDistricts,
    EventAttendanceDetail,
    EventVolunteers,
    EventSkills,
    District,
    School,
    EventParticipation,
    EventStudentParticipation,
    EventTeacher,
    Contact,
    Volunteer,
    Student,
    Teacher,
    Organization,
    VolunteerOrganization,
    Email,
    Skill,
    VolunteerSkills,
    Users,
}

/// The source tables that something needs.
pub type SourceSet = BTreeSet<Source>;

/// A column that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds binary floating point numbers, whose decimal form must not be rounded on the way.
    pub real: bool,
}

impl Column {
    /// A column of text, integers or booleans.
    pub const fn plain(name: &'static str) -> Self {
        Self { name, real: false }
    }

    /// A column of floating point numbers.
    pub const fn real(name: &'static str) -> Self {
        Self { name, real: true }
    }
}

impl Source {
    /// Name of the table.
    pub fn table(self) -> &'static str {
        super::load::table_of(self)
    }

    /// Whether its rows are entities of their own. A table of entities is empty only before VMS is used, or
    /// after an import has failed; the rows of other tables link or detail entities, and an ordinary edit may
    /// remove the last of them.
    pub const fn is_entity(self) -> bool {
        match self {
            Self::Event
            | Self::District
            | Self::School
            | Self::Contact
            | Self::Volunteer
            | Self::Student
            | Self::Teacher
            | Self::Organization
            | Self::Skill
            | Self::Users => true,
            Self::EventDistricts
            | Self::EventAttendanceDetail
            | Self::EventVolunteers
            | Self::EventSkills
            | Self::EventParticipation
            | Self::EventStudentParticipation
            | Self::EventTeacher
            | Self::VolunteerOrganization
            | Self::Email
            | Self::VolunteerSkills => false,
        }
    }

    /// The columns that are read.
    pub fn columns(self) -> &'static [Column] {
        super::load::columns_of(self)
    }
}
