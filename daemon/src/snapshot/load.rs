//! The source tables: one list of them, the snapshot that holds their rows, and how it is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::resume_unwind;

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseTransaction, DbErr, StreamTrait};

use super::cells::{Column, Row};
use super::events::{
    AttendanceDetail, Event, EventDistrict, EventSkill, EventTeacher, EventVolunteer, Participation,
    StudentParticipation,
};
use super::existing::{ExistingRow, ReadDepth, read_existing};
use super::people::{Contact, Email, Skill, Student, Teacher, User, Volunteer, VolunteerSkill};
use super::places::{District, Organization, School, VolunteerOrganization};
use super::rows::Loaded;
use super::scan::{self, Scanned, SourceFacts, Warning, scan};
use crate::vms::tables::{Key, Table};
use crate::vms::{Vms, VmsError};

/// Why a snapshot could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("no snapshot of the source could be taken: {0}")]
pub struct SnapshotError(#[from] pub VmsError);

/// A set of source tables.
pub type SourceSet = BTreeSet<Source>;

/// Generates from the list of source tables: the enum of tables, the snapshot with a field for each, and the function
/// that reads a table into its field.
macro_rules! sources {
    (@is_entity entity) => { true };
    (@is_entity link) => { false };
    ($( $(#[$doc:meta])* $source:ident $kind:ident => $field:ident: $row:ty, )+) => {
        /// A VMS table that reports are generated from.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is the table of the same name")]
        pub enum Source {
            $( $source, )+
        }

        impl Source {
            /// Name of the table.
            pub const fn table(self) -> &'static str {
                match self { $( Self::$source => <$row>::TABLE, )+ }
            }

            /// The columns that are read.
            pub const fn columns(self) -> &'static [Column] {
                match self { $( Self::$source => <$row>::COLUMNS, )+ }
            }

            /// Whether its rows are entities of their own. A table of entities is empty only before VMS is
            /// used, or after an import has failed; the rows of other tables link or detail entities, and an
            /// ordinary edit may remove the last of them.
            pub const fn is_entity(self) -> bool {
                match self { $( Self::$source => sources!(@is_entity $kind), )+ }
            }
        }

        /// The source rows of one instant. Rows of a table that was not requested cannot be read: see
        /// [`Loaded`].
        #[derive(Debug, Default)]
        pub struct Snapshot {
            /// When the read transaction saw the database.
            pub taken: DateTime<Utc>,
            /// Rows read, and a hash over their columns, by source table.
            pub sources: BTreeMap<Source, SourceFacts>,
            /// Rows that were skipped, or read with default values.
            pub warnings: Vec<Warning>,
            /// Rows of the cache tables that are being refreshed, as of the same instant or just before it.
            pub existing: HashMap<Table, Vec<ExistingRow>>,
            /// Keys of recorded rows of these tables that no longer exist.
            pub lost: HashMap<Table, Vec<Key>>,
            $( $(#[$doc])* pub $field: Loaded<$row>, )+
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
                    snapshot.sources.insert(source, scanned.facts);
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
    /// `event`, by id.
    Event entity => events: Event,
    /// `event_districts`, in insertion order.
    EventDistricts link => event_districts: EventDistrict,
    /// `event_attendance_detail`, by id.
    EventAttendanceDetail link => attendance_details: AttendanceDetail,
    /// `event_volunteers`, in insertion order.
    EventVolunteers link => event_volunteers: EventVolunteer,
    /// `event_skills`, in insertion order.
    EventSkills link => event_skills: EventSkill,
    /// `district`, by id.
    District entity => districts: District,
    /// `school`, in insertion order.
    School entity => schools: School,
    /// `event_participation`, by id.
    EventParticipation link => participations: Participation,
    /// `event_student_participation`, by id.
    EventStudentParticipation link => student_participations: StudentParticipation,
    /// `event_teacher`, in insertion order.
    EventTeacher link => event_teachers: EventTeacher,
    /// `contact`, by id.
    Contact entity => contacts: Contact,
    /// `volunteer`, by id.
    Volunteer entity => volunteers: Volunteer,
    /// `student`, by id.
    Student entity => students: Student,
    /// `teacher`, by id.
    Teacher entity => teachers: Teacher,
    /// `organization`, by id.
    Organization entity => organizations: Organization,
    /// `volunteer_organization`, in insertion order.
    VolunteerOrganization link => volunteer_organizations: VolunteerOrganization,
    /// `email`, by id.
    Email link => emails: Email,
    /// `skill`, by id.
    Skill entity => skills: Skill,
    /// `volunteer_skills`, in insertion order.
    VolunteerSkills link => volunteer_skills: VolunteerSkill,
    /// `users`, by id.
    Users entity => users: User,
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

/// Takes a snapshot of `sources` and of the rows in `tables`; `taken` is recorded as its instant.
///
/// Payloads are read on a connection of their own, at the same time as the sources. Their view of the database begins
/// earlier: a row that VMS writes in between has another stamp by then, and is left alone. If it began later, such a row
/// would be replaced with figures from before it.
pub async fn load(
    vms: &Vms,
    sources: &SourceSet,
    tables: &[Table],
    depth: ReadDepth<'_>,
    taken: DateTime<Utc>,
) -> Result<Snapshot, SnapshotError> {
    let mut snapshot = Snapshot { taken, ..Snapshot::default() };
    let Some(depth) = depth.with_digests().filter(|_| !tables.is_empty()) else {
        let view = vms.begin_read().await?;
        // The stamps are read first: the transaction hides writes of VMS between two statements anyway, but its view
        // of the database begins with its first statement.
        snapshot.existing = load_rows(&view, tables, depth).await?;
        load_sources(&view, sources, &mut snapshot).await?;
        end(view).await?;
        return Ok(snapshot);
    };
    let beside = vms.another().await?;
    let loaded = async {
        let (before, tables) = (beside.begin_read().await?, tables.to_vec());
        // Each ends its transaction as soon as it is done: with a rollback journal, a writer that waits for the one keeps
        // the other from beginning.
        let existing = tokio::spawn(async move {
            let rows = load_rows(&before, &tables, depth).await?;
            end(before).await?;
            Ok::<_, VmsError>(rows)
        });
        let read = async {
            let view = vms.begin_read().await?;
            load_sources(&view, sources, &mut snapshot).await?;
            end(view).await
        };
        let read = read.await;
        let existing = existing.await.unwrap_or_else(|panic| resume_unwind(panic.into_panic()));
        read.and(existing)
    };
    let existing: Result<_, VmsError> = loaded.await;
    beside.close().await;
    snapshot.existing = existing?;
    Ok(snapshot)
}

async fn load_rows(
    db: &DatabaseTransaction,
    tables: &[Table],
    depth: ReadDepth<'_>,
) -> Result<HashMap<Table, Vec<ExistingRow>>, VmsError> {
    let mut rows = HashMap::new();
    for &table in tables {
        rows.insert(table, read_existing(db, table, depth).await?);
    }
    Ok(rows)
}

async fn load_sources(
    db: &DatabaseTransaction,
    sources: &SourceSet,
    snapshot: &mut Snapshot,
) -> Result<(), VmsError> {
    for &source in sources {
        load_source(db, source, snapshot).await?;
    }
    Ok(())
}

async fn end(view: DatabaseTransaction) -> Result<(), VmsError> {
    view.commit().await.map_err(VmsError::of("ending the read transaction"))
}

/// The hash that a snapshot's [`SourceFacts`] would have now, without building rows.
pub async fn source_hash(db: &impl StreamTrait, source: Source) -> Result<u128, DbErr> {
    scan::hash(db, source.table(), source.columns()).await
}

/// Reads the same columns of the same tables and discards them, to measure the minimum cost of reading.
/// Returns the number of bytes that were read.
pub async fn bare_scan(
    db: &DatabaseTransaction,
    sources: impl IntoIterator<Item = Source>,
) -> Result<u64, DbErr> {
    let mut bytes = 0;
    for source in sources {
        bytes += scan::discard(db, source.table(), source.columns()).await?;
    }
    Ok(bytes)
}
