//! Schema of the daemon's own database. Migrations are only ever appended: a state file is used by many
//! versions of the binary. A test keeps the hash of each; a file from before that is recognised by its columns.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{Database, DatabaseConnection, Statement};

/// One step of the schema. It is SQL text, so that each column's reason is shown by `.schema` as well.
struct Step {
    name: &'static str,
    sql: &'static str,
}

/// The step of the file `NAME.sql`.
macro_rules! step {
    ($name:literal) => {
        Step { name: $name, sql: include_str!(concat!($name, ".sql")) }
    };
}

/// Every step, oldest first.
const STEPS: [Step; 5] = [
    step!("m0001_first"),
    step!("m0002_guarded_lists"),
    step!("m0003_rewrites"),
    step!("m0004_proofs"),
    step!("m0005_computed"),
];

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    /// SQLite can roll back DDL: an interruption must not leave a partial schema that fails every later
    /// start.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.sql).await?;
        Ok(())
    }
}

/// All migrations of the state database.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        STEPS.into_iter().map(|step| Box::new(step) as Box<dyn MigrationTrait>).collect()
    }
}

/// Applies the missing migrations.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    Migrator::up(db, None).await
}

/// Returns the names of applied migrations that this binary does not have: they come from a newer one.
pub async fn unknown_migrations(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let known = Migrator::migrations();
    let applied = applied(db).await?;
    Ok(applied.into_iter().filter(|name| known.iter().all(|m| m.name() != name)).collect())
}

/// Returns the columns in which the tables differ from those that the applied migrations create, as `table.column`:
/// the file was made before the first release, when a migration could still change.
pub async fn differing_columns(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let steps = applied(db).await?.len();
    if steps == 0 {
        return Ok(Vec::new());
    }
    let model = Database::connect("sqlite::memory:").await?;
    Migrator::up(&model, steps.try_into().ok()).await?;
    let (there, expected) = (columns(db).await?, columns(&model).await?);
    model.close().await?;
    let differing: BTreeSet<String> =
        there.symmetric_difference(&expected).map(|(name, _)| name.clone()).collect();
    Ok(differing.into_iter().collect())
}

/// The columns of the migrations' tables, with their types and constraints.
async fn columns(db: &DatabaseConnection) -> Result<BTreeSet<(String, String)>, DbErr> {
    // SQLite's own tables come and go with ANALYZE.
    let every = "SELECT t.name || '.' || c.name, concat_ws(' ', c.type, c.\"notnull\", c.dflt_value, c.pk) \
                 FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), every)).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// The names of the applied migrations, oldest first.
async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    if !SchemaManager::new(db).has_table("seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let all = "SELECT version FROM seaql_migrations ORDER BY version";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), all)).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
