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
//! the calendar and the schools ([`lists`]). They count students by three different rules ([`events`]).
//!
//! Rows of another host filter are written by VMS's own pages; they are left unchanged.

mod enhanced;
mod events;
mod lists;
mod program;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::reports::dialect::Hours;
use crate::reports::district::attribution::{Active, Attribution, Names, Schools, active};
use crate::reports::district::facts::Index;
use crate::reports::district::{group, key, retired};
use crate::reports::entry::Ordered;
use crate::reports::year::{SchoolYear, Year};
use crate::reports::{Built, Context, Entry, Mode, Payload, Yearly};
use crate::snapshot::{Source, Text};
use crate::vms::tables::{HOST_FILTER, Key, KeyValue, Table};

use enhanced::Enhanced;
use events::{DistrictEvent, YearEvents};
use lists::{Calendar, SchoolsByLevel};
use program::ProgramBreakdown;

/// The year-end report of each district.
#[derive(Debug, Clone, Copy)]
pub struct YearEnd;

impl Yearly for YearEnd {
    type Year = SchoolYear;

    const TABLE: Table = Table::DistrictYearEndReports;
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = &[
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
    ];
    const KEY_SOURCES: &'static [Source] = &[Source::District];
    const WITH_NEXT: bool = true;

    fn keys(&self, cx: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        let districts = active(cx, &Schools::none());
        move |year| districts.iter().map(|of| key(&prefix(year), of.district)).collect()
    }

    fn retired(&self, cx: Context<'_>, year: SchoolYear, keys: &[Key]) -> Vec<Key> {
        retired(Self::TABLE, &prefix(year), keys.iter(), cx)
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        let districts = active(cx, &Schools::of(cx.snapshot));
        let index = Index::new(cx.snapshot);
        let events = YearEvents::new(cx.snapshot, attribution(&districts));
        move |year| {
            let (prefix, events) = (prefix(year), events.of(year, &index, districts.len()));
            let entry = |(position, of): (usize, &Active<'s>)| {
                let district_events: Vec<_> = events
                    .iter()
                    .filter(|event| event.districts.contains(&position))
                    .map(|event| DistrictEvent::new(event, of.district.id))
                    .collect();
                Entry { key: key(&prefix, of.district), payload: payload(of, &district_events, cx.mode()) }
            };
            let entries = districts.iter().enumerate().map(entry).collect();
            group(Self::TABLE, year, &prefix, entries, cx).alone()
        }
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

fn payload<'s>(of: &Active<'s>, district_events: &[DistrictEvent<'_, 's>], mode: Mode) -> Vec<Payload<'s>> {
    let enhanced = Enhanced::of(district_events);
    let (events, students, volunteers) = (&enhanced.events, &enhanced.students, &enhanced.volunteers);
    let events_data = EventsData {
        events_by_month: lists::by_month(district_events, mode),
        total_events: events.total,
        unique_volunteer_count: volunteers.unique_total,
        unique_student_count: students.unique_total,
        schools_by_level: SchoolsByLevel::of(&of.schools, district_events),
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
        program_breakdown: ProgramBreakdown::of(district_events),
        enhanced,
    };
    vec![Payload::json(report_data), Payload::json(events_data)]
}
