//! Table `jobs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) run_id: i64,
    pub(crate) table_name: String,
    pub(crate) ordinal: i64,
    pub(crate) phase: String,
    pub(crate) outcome: Option<String>,
    pub(crate) failures: i64,
    pub(crate) kills: i64,
    pub(crate) not_before: Option<i64>,
    pub(crate) cancel: bool,
    pub(crate) entries: i64,
    pub(crate) rebuilt: i64,
    pub(crate) verified: i64,
    pub(crate) skipped: i64,
    pub(crate) pruned: i64,
    pub(crate) failed: i64,
    pub(crate) warnings: i64,
    pub(crate) bytes: i64,
    pub(crate) seconds: f64,
    pub(crate) error: Option<String>,
    pub(crate) lock_count: i64,
    pub(crate) lock_seconds: f64,
    pub(crate) lock_longest: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
