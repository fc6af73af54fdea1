//! Loads the requested source tables, and the stamps of the cache tables, in one read transaction.

use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;

use super::scan::{Row, Scanned, scan};
use super::source::{Column, Source, SourceSet};
use super::{
    AttendanceDetail, Contact, District, Email, Event, EventDistrict, EventSkill, EventTeacher,
    EventVolunteer, Organization, Participation, ReadDepth, School, Skill, Snapshot, Student,
    StudentParticipation, Teacher, User, Volunteer, VolunteerOrganization, VolunteerSkill,
};
use crate::vms::tables::Table;
use crate::vms::{Vms, VmsError};

/// Why a snapshot could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("no snapshot of the source could be taken: {0}")]
pub struct SnapshotError(#[from] pub VmsError);

/// A source row that was left out, or read with a substitute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The source table.
    pub table: &'static str,
    /// SQLite's row id, which is the id where the table has one.
    pub rowid: i64,
    /// Description of the problem.
    pub what: String,
}

macro_rules! sources {
    ($( $source:ident => $field:ident: $row:ty, )+) => {
        pub(super) fn table_of(source: Source) -> &'static str {
            match source { $( Source::$source => <$row>::TABLE, )+ }
        }

        pub(super) fn columns_of(source: Source) -> &'static [Column] {
            match source { $( Source::$source => <$row>::COLUMNS, )+ }
        }

        async fn load_source(
            db: &DatabaseTransaction,
            source: Source,
            snapshot: &mut Snapshot,
        ) -> Result<(), VmsError> {
            match source {
                $( Source::$source => {
                    let scanned: Scanned<$row> = scan(db, &mut snapshot.warnings)
                        .await
                        .map_err(VmsError::of(concat!("reading ", stringify!($field))))?;
                    snapshot.$field = scanned.rows.into();
                    snapshot.sources.insert(<$row>::SOURCE, scanned.facts);
                } )+
            }
            Ok(())
        }

        #[cfg(test)]
        impl Snapshot {
            /// A snapshot of source tables that were all read and have no rows.
            pub(crate) fn without_rows() -> Self {
                Self { $( $field: Vec::new().into(), )+ ..Self::default() }
            }
        }
    };
}

sources! {
    Event => events: Event,
    EventDistricts => event_districts: EventDistrict,
    EventAttendanceDetail => attendance_details: AttendanceDetail,
    EventVolunteers => event_volunteers: EventVolunteer,
    EventSkills => event_skills: EventSkill,
    District => districts: District,
    School => schools: School,
    EventParticipation => participations: Participation,
    EventStudentParticipation => student_participations: StudentParticipation,
    EventTeacher => event_teachers: EventTeacher,
    Contact => contacts: Contact,
    Volunteer => volunteers: Volunteer,
    Student => students: Student,
    Teacher => teachers: Teacher,
    Organization => organizations: Organization,
    VolunteerOrganization => volunteer_organizations: VolunteerOrganization,
    Email => emails: Email,
    Skill => skills: Skill,
    VolunteerSkills => volunteer_skills: VolunteerSkill,
    Users => users: User,
}

/// Takes a snapshot of `sources` and of the rows in `tables`; `taken` is recorded as its instant.
pub async fn load(
    vms: &Vms,
    sources: &SourceSet,
    tables: &[Table],
    depth: ReadDepth<'_>,
    taken: DateTime<Utc>,
) -> Result<Snapshot, SnapshotError> {
    let mut snapshot = Snapshot { taken, ..Snapshot::default() };
    let transaction = vms.begin_read().await?;
    // The stamps are read first: the transaction hides writes of VMS between two statements anyway, but its
    // view of the database begins with its first statement.
    for &table in tables {
        let rows = super::read_existing(&transaction, table, depth).await?;
        snapshot.existing.insert(table, rows);
    }
    for &source in sources {
        load_source(&transaction, source, &mut snapshot).await?;
    }
    transaction.commit().await.map_err(VmsError::of("ending the read transaction"))?;
    Ok(snapshot)
}
