//! All rows of a sample, in memory, and the indexes needed to generate further rows.

use super::row;

/// The rows, table by table.
#[derive(Default)]
pub(super) struct World {
    pub(super) districts: Vec<row::District>,
    pub(super) schools: Vec<row::School>,
    pub(super) organizations: Vec<row::Organization>,
    pub(super) skills: Vec<row::Skill>,
    pub(super) contacts: Vec<row::Contact>,
    pub(super) emails: Vec<row::Email>,
    pub(super) volunteers: Vec<row::Volunteer>,
    pub(super) volunteer_skills: Vec<row::VolunteerSkill>,
    pub(super) memberships: Vec<row::Membership>,
    pub(super) teachers: Vec<row::Teacher>,
    pub(super) students: Vec<row::Student>,
    pub(super) events: Vec<row::Event>,
    pub(super) event_districts: Vec<row::EventDistrict>,
    pub(super) event_skills: Vec<row::EventSkill>,
    pub(super) participations: Vec<row::Participation>,
    pub(super) attendances: Vec<row::Attendance>,
    pub(super) registrations: Vec<row::Registration>,
    pub(super) presenters: Vec<row::Presenter>,
    pub(super) attendance_details: Vec<row::AttendanceDetail>,
    pub(super) users: Vec<row::User>,
    pub(super) sync_logs: Vec<row::SyncLog>,
}

/// Returns the id of the row that is pushed next: ids count from 1 without gaps.
pub(super) fn next_id<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX).saturating_add(1)
}
