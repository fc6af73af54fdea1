//! What another process has written over the daemon's rows.

use sea_orm_migration::prelude::*;

pub(super) struct Rewrites;

impl MigrationName for Rewrites {
    fn name(&self) -> &'static str {
        "m0003_rewrites"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rewrites {
    /// SQLite can roll back DDL: a stop in the middle must not leave half a schema that fails every later
    /// start.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0003_rewrites.sql")).await?;
        Ok(())
    }
}
