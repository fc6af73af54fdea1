//! Schema of the daemon's own database. Migrations are only ever appended: a state file is used by many
//! versions of the binary.

mod m0001_first;
mod m0002_guarded_lists;
mod m0003_rewrites;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{QueryResult, Statement};

/// All migrations of the state database, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::First),
            Box::new(m0002_guarded_lists::GuardedLists),
            Box::new(m0003_rewrites::Rewrites),
        ]
    }
}

/// Applies the missing migrations.
pub async fn migrate(db: &sea_orm::DatabaseConnection) -> Result<(), DbErr> {
    Migrator::up(db, None).await
}

/// Returns the names of applied migrations that this binary does not have: they come from a newer one.
pub async fn unknown_migrations(db: &sea_orm::DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let manager = SchemaManager::new(db);
    if !manager.has_table("seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let all = Statement::from_string(
        db.get_database_backend(),
        "SELECT version FROM seaql_migrations ORDER BY version",
    );
    let applied: Vec<String> = db
        .query_all_raw(all)
        .await?
        .iter()
        .map(|row: &QueryResult| row.try_get("", "version"))
        .collect::<Result<_, _>>()?;
    let known = Migrator::migrations();
    Ok(applied.into_iter().filter(|name| known.iter().all(|m| m.name() != name)).collect())
}
