//! A table may be held because of any number of its lists.

use sea_orm_migration::prelude::*;

pub(super) struct GuardedLists;

impl MigrationName for GuardedLists {
    fn name(&self) -> &'static str {
        "m0002_guarded_lists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for GuardedLists {
    /// As with the first schema: all or nothing.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("m0002_guarded_lists.sql")).await?;
        Ok(())
    }
}
