//! Table `sources`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sources")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) source: String,
    pub(crate) rows: i64,
    pub(crate) hash: String,
    pub(crate) taken: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
