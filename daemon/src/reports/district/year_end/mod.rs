//! `district_year_end_reports`: the year-end report of each district, host filter `all`.
//!
//! VMS fills it in `refresh_district_cache` (`routes/reports/district_year_end/computation.py`) and reads it
//! in `/reports/district/year-end` (list), `…/detail/<district>`, `…/breakdown` and `…/<district>/excel`.
//! None of these pages checks a row's age, and the list shows every district that has a row.
//!
//! An event belongs to a district when the district's name or one of its aliases is part of
//! `district_partner` or of the name of a linked district, or when the name of one of its schools is part of
//! `district_partner`. Case is folded as Unicode does, a missing partner is empty text, and the district's
//! name is the one in the database. The linked district's id and `event.school` are not used. An event of
//! several active districts is *shared*.
//!
//! `report_data` has the totals and two detailed sections, [`enhanced`] and [`program`]; `events_data` has
//! the [`calendar`] and the [`schools`]. They count students by three different rules ([`event`]).
//!
//! Rows of another host filter are written by VMS's own pages; they are left unchanged.

mod calendar;
mod enhanced;
mod event;
mod program;
mod schools;
mod tally;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::active::{Active, Schools, active};
use super::attribution::{Attribution, Names};
use super::facts::Index;
use super::ordered::Ordered;
use super::rows;
use crate::reports::number::Hours;
use crate::reports::year::SchoolYear;
use crate::reports::{Entry, Group, Mode, Payload, Report, ReportSettings};
use crate::snapshot::{Snapshot, Source, Text};
use crate::vms::tables::{Key, KeyValue, Table};

use calendar::Calendar;
use enhanced::Enhanced;
use event::{Seen, YearEvents};
use program::ProgramBreakdown;
use schools::SchoolsByLevel;

const TABLE: Table = Table::DistrictYearEndReports;

/// The only host filter whose rows VMS's own refresh can compute.
const HOST_FILTER: &str = "all";

/// The year-end report of each district.
#[derive(Debug, Clone, Copy)]
pub struct YearEnd;

impl Report for YearEnd {
    fn table(&self) -> Table {
        TABLE
    }

    fn sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::EventDistricts,
            Source::EventAttendanceDetail,
            Source::District,
            Source::School,
            Source::EventParticipation,
            Source::EventStudentParticipation,
            Source::EventTeacher,
            Source::Contact,
            Source::Student,
            Source::VolunteerOrganization,
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        &[Source::District]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        let districts = active(snapshot, settings, &Schools::none());
        let years = rows::years(TABLE, snapshot, settings, now).into_iter().map(prefix);
        years.flat_map(|prefix| districts.iter().map(move |of| rows::key(&prefix, of.district))).collect()
    }

    fn next_keys(
        &self,
        _: &Snapshot,
        settings: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        SchoolYear::turns(after, settings.zone)
    }

    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let districts = active(snapshot, settings, &Schools::of(snapshot));
        let years = rows::years(TABLE, snapshot, settings, now);
        let index = Index::new(snapshot);
        let mut events = YearEvents::new(snapshot, attribution(&districts));
        Box::new(years.into_iter().map(move |year| {
            let (prefix, events) = (prefix(year), events.of(year, &index, districts.len()));
            let entry = |(position, of): (usize, &Active<'s>)| {
                let seen: Vec<_> = events
                    .iter()
                    .filter(|event| event.districts.contains(&position))
                    .map(|event| Seen::new(event, of.district.id))
                    .collect();
                Entry { key: rows::key(&prefix, of.district), payload: payload(of, &seen, settings.mode) }
            };
            let entries = districts.iter().enumerate().map(entry).collect();
            rows::group(TABLE, year, &prefix, entries, snapshot)
        }))
    }
}

fn prefix(year: SchoolYear) -> [KeyValue; 2] {
    [year.key().into(), HOST_FILTER.into()]
}

fn attribution<'s>(districts: &[Active<'s>]) -> Attribution<'s> {
    let names = districts.iter().map(|of| {
        let mut linked = vec![of.district.name.to_string()];
        linked.extend(of.mapping.aliases.iter().cloned());
        let schools = of.schools.iter().map(|school| school.name.to_string());
        Names { partner: linked.iter().cloned().chain(schools).collect(), linked }
    });
    Attribution::new(str::to_lowercase, names)
}

/// `report_data`.
#[derive(Serialize)]
struct ReportData<'s> {
    name: &'s str,
    district_code: Option<&'s str>,
    total_events: i64,
    in_person_events: i64,
    virtual_events: i64,
    total_students: i64,
    unique_student_count: i64,
    total_in_person_students: i64,
    total_virtual_students: i64,
    total_volunteers: i64,
    unique_volunteer_count: i64,
    total_volunteer_hours: Hours,
    event_types: Ordered<Text, i64>,
    program_breakdown: ProgramBreakdown,
    enhanced: Enhanced,
}

/// `events_data`.
#[derive(Serialize)]
struct EventsData<'s> {
    events_by_month: Calendar<'s>,
    total_events: i64,
    unique_volunteer_count: i64,
    unique_student_count: i64,
    schools_by_level: SchoolsByLevel<'s>,
}

fn payload<'s>(of: &Active<'s>, seen: &[Seen<'_, 's>], mode: Mode) -> Vec<Payload<'s>> {
    let enhanced = Enhanced::of(seen);
    let (events, students, volunteers) = (&enhanced.events, &enhanced.students, &enhanced.volunteers);
    let events_data = EventsData {
        events_by_month: calendar::by_month(seen, mode),
        total_events: events.total,
        unique_volunteer_count: volunteers.unique_total,
        unique_student_count: students.unique_total,
        schools_by_level: SchoolsByLevel::of(&of.schools, seen),
    };
    let report_data = ReportData {
        name: &of.district.name,
        district_code: of.district.code.as_deref(),
        total_events: events.total,
        in_person_events: events.in_person,
        virtual_events: events.online,
        total_students: students.total,
        unique_student_count: students.unique_total,
        total_in_person_students: students.in_person,
        total_virtual_students: students.online,
        total_volunteers: volunteers.total,
        unique_volunteer_count: volunteers.unique_total,
        total_volunteer_hours: volunteers.hours_total,
        event_types: enhanced.event_types.clone(),
        program_breakdown: ProgramBreakdown::of(seen),
        enhanced,
    };
    vec![Payload::json(report_data), Payload::json(events_data)]
}
