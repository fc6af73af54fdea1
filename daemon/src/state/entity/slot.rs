//! Table `slots`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "slots")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) schedule: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) slot: String,
    pub(crate) decision: String,
    pub(crate) run_id: Option<i64>,
    pub(crate) decided: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
