//! Events, and rows that belong to one event only.

use super::Text;
use super::cells::{Cells, Oddity};
use super::scan::Row;
use super::source::{Column, Source};
use crate::vms::enums::{is_event_format, is_event_status, is_event_type};
use crate::vms::time::Stored;

/// An event.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// Its id.
    pub id: i64,
    /// Its title.
    pub title: Option<Text>,
    /// Its description.
    pub description: Option<Text>,
    /// Name of its type (`CAREER_FAIR`); VMS allows an event without one.
    pub kind: Option<Text>,
    /// Name of its format.
    pub format: Option<Text>,
    /// Name of its status (`COMPLETED`).
    pub status: Option<Text>,
    /// When it begins; an event without a date belongs to no window.
    pub start: Option<Stored>,
    /// When it ends.
    pub end: Option<Stored>,
    /// Duration in minutes.
    pub duration: Option<i64>,
    /// Location.
    pub location: Option<Text>,
    /// Salesforce id of its school.
    pub school: Option<Text>,
    /// Free text naming districts or schools.
    pub district_partner: Option<Text>,
    /// Number of participants, as imported.
    pub participant_count: Option<i64>,
    /// Number of volunteers still needed.
    pub volunteers_needed: Option<i64>,
    /// Session type, for virtual sessions.
    pub additional_information: Option<Text>,
    /// Id in the session system.
    pub session_id: Option<Text>,
    /// Host of a virtual session.
    pub session_host: Option<Text>,
    /// Topic or theme.
    pub series: Option<Text>,
    /// Link to register.
    pub registration_link: Option<Text>,
    /// Status text as imported.
    pub original_status: Option<Text>,
    /// Id in Salesforce.
    pub salesforce_id: Option<Text>,
}

impl Row for Event {
    const SOURCE: Source = Source::Event;
    const TABLE: &'static str = "event";
    const COLUMNS: &'static [Column] = &[
        Column::plain("id"),
        Column::plain("title"),
        Column::plain("description"),
        Column::plain("type"),
        Column::plain("format"),
        Column::plain("status"),
        Column::plain("start_date"),
        Column::plain("end_date"),
        Column::plain("duration"),
        Column::plain("location"),
        Column::plain("school"),
        Column::plain("district_partner"),
        Column::plain("participant_count"),
        Column::plain("volunteers_needed"),
        Column::plain("additional_information"),
        Column::plain("session_id"),
        Column::plain("session_host"),
        Column::plain("series"),
        Column::plain("registration_link"),
        Column::plain("original_status_string"),
        Column::plain("salesforce_id"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            id: cells.id()?,
            title: cells.text(),
            description: cells.text(),
            kind: cells.member(is_event_type),
            format: cells.member(is_event_format),
            status: cells.member(is_event_status),
            start: cells.instant(),
            end: cells.instant(),
            duration: cells.count(),
            location: cells.text(),
            school: cells.text_key(),
            district_partner: cells.symbol(),
            participant_count: cells.count(),
            volunteers_needed: cells.count(),
            additional_information: cells.text(),
            session_id: cells.text(),
            session_host: cells.symbol(),
            series: cells.symbol(),
            registration_link: cells.text(),
            original_status: cells.symbol(),
            salesforce_id: cells.text(),
        })
    }
}

/// A district linked to an event.
#[derive(Debug, Clone, Default)]
pub struct EventDistrict {
    /// The event.
    pub event: i64,
    /// The district.
    pub district: i64,
    /// The district's id as it is stored: text, in whose order VMS reads an event's districts.
    pub stored: Text,
}

impl Row for EventDistrict {
    const SOURCE: Source = Source::EventDistricts;
    const TABLE: &'static str = "event_districts";
    const COLUMNS: &'static [Column] = &[Column::plain("event_id"), Column::plain("district_id")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        let event = cells.id()?;
        let (stored, district) = cells.text_id()?;
        Ok(Self { event, district, stored })
    }
}

/// Attendance that staff entered for an event.
#[derive(Debug, Clone, Default)]
pub struct AttendanceDetail {
    /// The event.
    pub event: i64,
    /// Students counted.
    pub total_students: Option<i64>,
    /// Classrooms.
    pub classrooms: Option<i64>,
    /// Rotations.
    pub rotations: Option<i64>,
}

impl Row for AttendanceDetail {
    const SOURCE: Source = Source::EventAttendanceDetail;
    const TABLE: &'static str = "event_attendance_detail";
    const COLUMNS: &'static [Column] = &[
        Column::plain("event_id"),
        Column::plain("total_students"),
        Column::plain("num_classrooms"),
        Column::plain("rotations"),
    ];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self {
            event: cells.id()?,
            total_students: cells.count(),
            classrooms: cells.count(),
            rotations: cells.count(),
        })
    }
}

/// A volunteer linked to an event, besides participations.
#[derive(Debug, Clone, Default)]
pub struct EventVolunteer {
    /// The event.
    pub event: i64,
    /// The volunteer.
    pub volunteer: i64,
}

impl Row for EventVolunteer {
    const SOURCE: Source = Source::EventVolunteers;
    const TABLE: &'static str = "event_volunteers";
    const COLUMNS: &'static [Column] = &[Column::plain("event_id"), Column::plain("volunteer_id")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { event: cells.id()?, volunteer: cells.id()? })
    }
}

/// A skill that an event asks for.
#[derive(Debug, Clone, Default)]
pub struct EventSkill {
    /// The event.
    pub event: i64,
    /// The skill.
    pub skill: i64,
}

impl Row for EventSkill {
    const SOURCE: Source = Source::EventSkills;
    const TABLE: &'static str = "event_skills";
    const COLUMNS: &'static [Column] = &[Column::plain("event_id"), Column::plain("skill_id")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, Oddity> {
        Ok(Self { event: cells.id()?, skill: cells.id()? })
    }
}
