//! `summary_stats`: `_calculate_summary_stats` of VMS's `OrganizationService`.
//!
//! VMS's page fails when one of the keys is missing. Hours are the sum of the volunteers' rounded hours and
//! are not rounded again; students are summed over in-person events, regardless of which volunteer met them;
//! classrooms are distinct names of teachers over all sessions; sessions in total are in-person events plus
//! virtual sessions.

use std::collections::HashSet;

use serde::Serialize;

use super::cancelled::CancelledEvent;
use super::in_person::InPersonEvent;
use super::sessions::VirtualEvent;
use super::volunteers::Volunteer;
use crate::reports::number::Hours;

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys that VMS's page reads")]
pub(in super::super) struct Stats {
    total_inperson_sessions: usize,
    total_virtual_sessions: usize,
    total_sessions: usize,
    total_hours: Hours,
    total_volunteers: usize,
    total_cancelled: usize,
    total_students_reached: i64,
    total_classrooms_reached: usize,
}

impl Stats {
    /// Computes the figures from the lists.
    pub(super) fn of(
        in_person: &[InPersonEvent<'_>],
        sessions: &[VirtualEvent<'_>],
        cancelled: &[CancelledEvent<'_>],
        volunteers: &[Volunteer<'_>],
    ) -> Self {
        let teachers: HashSet<_> = sessions
            .iter()
            .flat_map(|session| &session.classroom_details)
            .map(|classroom| &classroom.teacher_name)
            .collect();
        Self {
            total_inperson_sessions: in_person.len(),
            total_virtual_sessions: sessions.len(),
            total_sessions: in_person.len() + sessions.len(),
            total_hours: volunteers.iter().map(|volunteer| volunteer.hours).sum(),
            total_volunteers: volunteers.len(),
            total_cancelled: cancelled.len(),
            total_students_reached: in_person
                .iter()
                .fold(0, |students: i64, event| students.saturating_add(event.students)),
            total_classrooms_reached: teachers.len(),
        }
    }
}
