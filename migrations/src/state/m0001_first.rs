//! The first schema. It is SQL text, so that each column's reason is shown by `.schema` as well.

use sea_orm_migration::prelude::*;

pub(super) struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    /// SQLite can roll back DDL: a stop in the middle must not leave half a schema that fails every later
    /// start.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0001_first.sql")).await?;
        Ok(())
    }
}
