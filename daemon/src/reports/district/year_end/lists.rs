//! `events_data`: the events of the district by month, and its schools.
//!
//! # `events_by_month`: the events under the English name of their month
//!
//! Months are in the order of their first event, which is how the detail page lists them. Students are
//! counted by the calendar rule ([`event`](super::events)). `has_attendance_detail` means that staff counted
//! students, also at a virtual event; an in-person event without students and without such a count
//! `needs_attendance`.
//!
//! In fixed mode every event also has `student_count` and `volunteer_count`: VMS's Excel download reads them,
//! and fails on rows that VMS's own refresh wrote.
//!
//! # `schools_by_level`: every school, with its events
//!
//! A school's events are those of the district's events whose `event.school` equals the school's *name*. That
//! column holds a Salesforce id, so on ordinary data every school is listed without events, in VMS as here.
//! Students are counted by the rule of the calendar ([`event`](super::events)); hours are the entered ones,
//! without hours from durations.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::reports::Mode;
use crate::reports::dialect::Hours;
use crate::reports::district::count;
use crate::reports::district::facts::recorded_hours;
use crate::reports::district::year_end::events::{DistrictEvent, Format};
use crate::reports::entry::Ordered;
use crate::snapshot::{School, Text};

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
pub(super) fn by_month<'s>(district_events: &[DistrictEvent<'_, 's>], mode: Mode) -> Calendar<'s> {
    let mut calendar = Calendar::default();
    for district_event in district_events {
        let month = calendar.entry(Text::clone(&district_event.event.month));
        month.total_students += district_event.calendar_students;
        month.total_volunteers += district_event.volunteers();
        month.total_volunteer_hours.add_sum(district_event.event.hours);
        month.events.push(calendar_event(district_event, mode));
    }
    calendar
}

fn calendar_event<'s>(district_event: &DistrictEvent<'_, 's>, mode: Mode) -> CalendarEvent<'s> {
    let (facts, event) = (district_event.event, district_event.event.event);
    let (students, volunteers) = (district_event.calendar_students, district_event.volunteers());
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

/// Schools by level; a level that is not one of the first three goes to the last.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SchoolsByLevel<'s> {
    high: Vec<SchoolEntry<'s>>,
    middle: Vec<SchoolEntry<'s>>,
    elementary: Vec<SchoolEntry<'s>>,
    other: Vec<SchoolEntry<'s>>,
}

#[derive(Serialize)]
struct SchoolEntry<'s> {
    name: &'s str,
    total_students: i64,
    total_volunteers: i64,
    total_volunteer_hours: Hours,
    unique_volunteer_count: i64,
    events: Vec<SchoolEvent<'s>>,
}

#[derive(Serialize)]
struct SchoolEvent<'s> {
    id: i64,
    title: Option<&'s str>,
    date: Text,
    time: Text,
    #[serde(rename = "type")]
    kind: Text,
    students: i64,
    volunteers: i64,
    volunteer_hours: Hours,
}

impl<'s> SchoolsByLevel<'s> {
    /// Lists `schools`, which are ordered by name.
    pub(super) fn of(schools: &[&'s School], district_events: &[DistrictEvent<'_, 's>]) -> Self {
        let mut by_school: HashMap<&str, Vec<&DistrictEvent<'_, 's>>> = HashMap::new();
        for district_event in district_events {
            if let Some(school) = district_event.event.event.school.as_deref() {
                by_school.entry(school).or_default().push(district_event);
            }
        }
        let mut levels = Self::default();
        for school in schools {
            let school_events = by_school.get(&*school.name).map_or(&[][..], Vec::as_slice);
            levels.level(school.level.as_deref()).push(entry(school, school_events));
        }
        levels
    }

    fn level(&mut self, level: Option<&str>) -> &mut Vec<SchoolEntry<'s>> {
        match level {
            Some("High") => &mut self.high,
            Some("Middle") => &mut self.middle,
            Some("Elementary") => &mut self.elementary,
            _ => &mut self.other,
        }
    }
}

fn entry<'s>(school: &'s School, district_events: &[&DistrictEvent<'_, 's>]) -> SchoolEntry<'s> {
    let rows =
        || district_events.iter().flat_map(|district_event| district_event.event.volunteers.iter().copied());
    SchoolEntry {
        name: &school.name,
        total_students: district_events.iter().map(|district_event| district_event.calendar_students).sum(),
        total_volunteers: district_events.iter().map(|district_event| district_event.volunteers()).sum(),
        total_volunteer_hours: recorded_hours(rows()),
        unique_volunteer_count: count(rows().map(|row| row.volunteer).collect::<HashSet<_>>().len()),
        events: district_events.iter().map(|district_event| school_event(district_event)).collect(),
    }
}

fn school_event<'s>(district_event: &DistrictEvent<'_, 's>) -> SchoolEvent<'s> {
    let (facts, event) = (district_event.event, district_event.event.event);
    SchoolEvent {
        id: event.id,
        title: event.title.as_deref(),
        date: Text::clone(&facts.date),
        time: Text::clone(&facts.time),
        kind: Text::clone(&facts.kind),
        students: district_event.calendar_students,
        volunteers: district_event.volunteers(),
        volunteer_hours: facts.recorded_hours,
    }
}
