//! Table `entries`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) entry_key: String,
    pub(crate) row_id: i64,
    pub(crate) last_updated: String,
    pub(crate) fingerprint: Option<String>,
    pub(crate) payload: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
