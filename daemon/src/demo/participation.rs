//! Who takes part in events: volunteers, with the totals in their rows, and the classes of a virtual session.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};

use super::calendar;
use super::events::Event;
use super::lists::Place;
use super::people::Pupils;
use super::places::Places;
use super::random::Random;
use super::row::{self, Kind, World, next_id};

const VOLUNTEER_OUTCOMES: &[(u32, &str)] =
    &[(78, "Attended"), (6, "Completed"), (5, "Successfully Completed"), (6, "No Show"), (5, "Cancelled")];
const CALLED_OFF: &[(u32, &str)] =
    &[(6, "Cancelled"), (2, "School Closure"), (1, "Emergency Cancellation"), (1, "Did Not Attend")];
const CALLED_OFF_IN_WINTER: &[(u32, &str)] =
    &[(3, "Cancelled"), (4, "Volunteer canceling due to snow"), (4, "Weather Cancellation")];
const MISSED: &[(u32, &str)] = &[(3, "No Show"), (2, "Did Not Attend"), (2, "Teacher No-Show")];
const AHEAD: &[(u32, &str)] = &[(5, "Registered"), (3, "Confirmed"), (4, "Scheduled"), (1, "Cancelled")];

/// Volunteers to choose from, with their participations so far.
pub(super) struct Crowd {
    /// Date on which each became a volunteer, ascending; the index is that of the row.
    joined: Vec<NaiveDate>,
    /// Indexes of frequent volunteers, ascending.
    regulars: Vec<usize>,
    service: Vec<Service>,
    random: Random,
}

#[derive(Clone, Default)]
struct Service {
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
    times: u32,
}

impl Crowd {
    pub(super) fn new(seed: u64, joined: Vec<NaiveDate>) -> Self {
        let service = vec![Service::default(); joined.len()];
        let regulars = (0..joined.len()).step_by(7).collect();
        Self { joined, regulars, service, random: Random::stream(seed, "participation") }
    }

    /// Adds the volunteers of an event.
    pub(super) fn attend(&mut self, event: &Event<'_>, world: &mut World) {
        let [fewest, most] = event.program.volunteers;
        let wanted = self.random.between(fewest, most);
        // Every second upcoming event has no volunteers yet, because the DIA report distinguishes the two
        // cases; DIA events are an odd number of events apart.
        let empty = event.upcoming && event.id.is_multiple_of(2);
        let volunteers = if empty { BTreeSet::new() } else { self.choose(event.start.date(), wanted) };
        for volunteer in volunteers {
            let id = world.volunteers[volunteer].id;
            if event.online() {
                world.presenters.push(row::Presenter { event_id: event.id, volunteer_id: id });
            }
            // Sessions imported from the online platform name their presenters, but have no hours.
            if event.online() && self.random.percent(45) {
                if event.held() {
                    self.record(volunteer, event.start.date());
                }
                continue;
            }
            self.participate(volunteer, id, event, world);
        }
    }

    fn participate(&mut self, volunteer: usize, id: u32, event: &Event<'_>, world: &mut World) {
        let winter = matches!(event.start.month(), 12 | 1 | 2);
        let status = match event.status {
            "SIMULCAST" => "Simulcast",
            _ if event.held() => self.random.weighted(VOLUNTEER_OUTCOMES),
            "CANCELLED" if winter => self.random.weighted(CALLED_OFF_IN_WINTER),
            "CANCELLED" => self.random.weighted(CALLED_OFF),
            "NO_SHOW" => self.random.weighted(MISSED),
            _ => self.random.weighted(AHEAD),
        };
        let came = matches!(status, "Attended" | "Completed" | "Successfully Completed" | "Simulcast");
        let hours = (came && !event.program.hours.is_empty() && self.random.percent(95))
            .then(|| *self.random.pick(&event.program.hours));
        if came {
            self.record(volunteer, event.start.date());
        }
        let number = next_id(&world.participations);
        world.participations.push(row::Participation {
            id: number,
            volunteer_id: id,
            event_id: event.id,
            status,
            delivery_hours: hours,
            salesforce_id: row::salesforce_id(Kind::Participation, number),
            participant_type: if event.online() { "Presenter" } else { "Volunteer" },
        });
    }

    /// Chooses distinct volunteers who had joined by then; a frequent one in three cases of ten.
    fn choose(&mut self, on: NaiveDate, wanted: u32) -> BTreeSet<usize> {
        let eligible = self.joined.partition_point(|since| *since <= on);
        let regulars = self.regulars.partition_point(|place| *place < eligible);
        let mut chosen = BTreeSet::new();
        // There are more attempts than people: a small sample may not have as many as are wanted.
        for _ in 0..wanted.saturating_mul(4) {
            if eligible == 0 || chosen.len() == wanted as usize {
                break;
            }
            chosen.insert(if self.random.percent(30) && regulars > 0 {
                self.regulars[self.random.index(regulars)]
            } else {
                self.random.index(eligible)
            });
        }
        chosen
    }

    fn record(&mut self, volunteer: usize, day: NaiveDate) {
        let service = &mut self.service[volunteer];
        service.first = Some(service.first.map_or(day, |first| first.min(day)));
        service.last = Some(service.last.map_or(day, |last| last.max(day)));
        service.times += 1;
    }

    /// Writes the recorded participations into the volunteers' rows.
    pub(super) fn finish(mut self, begin: NaiveDate, world: &mut World) {
        for place in 0..self.joined.len() {
            let joined = self.joined[place];
            let service = &mut self.service[place];
            if joined < begin {
                // Participations before the sample begins have no rows, but are part of the totals.
                service.first = Some(joined);
                service.last = service.last.or(Some(joined));
                service.times += self.random.between(1, 9);
            } else if service.times == 0 && self.random.percent(8) {
                // Recorded by hand, without an event.
                service.first = Some(joined);
                service.last = Some(joined);
                service.times = 1;
            }
            let row = &mut world.volunteers[place];
            row.first_volunteer_date = service.first.map(calendar::date);
            row.last_volunteer_date = service.last.map(calendar::date);
            row.last_activity_date = service.last.or(Some(joined)).map(calendar::date);
            row.times_volunteered = service.times;
        }
    }
}

const TEACHER_OUTCOMES: &[(u32, &str)] = &[
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
                _ if event.held() => self.random.weighted(TEACHER_OUTCOMES),
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
                salesforce_id: row::salesforce_id(Kind::Attendance, id),
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
