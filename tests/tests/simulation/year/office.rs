//! The office that works with VMS: what it changes in the source tables on an ordinary day, chosen by a seed.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};

use crate::actor::Actor;
use crate::random::Random;

/// Statements that keep a small office of the sample: about 75 events and 200 people.
pub(super) const SMALL: &str = "
DELETE FROM event WHERE id % 4;
DELETE FROM volunteer WHERE id % 5;
DELETE FROM organization WHERE id > 12;
DELETE FROM skill WHERE id > 12;
DELETE FROM event_student_participation WHERE id % 3;
";

/// Most of the time of a refresh goes into candidates, each of whom is listed for a hundred events.
pub(super) const FINISH: &str = "
UPDATE contact SET do_not_contact = 1 WHERE id NOT IN (SELECT id FROM volunteer LIMIT 12);
CREATE TABLE events_put_aside AS SELECT * FROM event WHERE 0;
VACUUM;
PRAGMA journal_mode = WAL;
";

/// Types of events that the office plans; a type that occurs twice is planned twice as often.
const TYPES: [&str; 12] = [
    "VIRTUAL_SESSION",
    "VIRTUAL_SESSION",
    "VIRTUAL_SESSION",
    "CONNECTOR_SESSION",
    "CAREER_FAIR",
    "CAREER_SPEAKER",
    "CLASSROOM_SPEAKER",
    "CLASSROOM_ACTIVITY",
    "WORKPLACE_VISIT",
    "DATA_VIZ",
    "DIA",
    "DIA_CLASSROOM_SPEAKER",
];

/// Number of kinds of acts.
const ACTS: u64 = 24;

#[derive(Debug)]
pub(super) struct Office {
    random: Random,
    vms: Arc<Actor>,
    /// How often a day it changes something at the most: each time causes a refresh.
    busy: u64,
    /// Counts what needs a name or an id of its own.
    made: u64,
}

impl Office {
    pub(super) fn new(seed: u64, vms: Arc<Actor>, busy: u64) -> Self {
        Self { random: Random::new(seed), vms, busy, made: 0 }
    }

    /// Returns the times of day at which the office works: seldom on weekends.
    pub(super) fn hours(&self, day: NaiveDate) -> Vec<NaiveTime> {
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        if weekend && self.random.percent(85) {
            return Vec::new();
        }
        let mut times: Vec<NaiveTime> = (0..=self.random.below(self.busy))
            .map(|_| {
                let minutes = 8 * 60 + 10 + self.random.below(9 * 60);
                NaiveTime::MIN + TimeDelta::minutes(i64::try_from(minutes).unwrap())
            })
            .collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Returns the times of day at which a user views a page of VMS.
    pub(super) fn views(&self) -> impl Iterator<Item = NaiveTime> + use<> {
        let viewed = self.random.percent(40);
        let minutes = 9 * 60 + self.random.below(7 * 60);
        viewed.then(|| NaiveTime::MIN + TimeDelta::minutes(i64::try_from(minutes).unwrap())).into_iter()
    }

    pub(super) fn random(&self) -> &Random {
        &self.random
    }

    /// Works for a while: one to three acts in one transaction each. Returns whether any row has changed. While
    /// the source is `broken`, nothing is typed in but names and addresses.
    pub(super) fn work(&mut self, today: NaiveDate, broken: bool) -> bool {
        let mut worked = false;
        for _ in 0..=self.random.below(3) {
            let act = if broken { self.rename() } else { self.act(today) };
            if let Some(sql) = act {
                self.vms.execute(&format!("BEGIN IMMEDIATE; {sql}; COMMIT"));
                worked = true;
            }
        }
        worked
    }

    /// Plans events ahead until there are some again, as at the beginning of a season.
    pub(super) fn plan_season(&mut self, today: NaiveDate, events: u64) {
        for _ in 0..events {
            let sql = self.plan(today);
            self.vms.execute(&format!("BEGIN IMMEDIATE; {sql}; COMMIT"));
        }
    }

    /// An import of Salesforce: many rows are rewritten with the values that they have there.
    pub(super) fn import(&self) -> String {
        let nth = 3 + self.random.below(5);
        let rest = self.random.below(nth);
        let hours = 1 + self.random.below(3);
        format!(
            "UPDATE event_participation SET delivery_hours = {hours} \
                 WHERE id % {nth} = {rest} AND delivery_hours IS NOT NULL; \
             UPDATE event SET participant_count = participant_count + {hours}, updated_at = created_at \
                 WHERE id % {nth} = {rest} AND status = 'COMPLETED'; \
             UPDATE volunteer SET times_volunteered = times_volunteered + 1 WHERE id % {nth} = {rest}; \
             UPDATE contact SET middle_name = 'M{hours}' WHERE id % {nth} = {rest}; \
             UPDATE organization SET billing_city = 'Kansas City' WHERE id % {nth} = {rest}"
        )
    }

    fn act(&mut self, today: NaiveDate) -> Option<String> {
        match self.random.below(ACTS) {
            0..4 => Some(self.plan(today)),
            4..7 => self.close(today),
            7..10 => self.type_in(today),
            10..12 => self.sign_up(today),
            12 => self.cancel(today),
            13 => self.delete_event(),
            14 => self.move_event(today),
            15 => self.new_volunteer(today),
            16 => self.merge_people(),
            17 => self.rename(),
            18 => self.change_email(),
            19 => self.change_employer(today),
            20 => self.change_organization(today),
            21 => self.change_places(),
            22 => self.bring_students(today),
            _ => self.change_flags(),
        }
    }

    fn plan(&mut self, today: NaiveDate) -> String {
        let number = self.next();
        let ahead = 2 + self.random.below(60);
        let mut day = today + Days::new(ahead);
        while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
            day = day + Days::new(1);
        }
        let kind = self.random.pick(&TYPES);
        let start =
            NaiveTime::MIN + TimeDelta::minutes(i64::try_from(8 * 60 + 15 * self.random.below(33)).unwrap());
        let end = start + TimeDelta::minutes(60);
        let virtual_ = matches!(kind, "VIRTUAL_SESSION" | "CONNECTOR_SESSION");
        let format = if virtual_ { "VIRTUAL" } else { "IN_PERSON" };
        let status = self.random.pick(&["CONFIRMED", "CONFIRMED", "PUBLISHED", "REQUESTED", "DRAFT"]);
        let school = self.any("school").unwrap_or_default();
        let needed = self.random.below(8);
        let mut sql = format!(
            "INSERT INTO event (salesforce_id, title, type, format, start_date, end_date, duration, status, location, \
                 school, district_partner, volunteers_needed, participant_count, registered_count, attended_count, \
                 available_slots, scheduled_participants_count, total_requested_volunteer_jobs, session_id, \
                 session_host, series, original_status_string, import_source, created_at, updated_at) \
             VALUES ('year{number:014}', 'Planned {kind} {number}', '{kind}', '{format}', '{day} {start}.000000', \
                 '{day} {end}.000000', 60, '{status}', 'Room {number}', '{school}', \
                 (SELECT district.name FROM district JOIN school ON school.district_id = district.id \
                      WHERE school.id = '{school}'), \
                 {needed}, 0, 0, 0, 0, 0, {needed}, {session}, 'PREPKC', 'Series {series}', 'Confirmed', 'salesforce', \
                 '{today} 09:00:00.000000', '{today} 09:00:00.000000'); \
             INSERT INTO event_districts SELECT (SELECT max(id) FROM event), district_id FROM school \
                 WHERE id = '{school}'; \
             INSERT INTO event_skills SELECT (SELECT max(id) FROM event), id FROM skill WHERE id % 6 = {skill}",
            session = if virtual_ { format!("'s{number}'") } else { "NULL".to_owned() },
            series = number % 4,
            skill = number % 6,
        );
        if virtual_ {
            let (teacher, other) = (self.any("teacher"), self.any("teacher"));
            for teacher in [teacher, other].into_iter().flatten() {
                let _ = write!(
                    sql,
                    "; INSERT OR IGNORE INTO event_teacher (event_id, teacher_id, status, is_simulcast, created_at, \
                         updated_at) SELECT max(id), {teacher}, 'registered', 0, '{today}', '{today}' FROM event"
                );
            }
            if let Some(volunteer) = self.any("volunteer") {
                let _ = write!(sql, "; INSERT INTO event_volunteers SELECT max(id), {volunteer} FROM event");
            }
        }
        sql
    }

    /// An event has taken place, or has not: its status follows days later.
    fn close(&self, today: NaiveDate) -> Option<String> {
        let event = self.one(&format!(
            "SELECT id FROM event WHERE start_date < '{today}' \
             AND status IN ('CONFIRMED', 'PUBLISHED', 'REQUESTED', 'DRAFT') ORDER BY start_date LIMIT 3"
        ))?;
        let status =
            self.random.pick(&["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "CANCELLED", "NO_SHOW"]);
        let (came, students) =
            if status == "COMPLETED" { ("Attended", self.random.below(90)) } else { ("Cancelled", 0) };
        Some(format!(
            "UPDATE event SET status = '{status}', participant_count = {students}, volunteers_needed = 0 \
                 WHERE id = {event}; \
             UPDATE event_participation SET status = '{came}', delivery_hours = 1.5 \
                 WHERE event_id = {event} AND id % 2; \
             UPDATE event_teacher SET status = lower('{came}') WHERE event_id = {event}"
        ))
    }

    /// Participations are typed in days after the event.
    fn type_in(&mut self, today: NaiveDate) -> Option<String> {
        let since = today - Days::new(25);
        let event = self.one(&format!(
            "SELECT id FROM event WHERE status = 'COMPLETED' AND start_date > '{since}' AND start_date < '{today}'"
        ))?;
        let mut sql = String::new();
        for _ in 0..=self.random.below(4) {
            let volunteer = self.any("volunteer")?;
            let number = self.next();
            let status = self.random.pick(&["Attended", "Attended", "Completed", "No Show"]);
            let _ = write!(
                sql,
                "INSERT INTO event_participation (volunteer_id, event_id, status, delivery_hours, salesforce_id, \
                     participant_type) VALUES ({volunteer}, {event}, '{status}', {hours}, 'part{number:014}', \
                     'Volunteer'); \
                 UPDATE volunteer SET last_volunteer_date = (SELECT date(start_date) FROM event WHERE id = {event}), \
                     first_volunteer_date = coalesce(first_volunteer_date, \
                         (SELECT date(start_date) FROM event WHERE id = {event})) WHERE id = {volunteer}; ",
                hours = self.random.pick(&["1.0", "0.75", "2.5", "NULL"]),
            );
        }
        let _ = write!(
            sql,
            "UPDATE event_participation SET status = 'Attended', delivery_hours = coalesce(delivery_hours, 1.0) \
             WHERE event_id = {event} AND status IN ('Registered', 'Confirmed')"
        );
        Some(sql)
    }

    fn sign_up(&mut self, today: NaiveDate) -> Option<String> {
        let event = self.upcoming(today)?;
        let volunteer = self.any("volunteer")?;
        let number = self.next();
        Some(format!(
            "INSERT INTO event_participation (volunteer_id, event_id, status, salesforce_id, participant_type) \
                 VALUES ({volunteer}, {event}, 'Registered', 'part{number:014}', 'Volunteer'); \
             UPDATE event SET volunteers_needed = max(coalesce(volunteers_needed, 0) - 1, 0) WHERE id = {event}"
        ))
    }

    fn cancel(&self, today: NaiveDate) -> Option<String> {
        let event = self.upcoming(today)?;
        Some(format!(
            "UPDATE event SET status = 'CANCELLED', cancellation_reason = 'WEATHER' WHERE id = {event}; \
             UPDATE event_participation SET status = 'Cancelled' WHERE event_id = {event}"
        ))
    }

    fn delete_event(&self) -> Option<String> {
        let event = self.one("SELECT id FROM event WHERE status IN ('DRAFT', 'CANCELLED', 'REQUESTED')")?;
        Some(format!(
            "DELETE FROM event_participation WHERE event_id = {event}; \
             DELETE FROM event_student_participation WHERE event_id = {event}; \
             DELETE FROM event_teacher WHERE event_id = {event}; \
             DELETE FROM event_volunteers WHERE event_id = {event}; \
             DELETE FROM event_skills WHERE event_id = {event}; \
             DELETE FROM event_districts WHERE event_id = {event}; \
             DELETE FROM event_attendance_detail WHERE event_id = {event}; \
             DELETE FROM event WHERE id = {event}"
        ))
    }

    fn move_event(&self, today: NaiveDate) -> Option<String> {
        let event = self.upcoming(today)?;
        let days = 1 + self.random.below(20);
        Some(format!(
            "UPDATE event SET start_date = datetime(start_date, '+{days} days') || '.000000', \
             end_date = datetime(end_date, '+{days} days') || '.000000' WHERE id = {event}"
        ))
    }

    fn new_volunteer(&mut self, today: NaiveDate) -> Option<String> {
        let number = self.next();
        let organization = self.any("organization")?;
        let unwanted = u8::from(self.random.percent(80));
        Some(format!(
            "INSERT INTO contact (type, salesforce_individual_id, first_name, last_name, do_not_call, do_not_contact, \
                 email_opt_out, exclude_from_reports) \
                 VALUES ('volunteer', 'cont{number:014}', 'Nora{number}', 'Newman', 0, {unwanted}, 0, 0); \
             INSERT INTO volunteer (id, organization_name, title, local_status, first_volunteer_date, times_volunteered, \
                 additional_volunteer_count, status) \
                 SELECT max(id), 'Newcomers', 'Engineer', 'local', '{today}', 0, 0, 'ACTIVE' FROM contact; \
             INSERT INTO email (contact_id, email, type, \"primary\") \
                 SELECT max(id), 'nora{number}@example.org', 'personal', 1 FROM contact; \
             INSERT INTO volunteer_organization (volunteer_id, organization_id, role, is_primary, status, start_date, \
                 created_at, updated_at) SELECT max(id), {organization}, 'Employee', 1, 'Current', '{today} 00:00:00.000000', \
                 '{today}', '{today}' FROM contact; \
             INSERT INTO volunteer_skills (volunteer_id, skill_id, source) \
                 SELECT (SELECT max(id) FROM contact), id, 'job' FROM skill WHERE id % 5 = {}",
            number % 5
        ))
    }

    /// Two rows turn out to be one person.
    fn merge_people(&self) -> Option<String> {
        let (kept, gone) = (self.any("volunteer")?, self.any("volunteer")?);
        (kept != gone).then(|| {
            format!(
                "UPDATE event_participation SET volunteer_id = {kept} WHERE volunteer_id = {gone}; \
                 UPDATE OR IGNORE event_volunteers SET volunteer_id = {kept} WHERE volunteer_id = {gone}; \
                 UPDATE OR IGNORE volunteer_organization SET volunteer_id = {kept} WHERE volunteer_id = {gone}; \
                 UPDATE OR IGNORE volunteer_skills SET volunteer_id = {kept} WHERE volunteer_id = {gone}; \
                 UPDATE email SET contact_id = {kept}, \"primary\" = 0 WHERE contact_id = {gone}; \
                 DELETE FROM event_volunteers WHERE volunteer_id = {gone}; \
                 DELETE FROM volunteer_organization WHERE volunteer_id = {gone}; \
                 DELETE FROM volunteer_skills WHERE volunteer_id = {gone}; \
                 DELETE FROM volunteer WHERE id = {gone}; \
                 DELETE FROM contact WHERE id = {gone}"
            )
        })
    }

    fn rename(&mut self) -> Option<String> {
        let table = self.random.pick(&["volunteer", "teacher", "volunteer"]);
        let (person, number) = (self.any(table)?, self.next());
        Some(format!("UPDATE contact SET last_name = 'Renamed {number}' WHERE id = {person}"))
    }

    fn change_email(&mut self) -> Option<String> {
        let (person, number) = (self.any("volunteer")?, self.next());
        Some(match self.random.below(3) {
            0 => format!("UPDATE email SET email = 'new{number}@example.org' WHERE contact_id = {person}"),
            1 => format!(
                "INSERT INTO email (contact_id, email, type, \"primary\") \
                 VALUES ({person}, 'second{number}@example.org', 'professional', 0)"
            ),
            _ => format!(
                "DELETE FROM email WHERE contact_id = {person} AND id = (SELECT max(id) FROM email WHERE contact_id = {person})"
            ),
        })
    }

    fn change_employer(&self, today: NaiveDate) -> Option<String> {
        let (person, employer) = (self.any("volunteer")?, self.any("organization")?);
        Some(format!(
            "UPDATE volunteer_organization SET status = 'Past', is_primary = 0, end_date = '{today} 00:00:00.000000' \
                 WHERE volunteer_id = {person}; \
             INSERT OR REPLACE INTO volunteer_organization (volunteer_id, organization_id, role, is_primary, status, \
                 start_date, created_at, updated_at) VALUES ({person}, {employer}, 'Employee', 1, 'Current', \
                 '{today} 00:00:00.000000', '{today}', '{today}')"
        ))
    }

    fn change_organization(&mut self, today: NaiveDate) -> Option<String> {
        let number = self.next();
        match self.random.below(3) {
            0 => Some(format!(
                "INSERT INTO organization (salesforce_id, name, type, created_at, updated_at) \
                 VALUES ('orga{number:014}', 'Founded {number}', 'Business', '{today}', '{today}')"
            )),
            1 => {
                let organization = self.any("organization")?;
                Some(format!("UPDATE organization SET name = 'Rebranded {number}' WHERE id = {organization}"))
            }
            _ => {
                let (kept, gone) = (self.any("organization")?, self.any("organization")?);
                let few = self.vms.number("SELECT count(*) FROM organization") < 10;
                (kept != gone && !few).then(|| {
                    format!(
                        "UPDATE OR IGNORE volunteer_organization SET organization_id = {kept} WHERE organization_id = {gone}; \
                         DELETE FROM volunteer_organization WHERE organization_id = {gone}; \
                         DELETE FROM organization WHERE id = {gone}"
                    )
                })
            }
        }
    }

    fn change_places(&mut self) -> Option<String> {
        let number = self.next();
        let district = self.any("district")?;
        Some(match self.random.below(4) {
            0 => format!(
                "INSERT INTO district (salesforce_id, name, district_code) \
                 VALUES ('dist{number:014}', 'District {number}', '9{number:04}')"
            ),
            1 => format!(
                "INSERT INTO school (id, name, district_id, normalized_name, school_code, level) \
                 VALUES ('scho{number:014}', 'School {number}', {district}, 'school {number}', '8{number:04}', 'High')"
            ),
            2 => {
                let school = self.any("school")?;
                format!(
                    "INSERT INTO contact (type, salesforce_individual_id, first_name, last_name) \
                         VALUES ('teacher', 'teac{number:014}', 'Tom{number}', 'Teacher'); \
                     INSERT INTO teacher (id, school_id, status, active, connector_active) \
                         SELECT max(id), '{school}', 'ACTIVE', 1, 0 FROM contact"
                )
            }
            _ => {
                let school = self.any("school")?;
                format!("UPDATE school SET name = 'Academy {number}' WHERE id = '{school}'")
            }
        })
    }

    fn bring_students(&mut self, today: NaiveDate) -> Option<String> {
        let since = today - Days::new(40);
        let event = self.one(&format!(
            "SELECT id FROM event WHERE status = 'COMPLETED' AND start_date > '{since}' AND start_date < '{today}'"
        ))?;
        let number = self.next();
        let (total, rooms) = (10 + self.random.below(80), 1 + self.random.below(5));
        Some(format!(
            "INSERT INTO event_student_participation (event_id, student_id, status, delivery_hours) \
                 SELECT {event}, id, 'Attended', 1.0 FROM student WHERE id % 9 = {} \
                 AND id NOT IN (SELECT student_id FROM event_student_participation WHERE event_id = {event}); \
             INSERT OR REPLACE INTO event_attendance_detail (id, event_id, num_classrooms, total_students, \
                 attendance_in_sf, is_stem) VALUES ((SELECT id FROM event_attendance_detail WHERE event_id = {event}), \
                 {event}, {rooms}, {total}, 1, 0)",
            number % 9
        ))
    }

    fn change_flags(&self) -> Option<String> {
        let person = self.any("volunteer")?;
        let column = self.random.pick(&["exclude_from_reports", "do_not_contact", "email_opt_out"]);
        Some(format!("UPDATE contact SET {column} = 1 - coalesce({column}, 0) WHERE id = {person}"))
    }

    fn upcoming(&self, today: NaiveDate) -> Option<String> {
        self.one(&format!("SELECT id FROM event WHERE start_date > '{today} 24' AND status <> 'CANCELLED'"))
    }

    fn any(&self, table: &str) -> Option<String> {
        self.one(&format!("SELECT id FROM {table}"))
    }

    /// Returns one of the ids that a query finds.
    fn one(&self, sql: &str) -> Option<String> {
        let ids = self.vms.texts(&format!("SELECT CAST(id AS TEXT) FROM ({sql}) ORDER BY id"));
        let at = usize::try_from(self.random.below(ids.len().max(1) as u64)).unwrap();
        ids.into_iter().nth(at)
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }
}
