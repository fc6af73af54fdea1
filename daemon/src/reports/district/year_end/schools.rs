//! `events_data.schools_by_level`: every school of the district, with its events.
//!
//! A school's events are those of the district's events whose `event.school` equals the school's *name*. That
//! column holds a Salesforce id, so on ordinary data every school is listed without events, in VMS as here.
//! Students are counted by the rule of the calendar ([`event`](super::event)); hours are the entered ones,
//! without hours from durations.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::event::Seen;
use crate::reports::district::count;
use crate::reports::district::facts::recorded_hours;
use crate::reports::number::Hours;
use crate::snapshot::{School, Text};

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
    pub(super) fn of(schools: &[&'s School], seen: &[Seen<'_, 's>]) -> Self {
        let mut by_school: HashMap<&str, Vec<&Seen<'_, 's>>> = HashMap::new();
        for seen in seen {
            if let Some(school) = seen.event.event.school.as_deref() {
                by_school.entry(school).or_default().push(seen);
            }
        }
        let mut levels = Self::default();
        for school in schools {
            let seen = by_school.get(&*school.name).map_or(&[][..], Vec::as_slice);
            levels.level(school.level.as_deref()).push(entry(school, seen));
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

fn entry<'s>(school: &'s School, seen: &[&Seen<'_, 's>]) -> SchoolEntry<'s> {
    let rows = || seen.iter().flat_map(|seen| seen.event.volunteers.iter().copied());
    SchoolEntry {
        name: &school.name,
        total_students: seen.iter().map(|seen| seen.calendar_students).sum(),
        total_volunteers: seen.iter().map(|seen| seen.volunteers()).sum(),
        total_volunteer_hours: recorded_hours(rows()),
        unique_volunteer_count: count(rows().map(|row| row.volunteer).collect::<HashSet<_>>().len()),
        events: seen.iter().map(|seen| school_event(seen)).collect(),
    }
}

fn school_event<'s>(seen: &Seen<'_, 's>) -> SchoolEvent<'s> {
    let (facts, event) = (seen.event, seen.event.event);
    SchoolEvent {
        id: event.id,
        title: event.title.as_deref(),
        date: Text::clone(&facts.date),
        time: Text::clone(&facts.time),
        kind: Text::clone(&facts.kind),
        students: seen.calendar_students,
        volunteers: seen.volunteers(),
        volunteer_hours: facts.recorded_hours,
    }
}
