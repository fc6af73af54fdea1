//! The events of a year, and `events_data`, the list of a district's events by start.

use std::collections::HashMap;

use serde::Serialize;

use super::districts::Districts;
use crate::reports::district::attribution::{Attribution, positions};
use crate::reports::district::facts::{Attendee, Index, Roster, find, recorded_hours};
use crate::reports::district::{STUDENTS_PER_TEACHER, count};
use crate::reports::number::Hours;
use crate::reports::year::SchoolYear;
use crate::snapshot::{Event, Participation, Snapshot};
use crate::vms::enums::{CONNECTOR_SESSION, VIRTUAL_SESSION, event_type_value};

/// An event of the year, with the facts that do not depend on the district.
#[derive(Debug)]
pub(super) struct EngagementEvent<'s> {
    pub(super) event: &'s Event,
    pub(super) is_virtual: bool,
    /// Rows of volunteers who took part, by id.
    pub(super) volunteers: Vec<&'s Participation>,
    /// District of each teacher whose district is known.
    teachers: Vec<i64>,
    roster: Roster<'s>,
    /// Positions of the views that the event belongs to.
    pub(super) districts: Vec<usize>,
}

/// An event with the facts for one district.
#[derive(Debug)]
pub(super) struct Engaged<'y, 's> {
    pub(super) event: &'y EngagementEvent<'s>,
    /// The district's students who attended; none at a virtual session.
    pub(super) roster: &'y [Attendee<'s>],
    /// Number of students, assumed for a virtual session.
    pub(super) students: i64,
}

impl<'y, 's> Engaged<'y, 's> {
    /// Returns the facts of `event` for the district `district`.
    pub(super) fn new(event: &'y EngagementEvent<'s>, district: i64) -> Self {
        let teachers = event.teachers.iter().filter(|&&of| of == district).count();
        let roster = if event.is_virtual { &[] } else { event.roster.of(district) };
        let students =
            if event.is_virtual { STUDENTS_PER_TEACHER * count(teachers) } else { count(roster.len()) };
        Self { event, roster, students }
    }
}

/// Finds the events of a year.
#[derive(Debug)]
pub(super) struct EngagementEvents<'s> {
    snapshot: &'s Snapshot,
    attribution: Attribution<'s>,
    /// Positions of the views of each district, by its id.
    districts: HashMap<i64, Vec<usize>>,
    views: usize,
}

impl<'s> EngagementEvents<'s> {
    /// Indexes the tables that only this report reads.
    pub(super) fn new(snapshot: &'s Snapshot, districts: &Districts<'s>) -> Self {
        let mut positions: HashMap<i64, Vec<usize>> = HashMap::new();
        for (position, view) in districts.views.iter().enumerate() {
            positions.entry(view.district.id).or_default().push(position);
        }
        Self {
            snapshot,
            attribution: districts.attribution(),
            districts: positions,
            views: districts.views.len(),
        }
    }

    /// Returns the events of `year` that belong to at least one of the districts, by start and id.
    pub(super) fn of(&mut self, year: SchoolYear, index: &Index<'s>) -> Vec<EngagementEvent<'s>> {
        index.events_of(year).filter_map(|event| self.event(event, index)).collect()
    }

    fn event(&mut self, event: &'s Event, index: &Index<'s>) -> Option<EngagementEvent<'s>> {
        let kind = event.kind.as_deref().filter(|&kind| kind != CONNECTOR_SESSION)?;
        let linked = index.linked(event);
        let mut found = vec![false; self.views];
        self.attribution.mark(&mut found, event.district_partner.as_deref(), &linked);
        let place = event.school.as_deref().and_then(|id| index.school(id)?.district);
        for district in index.linked_by_text(event).chain(place) {
            for &position in self.districts.get(&district).into_iter().flatten() {
                found[position] = true;
            }
        }
        let districts = positions(&found);
        (!districts.is_empty()).then(|| EngagementEvent {
            event,
            is_virtual: kind == VIRTUAL_SESSION,
            volunteers: index.volunteers(event),
            teachers: self.teachers_of(event, index),
            roster: index.roster(event),
            districts,
        })
    }

    fn teachers_of(&self, event: &Event, index: &Index<'s>) -> Vec<i64> {
        let district = |teacher: i64| {
            let teacher = find(&self.snapshot.teachers, teacher, |teacher| teacher.id)?;
            index.school(teacher.school.as_deref()?)?.district
        };
        index.teachers(event).iter().filter_map(|row| district(row.teacher)).collect()
    }
}

/// Returns the value of an event's type.
pub(super) fn kind(event: &Event) -> String {
    event_type_value(event.kind.as_deref().unwrap_or_default())
}

/// Returns the location of an event.
pub(super) fn location(event: &Event) -> &str {
    event.location.as_deref().filter(|location| !location.is_empty()).unwrap_or("N/A")
}

/// Returns the start of an event, in one of chrono's formats.
pub(super) fn date(event: &Event, format: &str) -> String {
    event.start.as_ref().map(|start| start.at.format(format).to_string()).unwrap_or_default()
}

#[derive(Serialize)]
pub(super) struct ListedEvent<'s> {
    id: i64,
    date: String,
    title: Option<&'s str>,
    #[serde(rename = "type")]
    kind: String,
    location: &'s str,
    volunteer_count: i64,
    student_count: i64,
    volunteer_hours: Hours,
}

/// Returns `events_data`.
pub(super) fn list<'s>(engaged: &[Engaged<'_, 's>]) -> Vec<ListedEvent<'s>> {
    let listed = |engaged: &Engaged<'_, 's>| {
        let event = engaged.event.event;
        ListedEvent {
            id: event.id,
            date: date(event, "%m/%d/%Y"),
            title: event.title.as_deref(),
            kind: kind(event),
            location: location(event),
            volunteer_count: count(engaged.event.volunteers.len()),
            student_count: engaged.students,
            volunteer_hours: recorded_hours(engaged.event.volunteers.iter().copied()).rounded(1),
        }
    };
    engaged.iter().map(listed).collect()
}
