//! Participation of volunteers and students in events.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// Participation of a volunteer in an event.
#[derive(Debug, Clone, Default)]
pub struct Participation {
    /// Its id.
    pub id: i64,
    /// The event.
    pub event: i64,
    /// The volunteer.
    pub volunteer: i64,
    /// Free text, compared case-sensitively.
    pub status: Option<Text>,
    /// Hours given.
    pub hours: Option<f64>,
    /// Role.
    pub participant_type: Option<Text>,
}

impl Row for Participation {
    const SOURCE: Source = Source::EventParticipation;
    const TABLE: &'static str = "event_participation";
    const COLUMNS: &'static [Column] = &[
        Column::plain("id"),
        Column::plain("event_id"),
        Column::plain("volunteer_id"),
        Column::plain("status"),
        Column::real("delivery_hours"),
        Column::plain("participant_type"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            id: cells.id()?,
            event: cells.id()?,
            volunteer: cells.id()?,
            status: cells.symbol(),
            hours: cells.real(),
            participant_type: cells.symbol(),
        })
    }
}

/// Participation of a student in an event.
#[derive(Debug, Clone, Default)]
pub struct StudentParticipation {
    /// Its id.
    pub id: i64,
    /// The event.
    pub event: i64,
    /// The student.
    pub student: i64,
    /// Free text, compared case-sensitively.
    pub status: Option<Text>,
}

impl Row for StudentParticipation {
    const SOURCE: Source = Source::EventStudentParticipation;
    const TABLE: &'static str = "event_student_participation";
    const COLUMNS: &'static [Column] = &[
        Column::plain("id"),
        Column::plain("event_id"),
        Column::plain("student_id"),
        Column::plain("status"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { id: cells.id()?, event: cells.id()?, student: cells.id()?, status: cells.symbol() })
    }
}
