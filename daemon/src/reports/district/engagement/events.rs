//! The events of a year, and the districts that they belong to.
//!
//! # Whose figures are in a row
//!
//! VMS finds a district of the mapping by its Salesforce id and summarizes that one. Then it finds the row to
//! write by the mapping's name, takes the first district of that name, and fills the other four columns from
//! it. Where two districts have the same name, or one was renamed and another has its old name, these are
//! different districts.

use std::collections::HashMap;

use crate::reports::Context;
use crate::reports::district::attribution::{Active, Attribution, Names, Schools, active, positions};
use crate::reports::district::facts::{Attendee, Index, Roster};
use crate::reports::district::{STUDENTS_PER_TEACHER, count};
use crate::reports::year::SchoolYear;
use crate::snapshot::{Event, Participation, Snapshot, find};
use crate::vms::enums::{CONNECTOR_SESSION, VIRTUAL_SESSION, event_type_value};

/// A district of the mapping whose name is in the database; positions are those in [`Districts::views`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The district whose figures are in the summary.
    pub(super) summarized: usize,
    /// The district that the row belongs to, and whose people and events are in the other columns.
    pub(super) listed: usize,
}

/// The districts whose events are needed, and the rows built from them.
#[derive(Debug, Default)]
pub(super) struct Districts<'s> {
    /// Each district, with the names of one entry of the mapping.
    pub(super) views: Vec<Active<'s>>,
    /// In the order of the mapping.
    pub(super) rows: Vec<Row>,
}

impl<'s> Districts<'s> {
    pub(super) fn of(cx: Context<'s>, schools: &Schools<'s>) -> Self {
        let mut districts = Self::default();
        for primary in active(cx, schools) {
            let mapping = primary.mapping;
            // The first by id, as SQLite returns them.
            let Some(named) = cx.snapshot.districts.iter().find(|row| *row.name == *mapping.name) else {
                continue;
            };
            let summarized = districts.add(primary.clone());
            let listed = if named.id == primary.district.id {
                summarized
            } else {
                let schools = schools.in_district(named);
                districts.add(Active { mapping, district: named, schools })
            };
            districts.rows.push(Row { summarized, listed });
        }
        districts
    }

    fn add(&mut self, view: Active<'s>) -> usize {
        self.views.push(view);
        self.views.len() - 1
    }

    /// Returns the attribution of events to views, by name.
    pub(super) fn attribution(&self) -> Attribution<'s> {
        let names = self.views.iter().map(|view| {
            let linked = view.mapping.aliases.clone();
            let schools = view.schools.iter().map(|school| school.name.to_string());
            let partner = schools.chain([view.district.name.to_string()]).chain(linked.iter().cloned());
            Names { partner: partner.collect(), linked }
        });
        Attribution::new(str::to_ascii_lowercase, names)
    }
}

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
    pub(super) fn of(&self, year: SchoolYear, index: &Index<'s>) -> Vec<EngagementEvent<'s>> {
        index.events_of(year).filter_map(|event| self.event(event, index)).collect()
    }

    fn event(&self, event: &'s Event, index: &Index<'s>) -> Option<EngagementEvent<'s>> {
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
