//! Teachers registered for virtual sessions.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};

/// A teacher registered for an event.
#[derive(Debug, Clone, Default)]
pub struct EventTeacher {
    /// The event.
    pub event: i64,
    /// The teacher.
    pub teacher: i64,
    /// Free text, compared case-sensitively.
    pub status: Option<Text>,
    /// Whether the class watched a simulcast.
    pub simulcast: Option<bool>,
    /// When attendance was confirmed.
    pub confirmed_at: Option<Text>,
}

impl Row for EventTeacher {
    const SOURCE: Source = Source::EventTeacher;
    const TABLE: &'static str = "event_teacher";
    const COLUMNS: &'static [Column] = &[
        Column::plain("event_id"),
        Column::plain("teacher_id"),
        Column::plain("status"),
        Column::plain("is_simulcast"),
        Column::plain("attendance_confirmed_at"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            event: cells.id()?,
            teacher: cells.id()?,
            status: cells.symbol(),
            simulcast: cells.boolean(),
            confirmed_at: cells.instant_text(),
        })
    }
}
