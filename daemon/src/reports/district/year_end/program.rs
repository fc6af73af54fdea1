//! `report_data.program_breakdown`: how many students each program reached.
//!
//! It is what VMS's `calculate_program_breakdown` (`routes/reports/breakdown_helpers.py`) computes when a
//! refresh calls it: students are always the roster, never what staff counted. Career and college fairs count
//! only students whose school's level is exactly `High`. `virtual_sessions` leaves connector sessions out,
//! and everything "in person" leaves both virtual types out.
//!
//! `_unique_sets` holds the ids behind the unique figures, because the breakdown page unites them over
//! districts for its overall figures; without them it shows 0. VMS writes them in no particular order; here
//! they ascend.

use std::collections::BTreeSet;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use crate::reports::district::STUDENTS_PER_TEACHER;
use crate::reports::district::year_end::events::{DistrictEvent, Format};
use crate::vms::enums::VIRTUAL_SESSION;

/// A program: its key in the payload, and the event types that belong to it.
struct Program {
    key: &'static str,
    kinds: &'static [&'static str],
    high_school_only: bool,
}

const fn program(key: &'static str, kinds: &'static [&'static str]) -> Program {
    Program { key, kinds, high_school_only: false }
}

/// The programs in the order of the payload.
const PROGRAMS: [Program; 10] = [
    program("career_jumping_students", &["CAREER_JUMPING"]),
    program("career_speakers_students", &["CAREER_SPEAKER"]),
    Program {
        key: "career_college_fair_hs_students",
        kinds: &["CAREER_FAIR", "COLLEGE_APPLICATION_FAIR"],
        high_school_only: true,
    },
    program("healthstart_students", &["HEALTHSTART"]),
    program("bfi_students", &["BFI"]),
    program("dia_students", &["DIA", "DIA_CLASSROOM_SPEAKER"]),
    program("sla_students", &["SLA"]),
    program("client_connected_students", &["CLIENT_CONNECTED_PROJECT"]),
    program("p2t_students", &["P2T"]),
    program("p2gd_students", &["P2GD"]),
];

/// Number of attendances, and the distinct people.
#[derive(Debug, Default)]
struct People {
    total: i64,
    unique: BTreeSet<i64>,
}

impl People {
    fn add(&mut self, people: impl IntoIterator<Item = i64>) {
        for person in people {
            self.total += 1;
            self.unique.insert(person);
        }
    }
}

impl Serialize for People {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("total", &self.total)?;
        map.serialize_entry("unique", &self.unique.len())?;
        map.end()
    }
}

/// The breakdown of one district.
#[derive(Debug, Default)]
pub(super) struct ProgramBreakdown {
    students: People,
    volunteers: People,
    events: i64,
    programs: [People; PROGRAMS.len()],
    math_relays: i64,
    teachers: People,
    sessions: i64,
}

impl ProgramBreakdown {
    /// Counts over the events of a district.
    pub(super) fn of(district_events: &[DistrictEvent<'_, '_>]) -> Self {
        let mut breakdown = Self::default();
        for district_event in district_events {
            breakdown.add(district_event);
        }
        breakdown
    }

    fn add(&mut self, district_event: &DistrictEvent<'_, '_>) {
        let kind = district_event.event.event.kind.as_deref();
        if district_event.event.format == Format::InPerson {
            self.events += 1;
            self.students.add(district_event.roster.iter().map(|attendee| attendee.row.student));
            self.volunteers.add(district_event.event.volunteers.iter().map(|row| row.volunteer));
        }
        for (program, people) in PROGRAMS.iter().zip(&mut self.programs) {
            if kind.is_some_and(|kind| program.kinds.contains(&kind)) {
                let counts = |level: Option<&str>| !program.high_school_only || level == Some("High");
                let students =
                    district_event.roster.iter().filter(|student| counts(student.school.level.as_deref()));
                people.add(students.map(|attendee| attendee.row.student));
            }
        }
        match kind {
            Some("MATH_RELAYS") => self.math_relays += 1,
            Some(VIRTUAL_SESSION) => {
                self.sessions += 1;
                self.teachers.add(district_event.event.present_teachers.iter().copied());
            }
            _ => {}
        }
    }

    /// Returns the people counted in person, by key.
    fn in_person(&self) -> [(&'static str, &People); 2] {
        [("in_person_students", &self.students), ("in_person_volunteers", &self.volunteers)]
    }

    /// Returns the students of each program, by key.
    fn programs(&self) -> impl Iterator<Item = (&'static str, &People)> {
        PROGRAMS.iter().map(|program| program.key).zip(&self.programs)
    }
}

impl Serialize for ProgramBreakdown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, people) in self.in_person() {
            map.serialize_entry(key, people)?;
        }
        map.serialize_entry("in_person_events_count", &self.events)?;
        for (key, people) in self.programs() {
            map.serialize_entry(key, people)?;
        }
        map.serialize_entry("math_relays_count", &self.math_relays)?;
        let sessions = json!({
            "teachers_engaged": { "total": self.teachers.total, "unique": self.teachers.unique.len() },
            "students_participated": { "total": STUDENTS_PER_TEACHER * self.teachers.total, "unique": null },
            "session_count": self.sessions,
        });
        map.serialize_entry("virtual_sessions", &sessions)?;
        map.serialize_entry("_unique_sets", &UniqueSets(self))?;
        map.end()
    }
}

struct UniqueSets<'b>(&'b ProgramBreakdown);

impl Serialize for UniqueSets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let teachers = [("virtual_teachers", &self.0.teachers)];
        let people = self.0.in_person().into_iter().chain(self.0.programs()).chain(teachers);
        serializer.collect_map(people.map(|(key, people)| (key, &people.unique)))
    }
}
