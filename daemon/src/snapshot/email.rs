//! Mail addresses.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// A mail address.
#[derive(Debug, Clone, Default)]
pub struct Email {
    /// Its id.
    pub id: i64,
    /// The contact it belongs to.
    pub contact: i64,
    /// The address.
    pub address: Option<Text>,
    /// Whether it is the contact's primary address.
    pub primary: Option<bool>,
}

impl Row for Email {
    const SOURCE: Source = Source::Email;
    const TABLE: &'static str = "email";
    const COLUMNS: &'static [Column] =
        &[Column::plain("id"), Column::plain("contact_id"), Column::plain("email"), Column::plain("primary")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, contact: cells.id()?, address: cells.text(), primary: cells.boolean() })
    }
}
