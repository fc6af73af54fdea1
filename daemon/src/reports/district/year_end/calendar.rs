//! `events_data.events_by_month`: the district's events under the English name of their month.
//!
//! Months are in the order of their first event, which is how the detail page lists them. Students are
//! counted by the calendar rule ([`event`](super::event)). `has_attendance_detail` means that staff counted
//! students, also at a virtual event; an in-person event without students and without such a count
//! `needs_attendance`.
//!
//! In fixed mode every event also has `student_count` and `volunteer_count`: VMS's Excel download reads them,
//! and fails on rows that VMS's own refresh wrote.

use serde::Serialize;

use super::event::{Format, Seen};
use crate::reports::Mode;
use crate::reports::district::ordered::Ordered;
use crate::reports::number::Hours;
use crate::snapshot::Text;

/// Months by name.
pub(super) type Calendar<'s> = Ordered<Text, Month<'s>>;

#[derive(Serialize, Default)]
pub(super) struct Month<'s> {
    events: Vec<CalendarEvent<'s>>,
    total_students: i64,
    total_volunteers: i64,
    total_volunteer_hours: Hours,
}

#[derive(Serialize)]
struct CalendarEvent<'s> {
    id: i64,
    title: Option<&'s str>,
    date: Text,
    time: Text,
    #[serde(rename = "type")]
    kind: Text,
    location: &'s str,
    students: i64,
    volunteers: i64,
    volunteer_hours: Hours,
    has_attendance_detail: bool,
    needs_attendance: bool,
    #[serde(flatten)]
    excel: Option<ExcelCounts>,
}

/// The two counts under the names that VMS's Excel download reads.
#[derive(Serialize)]
struct ExcelCounts {
    student_count: i64,
    volunteer_count: i64,
}

/// Returns the calendar of a district.
pub(super) fn by_month<'s>(seen: &[Seen<'_, 's>], mode: Mode) -> Calendar<'s> {
    let mut calendar = Calendar::default();
    for seen in seen {
        let month = calendar.entry(Text::clone(&seen.event.month));
        month.total_students += seen.calendar_students;
        month.total_volunteers += seen.volunteers();
        month.total_volunteer_hours.add_sum(seen.event.hours);
        month.events.push(calendar_event(seen, mode));
    }
    calendar
}

fn calendar_event<'s>(seen: &Seen<'_, 's>, mode: Mode) -> CalendarEvent<'s> {
    let (facts, event) = (seen.event, seen.event.event);
    let (students, volunteers) = (seen.calendar_students, seen.volunteers());
    let counted = facts.counted.is_some();
    CalendarEvent {
        id: event.id,
        title: event.title.as_deref(),
        date: Text::clone(&facts.date),
        time: Text::clone(&facts.time),
        kind: Text::clone(&facts.kind),
        location: event.location.as_deref().unwrap_or_default(),
        students,
        volunteers,
        volunteer_hours: facts.hours,
        has_attendance_detail: counted,
        needs_attendance: facts.format == Format::InPerson && students == 0 && !counted,
        excel: (mode == Mode::Fixed)
            .then_some(ExcelCounts { student_count: students, volunteer_count: volunteers }),
    }
}
