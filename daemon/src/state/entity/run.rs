//! Table `runs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) trigger: String,
    pub(crate) slot: Option<String>,
    pub(crate) priority: i64,
    pub(crate) force: bool,
    pub(crate) accept: bool,
    pub(crate) exact: bool,
    pub(crate) as_of: Option<i64>,
    pub(crate) renew_before: Option<i64>,
    pub(crate) phase: String,
    pub(crate) lease: Option<String>,
    pub(crate) lease_until: Option<i64>,
    pub(crate) not_before: Option<i64>,
    pub(crate) parked: Option<i64>,
    pub(crate) queued: i64,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
    pub(crate) seconds: f64,
    pub(crate) outcome: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
