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

/// Creates VMS's tables and indexes in an empty SQLite database.
///
/// `with_engagement` adds `district_engagement_reports`, which only older versions of VMS have.
/// Run it inside a transaction to get all tables or none. Fails if one of the tables exists already.
pub async fn create(db: &impl ConnectionTrait, with_engagement: bool) -> Result<(), DbErr> {
    let engagement = with_engagement.then_some(&caches::DISTRICT_ENGAGEMENT_REPORTS);
    // A foreign key names an earlier table, but for those of `tenant` and `users`, which name each other.
    let sources = [places::TABLES, people::TABLES, events::TABLES].into_iter().flatten();
    for table in sources.chain(caches::TABLES).chain(engagement) {
        table.create(db).await?;
    }
    Ok(())
}
