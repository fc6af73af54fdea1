//! Organizations and their memberships.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// An organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: Option<Text>,
}

impl Row for Organization {
    const SOURCE: Source = Source::Organization;
    const TABLE: &'static str = "organization";
    const COLUMNS: &'static [Column] = &[Column::plain("id"), Column::plain("name")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, name: cells.text() })
    }
}

/// The membership of a volunteer in an organization.
#[derive(Debug, Clone, Default)]
pub struct VolunteerOrganization {
    /// The volunteer.
    pub volunteer: i64,
    /// The organization.
    pub organization: i64,
    /// Whether it is the volunteer's primary organization.
    pub primary: Option<bool>,
    /// Free text, compared case-sensitively.
    pub status: Option<Text>,
    /// Start, as stored.
    pub start: Option<Text>,
    /// End, as stored.
    pub end: Option<Text>,
}

impl Row for VolunteerOrganization {
    const SOURCE: Source = Source::VolunteerOrganization;
    const TABLE: &'static str = "volunteer_organization";
    const COLUMNS: &'static [Column] = &[
        Column::plain("volunteer_id"),
        Column::plain("organization_id"),
        Column::plain("is_primary"),
        Column::plain("status"),
        Column::plain("start_date"),
        Column::plain("end_date"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            volunteer: cells.id()?,
            organization: cells.id()?,
            primary: cells.boolean(),
            status: cells.symbol(),
            start: cells.instant_text(),
            end: cells.instant_text(),
        })
    }
}
