//! User accounts of VMS.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// A user account.
#[derive(Debug, Clone)]
pub struct User {
    /// Its id.
    pub id: i64,
    /// `global`, or what the account is restricted to.
    pub scope: Option<Text>,
    /// Whether it may log in.
    pub active: Option<bool>,
}

impl Row for User {
    const SOURCE: Source = Source::Users;
    const TABLE: &'static str = "users";
    const COLUMNS: &'static [Column] =
        &[Column::plain("id"), Column::plain("scope_type"), Column::plain("is_active")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, scope: cells.symbol(), active: cells.boolean() })
    }
}
