//! `report_data.enhanced`: every figure for all events, for those in person and for the virtual ones.
//!
//! It is what VMS's `calculate_enhanced_district_stats` computes:
//!
//! * students are summed by the rule of the totals; the unique ones in person are the union of the rosters,
//!   the unique virtual ones 25 for each distinct teacher, and the unique total is the sum of the two;
//! * volunteers are rows; a person in both formats counts once in the unique total and once in each format;
//! * organizations are those of the volunteers, whatever the membership's status. Their `total`, `in_person`
//!   and `virtual` are always 0 in VMS. Their hours are the entered ones, without hours from durations, and a
//!   volunteer of several organizations counts for each of them;
//! * classrooms reached are rows of teachers present.
//!
//! A percentage is the integer 0 when its total is 0, and a sum of hours is the integer 0 until something
//! else was added. Unique percentages may exceed 100 together.

use std::collections::HashSet;

use serde::Serialize;

use crate::reports::dialect::{Hours, percent};
use crate::reports::district::year_end::events::{DistrictEvent, Format};
use crate::reports::district::{STUDENTS_PER_TEACHER, count};
use crate::reports::entry::Ordered;
use crate::snapshot::Text;

#[derive(Serialize)]
pub(super) struct Enhanced {
    pub(super) events: Events,
    pub(super) students: Students,
    pub(super) volunteers: Volunteers,
    organizations: Organizations,
    virtual_sessions: VirtualSessions,
    pub(super) event_types: Ordered<Text, i64>,
    event_types_by_format: TypesByFormat,
}

#[derive(Serialize)]
pub(super) struct Events {
    pub(super) total: i64,
    pub(super) in_person: i64,
    #[serde(rename = "virtual")]
    pub(super) online: i64,
    in_person_pct: Hours,
    virtual_pct: Hours,
}

#[derive(Serialize)]
pub(super) struct Students {
    pub(super) total: i64,
    pub(super) in_person: i64,
    #[serde(rename = "virtual")]
    pub(super) online: i64,
    pub(super) unique_total: i64,
    unique_in_person: i64,
    unique_virtual: i64,
    in_person_pct: Hours,
    virtual_pct: Hours,
}

#[derive(Serialize)]
pub(super) struct Volunteers {
    pub(super) total: i64,
    in_person: i64,
    #[serde(rename = "virtual")]
    online: i64,
    pub(super) unique_total: i64,
    unique_in_person: i64,
    unique_virtual: i64,
    pub(super) hours_total: Hours,
    hours_in_person: Hours,
    hours_virtual: Hours,
    in_person_pct: Hours,
    virtual_pct: Hours,
    hours_in_person_pct: Hours,
    hours_virtual_pct: Hours,
}

#[derive(Serialize)]
struct Organizations {
    total: i64,
    in_person: i64,
    #[serde(rename = "virtual")]
    online: i64,
    unique_total: i64,
    unique_in_person: i64,
    unique_virtual: i64,
    volunteer_hours_total: Hours,
    volunteer_hours_in_person: Hours,
    volunteer_hours_virtual: Hours,
    unique_in_person_pct: Hours,
    unique_virtual_pct: Hours,
    volunteer_hours_in_person_pct: Hours,
    volunteer_hours_virtual_pct: Hours,
}

#[derive(Serialize)]
struct VirtualSessions {
    classrooms_reached: i64,
    unique_teachers: i64,
    confirmed_teachers: i64,
    registered_teachers: i64,
}

#[derive(Serialize)]
struct TypesByFormat {
    in_person: Ordered<Text, i64>,
    #[serde(rename = "virtual")]
    online: Ordered<Text, i64>,
}

impl Enhanced {
    /// Computes every figure over the events of a district.
    pub(super) fn of(district_events: &[DistrictEvent<'_, '_>]) -> Self {
        let tally = Tally::of(district_events);
        Self {
            events: Events::of(&tally),
            students: Students::of(&tally),
            volunteers: Volunteers::of(&tally),
            organizations: Organizations::of(&tally),
            virtual_sessions: VirtualSessions {
                classrooms_reached: tally.classrooms,
                unique_teachers: count(tally.teachers.len()),
                confirmed_teachers: tally.confirmed_teachers,
                registered_teachers: tally.registered_teachers,
            },
            event_types: tally.types.total,
            event_types_by_format: TypesByFormat {
                in_person: tally.types.in_person,
                online: tally.types.online,
            },
        }
    }
}

impl Events {
    fn of(tally: &Tally) -> Self {
        let events = &tally.events;
        let (in_person_pct, virtual_pct) = events.percentages();
        let (total, in_person, online) = (events.total, events.in_person, events.online);
        Self { total, in_person, online, in_person_pct, virtual_pct }
    }
}

impl Students {
    fn of(tally: &Tally) -> Self {
        let students = &tally.students;
        let (in_person_pct, virtual_pct) = students.percentages();
        let unique_in_person = count(tally.roster.len());
        let unique_virtual = STUDENTS_PER_TEACHER * count(tally.teachers.len());
        Self {
            total: students.total,
            in_person: students.in_person,
            online: students.online,
            unique_total: unique_in_person + unique_virtual,
            unique_in_person,
            unique_virtual,
            in_person_pct,
            virtual_pct,
        }
    }
}

impl Volunteers {
    fn of(tally: &Tally) -> Self {
        let (rows, hours) = (&tally.volunteer_rows, &tally.hours);
        let unique = tally.volunteers.map(|people| count(people.len()));
        let (in_person_pct, virtual_pct) = rows.percentages();
        let (hours_in_person_pct, hours_virtual_pct) = hours.percentages();
        Self {
            total: rows.total,
            in_person: rows.in_person,
            online: rows.online,
            unique_total: unique.total,
            unique_in_person: unique.in_person,
            unique_virtual: unique.online,
            hours_total: hours.total,
            hours_in_person: hours.in_person,
            hours_virtual: hours.online,
            in_person_pct,
            virtual_pct,
            hours_in_person_pct,
            hours_virtual_pct,
        }
    }
}

impl Organizations {
    fn of(tally: &Tally) -> Self {
        let unique = tally.organizations.map(|hours| count(hours.len()));
        let hours = tally.organizations.map(|hours| hours.values().copied().sum::<Hours>());
        let (unique_in_person_pct, unique_virtual_pct) = unique.percentages();
        let (volunteer_hours_in_person_pct, volunteer_hours_virtual_pct) = hours.percentages();
        Self {
            total: 0,
            in_person: 0,
            online: 0,
            unique_total: unique.total,
            unique_in_person: unique.in_person,
            unique_virtual: unique.online,
            volunteer_hours_total: hours.total,
            volunteer_hours_in_person: hours.in_person,
            volunteer_hours_virtual: hours.online,
            unique_in_person_pct,
            unique_virtual_pct,
            volunteer_hours_in_person_pct,
            volunteer_hours_virtual_pct,
        }
    }
}

/// A value kept for all events and for each format.
#[derive(Debug, Default)]
struct Split<T> {
    total: T,
    in_person: T,
    online: T,
}

impl<T> Split<T> {
    /// Updates the total and the value of `format`.
    fn add(&mut self, format: Format, mut add: impl FnMut(&mut T)) {
        add(&mut self.total);
        add(match format {
            Format::InPerson => &mut self.in_person,
            Format::Virtual => &mut self.online,
        });
    }

    /// Applies `convert` to each value.
    fn map<U>(&self, convert: impl Fn(&T) -> U) -> Split<U> {
        Split {
            total: convert(&self.total),
            in_person: convert(&self.in_person),
            online: convert(&self.online),
        }
    }
}

impl Split<i64> {
    /// Returns the in-person and the virtual share of the total, as percentages.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn percentages(&self) -> (Hours, Hours) {
        let of = |part: i64| percent(part as f64, self.total as f64);
        (of(self.in_person), of(self.online))
    }
}

impl Split<Hours> {
    /// Returns the in-person and the virtual share of the total, as percentages.
    fn percentages(&self) -> (Hours, Hours) {
        let of = |part: Hours| percent(part.value(), self.total.value());
        (of(self.in_person), of(self.online))
    }
}

/// Accumulated figures of a district, from which others are derived.
#[derive(Debug, Default)]
struct Tally {
    events: Split<i64>,
    students: Split<i64>,
    /// Students of the rosters of events in person.
    roster: HashSet<i64>,
    volunteer_rows: Split<i64>,
    volunteers: Split<HashSet<i64>>,
    hours: Split<Hours>,
    /// Hours by organization, in order of first appearance: a sum of floats depends on its order.
    organizations: Split<Ordered<i64, Hours>>,
    /// Teachers present at virtual events.
    teachers: HashSet<i64>,
    /// Rows of teachers present at virtual events.
    classrooms: i64,
    confirmed_teachers: i64,
    registered_teachers: i64,
    /// Events by type.
    types: Split<Ordered<Text, i64>>,
}

impl Tally {
    /// Accumulates over the events of a district.
    fn of(district_events: &[DistrictEvent<'_, '_>]) -> Self {
        let mut tally = Self::default();
        for district_event in district_events {
            tally.take(district_event);
        }
        tally
    }

    fn take(&mut self, district_event: &DistrictEvent<'_, '_>) {
        let event = district_event.event;
        let format = event.format;
        self.events.add(format, |events| *events += 1);
        self.students.add(format, |students| *students += district_event.total_students);
        self.volunteer_rows.add(format, |rows| *rows += district_event.volunteers());
        self.volunteers.add(format, |people| people.extend(event.volunteers.iter().map(|row| row.volunteer)));
        self.hours.add(format, |hours| hours.add_sum(event.hours));
        for (&organization, &hours) in &event.organizations {
            self.organizations.add(format, |sums| sums.entry(organization).add_sum(hours));
        }
        self.types.add(format, |types| *types.entry(Text::clone(&event.kind)) += 1);
        match format {
            Format::InPerson => {
                self.roster.extend(district_event.roster.iter().map(|attendee| attendee.row.student));
            }
            Format::Virtual => {
                self.teachers.extend(&event.present_teachers);
                self.classrooms += count(event.present_teachers.len());
                self.confirmed_teachers += event.confirmed_teachers;
                self.registered_teachers += event.registered_teachers;
            }
        }
    }
}
