//! Districts and their schools.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// A school district.
#[derive(Debug, Clone, Default)]
pub struct District {
    /// Its id.
    pub id: i64,
    /// Id in Salesforce, by which the mapping names it.
    pub salesforce_id: Option<Text>,
    /// Its name.
    pub name: Text,
    /// State code.
    pub code: Option<Text>,
}

impl Row for District {
    const SOURCE: Source = Source::District;
    const TABLE: &'static str = "district";
    const COLUMNS: &'static [Column] = &[
        Column::plain("id"),
        Column::plain("salesforce_id"),
        Column::plain("name"),
        Column::plain("district_code"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            id: cells.id()?,
            salesforce_id: cells.text(),
            name: cells.required_text()?,
            code: cells.text(),
        })
    }
}

/// A school.
#[derive(Debug, Clone, Default)]
pub struct School {
    /// Its Salesforce id.
    pub id: Text,
    /// Its name.
    pub name: Text,
    /// Its district.
    pub district: Option<i64>,
    /// `High`, `Middle`, `Elementary` or anything else.
    pub level: Option<Text>,
}

impl Row for School {
    const SOURCE: Source = Source::School;
    const TABLE: &'static str = "school";
    const COLUMNS: &'static [Column] =
        &[Column::plain("id"), Column::plain("name"), Column::plain("district_id"), Column::plain("level")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            id: cells.required_text_key()?,
            name: cells.required_text()?,
            district: cells.key(),
            level: cells.symbol(),
        })
    }
}
