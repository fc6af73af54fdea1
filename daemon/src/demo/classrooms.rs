//! Attendance other than volunteers: teachers of virtual sessions, students and counts of other events.

use super::calendar;
use super::events::Event;
use super::lists::Place;
use super::places::Places;
use super::pupils::Pupils;
use super::random::Random;
use super::row;
use super::salesforce::{self, Kind};
use super::world::{World, next_id};
use chrono::Days;
use std::collections::BTreeSet;

const HELD: &[(u32, &str)] = &[
    (62, "attended"),
    (12, "registered"),
    (10, "no_show"),
    (6, "simulcast"),
    (4, "successfully completed"),
    (4, "cancelled"),
    (2, "did not attend"),
];

/// Adds the teachers, students and counts of an event.
pub(super) struct Classrooms<'a> {
    random: Random,
    places: &'a Places,
    pupils: &'a Pupils,
}

impl<'a> Classrooms<'a> {
    pub(super) fn new(seed: u64, places: &'a Places, pupils: &'a Pupils) -> Self {
        Self { random: Random::stream(seed, "classrooms"), places, pupils }
    }

    pub(super) fn fill(&mut self, event: &Event<'_>, world: &mut World) {
        if event.online() {
            self.register_teachers(event, world);
        } else if event.held() && event.program.place != Place::Office {
            if self.random.percent(50) {
                self.add_roster(event, world);
            }
            if self.random.percent(55) {
                self.add_detail(event, world);
            }
        }
    }

    /// Registers one to five teachers, two in three of them from the host's district.
    fn register_teachers(&mut self, event: &Event<'_>, world: &mut World) {
        let made = calendar::stamp(event.start.checked_sub_days(Days::new(10)).unwrap_or(event.start));
        let mut registered = BTreeSet::new();
        for _ in 0..self.random.weighted(&[(1, 0), (4, 1), (4, 2), (4, 3), (3, 5)]) {
            let teachers = &self.pupils.teachers[self.school_near(event.school)];
            if teachers.is_empty() {
                continue;
            }
            let teacher = *self.random.pick(teachers);
            if !registered.insert(teacher) {
                continue;
            }
            let status = match event.status {
                _ if event.held() => self.random.weighted(HELD),
                "CANCELLED" => self.random.weighted(&[(3, "cancelled"), (1, "registered"), (1, "withdrawn")]),
                "NO_SHOW" => self.random.weighted(&[(3, "no_show"), (1, "Teacher No-Show")]),
                "COUNT" => "count",
                _ => "registered",
            };
            let confirmed = (status == "attended" && self.random.percent(70))
                .then(|| event.start.checked_add_days(Days::new(1)))
                .flatten();
            world.registrations.push(row::Registration {
                event_id: event.id,
                teacher_id: teacher,
                status,
                is_simulcast: status == "simulcast" || event.status == "SIMULCAST",
                attendance_confirmed_at: confirmed.map(calendar::stamp),
                created_at: made.clone(),
                updated_at: made.clone(),
            });
        }
    }

    fn school_near(&mut self, host: usize) -> usize {
        let district = self.places.schools[host].district;
        let near = |school: &usize| self.places.schools[*school].district == district;
        let schools: Vec<usize> = (0..self.places.schools.len()).filter(near).collect();
        if self.random.percent(67) {
            *self.random.pick(&schools)
        } else {
            self.random.index(self.places.schools.len())
        }
    }

    fn add_roster(&mut self, event: &Event<'_>, world: &mut World) {
        let students = &self.pupils.students[event.school];
        let hours = event.program.hours.first().copied();
        let made = calendar::stamp(event.start);
        let count = self.random.between(6, 24);
        for place in self.random.sample(students.len(), count) {
            let id = next_id(&world.attendances);
            let status = self.random.weighted(&[(86, "Attended"), (9, "No Show"), (5, "Registered")]);
            world.attendances.push(row::Attendance {
                id,
                salesforce_id: salesforce::id(Kind::Attendance, id),
                event_id: event.id,
                student_id: students[place],
                status,
                delivery_hours: hours.filter(|_| status == "Attended"),
                created_at: made.clone(),
                updated_at: made.clone(),
            });
        }
    }

    /// Adds the counts that staff enter after an event; some may be missing.
    fn add_detail(&mut self, event: &Event<'_>, world: &mut World) {
        let random = &mut self.random;
        let classrooms = random.between(1, 8);
        let per_classroom = random.between(16, 28);
        world.attendance_details.push(row::AttendanceDetail {
            id: next_id(&world.attendance_details),
            event_id: event.id,
            num_classrooms: random.percent(88).then_some(classrooms),
            rotations: random.percent(85).then(|| random.between(1, 4)),
            total_students: random.percent(90).then_some(classrooms * per_classroom),
            attendance_in_sf: random.percent(40),
            pathway: random
                .percent(20)
                .then(|| random.pick(&["Health", "STEM", "Business", "Arts"]).to_string()),
            is_stem: random.percent(35),
        });
    }
}
