//! Events, and rows that link people to them.

use super::Text;
use super::cells::{Cells, Column, InvalidValue, Row, row};
use crate::vms::enums::{is_event_format, is_event_status, is_event_type};
use crate::vms::time::Stored;

row! {
    /// An event.
    pub struct Event = "event" {
        /// Its id.
        id: i64 = id("id"),
        /// Its title.
        title: Option<Text> = text("title"),
        /// Its description.
        description: Option<Text> = text("description"),
        /// Name of its type (`CAREER_FAIR`); VMS allows an event without one.
        kind: Option<Text> = member("type", is_event_type),
        /// Name of its format.
        format: Option<Text> = member("format", is_event_format),
        /// Name of its status (`COMPLETED`).
        status: Option<Text> = member("status", is_event_status),
        /// When it begins; an event without a date belongs to no window.
        start: Option<Stored> = instant("start_date"),
        /// When it ends.
        end: Option<Stored> = instant("end_date"),
        /// Duration in minutes.
        duration: Option<i64> = count("duration"),
        /// Location.
        location: Option<Text> = text("location"),
        /// Salesforce id of its school.
        school: Option<Text> = text_key("school"),
        /// Free text naming districts or schools.
        district_partner: Option<Text> = symbol("district_partner"),
        /// Number of participants, as imported.
        participant_count: Option<i64> = count("participant_count"),
        /// Number of volunteers still needed.
        volunteers_needed: Option<i64> = count("volunteers_needed"),
        /// Session type, for virtual sessions.
        additional_information: Option<Text> = text("additional_information"),
        /// Id in the session system.
        session_id: Option<Text> = text("session_id"),
        /// Host of a virtual session.
        session_host: Option<Text> = symbol("session_host"),
        /// Topic or theme.
        series: Option<Text> = symbol("series"),
        /// Link to register.
        registration_link: Option<Text> = text("registration_link"),
        /// Status text as imported.
        original_status: Option<Text> = symbol("original_status_string"),
        /// Id in Salesforce.
        salesforce_id: Option<Text> = text("salesforce_id"),
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
    const TABLE: &'static str = "event_districts";
    const COLUMNS: &'static [Column] = &[Column::plain("event_id"), Column::plain("district_id")];

    fn read(cells: &mut Cells<'_, '_>) -> Result<Self, InvalidValue> {
        let event = cells.id()?;
        let (stored, district) = cells.text_id()?;
        Ok(Self { event, district, stored })
    }
}

row! {
    /// Attendance that staff entered for an event.
    pub struct AttendanceDetail = "event_attendance_detail" {
        /// The event.
        event: i64 = id("event_id"),
        /// Students counted.
        total_students: Option<i64> = count("total_students"),
        /// Classrooms.
        classrooms: Option<i64> = count("num_classrooms"),
        /// Rotations.
        rotations: Option<i64> = count("rotations"),
    }
}

row! {
    /// A volunteer linked to an event, besides participations.
    pub struct EventVolunteer = "event_volunteers" {
        /// The event.
        event: i64 = id("event_id"),
        /// The volunteer.
        volunteer: i64 = id("volunteer_id"),
    }
}

row! {
    /// A skill that an event asks for.
    pub struct EventSkill = "event_skills" {
        /// The event.
        event: i64 = id("event_id"),
        /// The skill.
        skill: i64 = id("skill_id"),
    }
}

row! {
    /// A teacher registered for an event.
    pub struct EventTeacher = "event_teacher" {
        /// The event.
        event: i64 = id("event_id"),
        /// The teacher.
        teacher: i64 = id("teacher_id"),
        /// Free text, compared case-sensitively.
        status: Option<Text> = symbol("status"),
        /// Whether the class watched a simulcast.
        simulcast: Option<bool> = boolean("is_simulcast"),
        /// When attendance was confirmed.
        confirmed_at: Option<Text> = instant_text("attendance_confirmed_at"),
    }
}

row! {
    /// Participation of a volunteer in an event.
    pub struct Participation = "event_participation" {
        /// Its id.
        id: i64 = id("id"),
        /// The event.
        event: i64 = id("event_id"),
        /// The volunteer.
        volunteer: i64 = id("volunteer_id"),
        /// Free text, compared case-sensitively.
        status: Option<Text> = symbol("status"),
        /// Hours given.
        hours: Option<f64> = real("delivery_hours"),
        /// Role.
        participant_type: Option<Text> = symbol("participant_type"),
    }
}

impl Participation {
    /// Statuses of a volunteer who took part, compared case-sensitively.
    pub const ATTENDED: [&str; 3] = ["Attended", "Completed", "Successfully Completed"];

    /// Whether the volunteer took part.
    pub fn is_attended(&self) -> bool {
        self.status.as_deref().is_some_and(|status| Self::ATTENDED.contains(&status))
    }
}

row! {
    /// Participation of a student in an event.
    pub struct StudentParticipation = "event_student_participation" {
        /// Its id.
        id: i64 = id("id"),
        /// The event.
        event: i64 = id("event_id"),
        /// The student.
        student: i64 = id("student_id"),
        /// Free text, compared case-sensitively.
        status: Option<Text> = symbol("status"),
    }
}
