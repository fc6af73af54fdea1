//! VMS's tables, for demonstrations and tests.
//!
//! Covers the tables that reports are computed from, the cache tables, and the few others that their foreign
//! keys name. Column names, declared types, nullability, constraints and indexes are those of VMS: SQLite
//! derives a column's affinity from its declared type, and the affinity determines how values compare.
//!
//! This is not a migration of VMS: VMS owns its schema, and a real file must never be given to [`create`].

mod caches;
mod events;
mod people;
mod places;
mod table;

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};
use table::Table;

/// What reports are computed from, in an order in which every foreign key names an earlier table
/// (but for `tenant` and `users`, which name each other).
const SOURCES: &[Table] = &[
    places::DISTRICT,
    places::TENANT,
    places::USERS,
    places::SYNC_LOGS,
    places::SCHOOL,
    places::CLASS,
    places::ORGANIZATION,
    people::CONTACT,
    people::EMAIL,
    people::SKILL,
    people::VOLUNTEER,
    people::TEACHER,
    people::STUDENT,
    people::VOLUNTEER_SKILLS,
    places::VOLUNTEER_ORGANIZATION,
    events::EVENT,
    events::EVENT_DISTRICTS,
    events::EVENT_SKILLS,
    events::EVENT_PARTICIPATION,
    events::EVENT_STUDENT_PARTICIPATION,
    events::EVENT_TEACHER,
    events::EVENT_VOLUNTEERS,
    events::EVENT_ATTENDANCE_DETAIL,
];

/// The tables in which every supported VMS stores reports.
const CACHES: &[Table] = &[
    caches::DISTRICT_YEAR_END_REPORTS,
    caches::ORGANIZATION_SUMMARY_CACHE,
    caches::ORGANIZATION_DETAIL_CACHE,
    caches::ORGANIZATION_REPORTS,
    caches::VIRTUAL_SESSION_REPORT_CACHE,
    caches::VIRTUAL_SESSION_DISTRICT_CACHE,
    caches::RECENT_VOLUNTEERS_REPORT_CACHE,
    caches::FIRST_TIME_VOLUNTEER_REPORT_CACHE,
    caches::RECRUITMENT_CANDIDATES_CACHE,
    caches::DIA_EVENTS_REPORT_CACHE,
];

/// Creates VMS's tables and indexes in an empty SQLite database.
///
/// `with_engagement` adds `district_engagement_reports`, which only older versions of VMS have.
/// Run it inside a transaction to get all of it or nothing. Fails when one of the tables exists already.
pub async fn create(db: &impl ConnectionTrait, with_engagement: bool) -> Result<(), DbErr> {
    let engagement = with_engagement.then_some(&caches::DISTRICT_ENGAGEMENT_REPORTS);
    for table in SOURCES.iter().chain(CACHES).chain(engagement) {
        table.create(db).await?;
    }
    Ok(())
}
