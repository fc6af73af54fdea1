//! The events of a year, and how many students a district had there.
//!
//! VMS counts students by three rules that do not agree; each of its figures must be reproduced by its own
//! rule. For a virtual event (`VIRTUAL_SESSION`, `CONNECTOR_SESSION`) all of them assume 25 students for
//! every teacher whose status is `attended` or `registered`, of whatever school. For an event in person,
//! which includes one without a type:
//!
//! | rule | used in | students |
//! |---|---|---|
//! | totals | totals, [`enhanced`](super::enhanced) | what staff counted, unless the event is linked to several districts or its partner text has a comma; else the roster |
//! | calendar | [`lists`](super::lists) | what staff counted, unless the event is shared; else the roster |
//! | programs | [`program`](super::program) | the roster, always |
//!
//! What staff counted is `event_attendance_detail.total_students`; zero is a count, NULL is none.
//!
//! The hours of a virtual event for which none were entered are taken from its duration, in begun hours.

use std::collections::{BTreeMap, HashMap};

use crate::reports::dialect::Hours;
use crate::reports::district::attribution::{Attribution, positions};
use crate::reports::district::facts::{Attendee, Index, Roster, recorded_hours};
use crate::reports::district::{STUDENTS_PER_TEACHER, count};
use crate::reports::year::SchoolYear;
use crate::snapshot::{Event, Groups, Participation, Snapshot, Text, VolunteerOrganization};
use crate::vms::enums::{CONNECTOR_SESSION, VIRTUAL_SESSION, event_type_value};

/// Format of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    InPerson,
    Virtual,
}

impl Format {
    fn of(event: &Event) -> Self {
        match event.kind.as_deref() {
            Some(VIRTUAL_SESSION | CONNECTOR_SESSION) => Self::Virtual,
            _ => Self::InPerson,
        }
    }
}

/// An event of the year, with the facts that do not depend on the district.
#[derive(Debug)]
pub(super) struct YearEvent<'s> {
    pub(super) event: &'s Event,
    pub(super) format: Format,
    /// Value of the event's type; `Unknown` without one.
    pub(super) kind: Text,
    /// `August 2025`.
    pub(super) month: Text,
    /// `08/15/2025`.
    pub(super) date: Text,
    /// `09:05 AM`.
    pub(super) time: Text,
    /// Rows of volunteers who took part, by id.
    pub(super) volunteers: Vec<&'s Participation>,
    /// Hours that were entered.
    pub(super) recorded_hours: Hours,
    /// Hours that were entered, or else hours from the duration.
    pub(super) hours: Hours,
    /// Hours entered for the members of each organization, by its id. A volunteer of several organizations
    /// counts for each.
    pub(super) organizations: BTreeMap<i64, Hours>,
    /// Teachers whose status is `attended` or `registered`.
    pub(super) present_teachers: Vec<i64>,
    /// Rows of teachers, whatever their status.
    pub(super) registered_teachers: i64,
    /// Rows of teachers whose attendance was confirmed.
    pub(super) confirmed_teachers: i64,
    /// Students that staff counted.
    pub(super) counted: Option<i64>,
    /// Whether the links or the partner text suggest several districts.
    several: bool,
    roster: Roster<'s>,
    /// Positions of the event's active districts.
    pub(super) districts: Vec<usize>,
}

/// An event with the facts for one district.
#[derive(Debug)]
pub(super) struct DistrictEvent<'y, 's> {
    pub(super) event: &'y YearEvent<'s>,
    /// The district's students who attended.
    pub(super) roster: &'y [Attendee<'s>],
    /// Number of students by the totals rule.
    pub(super) total_students: i64,
    /// Number of students by the calendar rule.
    pub(super) calendar_students: i64,
}

impl<'y, 's> DistrictEvent<'y, 's> {
    /// Returns the facts of `event` for the district `district`.
    pub(super) fn new(event: &'y YearEvent<'s>, district: i64) -> Self {
        let roster = event.roster.of(district);
        let students = |counted: Option<i64>| match event.format {
            Format::Virtual => STUDENTS_PER_TEACHER * count(event.present_teachers.len()),
            Format::InPerson => counted.unwrap_or(count(roster.len())),
        };
        let shared = event.districts.len() > 1;
        Self {
            event,
            roster,
            total_students: students(event.counted.filter(|_| !event.several)),
            calendar_students: students(event.counted.filter(|_| !shared)),
        }
    }

    /// Returns the number of volunteers' rows.
    pub(super) fn volunteers(&self) -> i64 {
        count(self.event.volunteers.len())
    }
}

/// Finds the events of a year.
#[derive(Debug)]
pub(super) struct YearEvents<'s> {
    attribution: Attribution<'s>,
    counted: HashMap<i64, i64>,
    memberships: &'s [VolunteerOrganization],
    organizations: Groups<i64>,
}

impl<'s> YearEvents<'s> {
    /// Indexes the tables that only this report reads.
    pub(super) fn new(snapshot: &'s Snapshot, attribution: Attribution<'s>) -> Self {
        let counted = snapshot.attendance_details.iter();
        Self {
            attribution,
            counted: counted.filter_map(|detail| Some((detail.event, detail.total_students?))).collect(),
            memberships: &snapshot.volunteer_organizations,
            organizations: Groups::by(&snapshot.volunteer_organizations, |link| Some(link.volunteer)),
        }
    }

    /// Returns the events of `year` that belong to at least one of the active districts, by start and id.
    pub(super) fn of(&self, year: SchoolYear, index: &Index<'s>, districts: usize) -> Vec<YearEvent<'s>> {
        index.events_of(year).filter_map(|event| self.event(event, index, districts)).collect()
    }

    fn event(&self, event: &'s Event, index: &Index<'s>, districts: usize) -> Option<YearEvent<'s>> {
        let at = event.start.as_ref()?.at;
        let partner = event.district_partner.as_deref().unwrap_or_default();
        let linked = index.linked(event);
        let mut found = vec![false; districts];
        self.attribution.mark(&mut found, Some(partner), &linked);
        let districts = positions(&found);
        if districts.is_empty() {
            return None;
        }
        let format = Format::of(event);
        let volunteers = index.volunteers(event);
        let recorded_hours = recorded_hours(volunteers.iter().copied());
        let teachers = index.teachers(event);
        let present = teachers.iter().filter(|row| is_present(row.status.as_deref()));
        Some(YearEvent {
            event,
            format,
            kind: event
                .kind
                .as_deref()
                .map_or_else(|| "Unknown".into(), |kind| event_type_value(kind).into()),
            month: at.format("%B %Y").to_string().into(),
            date: at.format("%m/%d/%Y").to_string().into(),
            time: at.format("%I:%M %p").to_string().into(),
            recorded_hours,
            hours: hours(event, format, recorded_hours),
            organizations: self.organizations_of(&volunteers),
            volunteers,
            present_teachers: present.map(|row| row.teacher).collect(),
            registered_teachers: count(teachers.len()),
            confirmed_teachers: count(teachers.iter().filter(|row| row.confirmed_at.is_some()).count()),
            counted: self.counted.get(&event.id).copied(),
            several: linked.len() > 1 || partner.contains(','),
            roster: index.roster(event),
            districts,
        })
    }

    fn organizations_of(&self, volunteers: &[&Participation]) -> BTreeMap<i64, Hours> {
        let mut organizations: BTreeMap<i64, Hours> = BTreeMap::new();
        for row in volunteers {
            for link in self.organizations.rows(self.memberships, &row.volunteer) {
                organizations.entry(link.organization).or_default().add(row.hours);
            }
        }
        organizations
    }
}

fn is_present(status: Option<&str>) -> bool {
    matches!(status, Some("attended" | "registered"))
}

/// Returns the hours given at an event: those entered, or else, for a virtual event, its duration.
#[expect(clippy::cast_precision_loss, reason = "minutes stay far below 2^53")]
fn hours(event: &Event, format: Format, recorded: Hours) -> Hours {
    match event.duration {
        Some(minutes) if format == Format::Virtual && recorded.value() == 0.0 && minutes != 0 => {
            Hours::float((minutes as f64 / 60.0).ceil())
        }
        _ => recorded,
    }
}
