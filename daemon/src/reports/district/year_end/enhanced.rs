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

use serde::Serialize;

use super::event::Seen;
use super::tally::Tally;
use crate::reports::district::ordered::Ordered;
use crate::reports::district::{STUDENTS_PER_TEACHER, count};
use crate::reports::number::Hours;
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
    pub(super) fn of(seen: &[Seen<'_, '_>]) -> Self {
        let tally = Tally::of(seen);
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
