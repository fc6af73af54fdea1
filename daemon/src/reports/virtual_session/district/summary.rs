//! `summary_stats`: the figures at the top of the district page, as VMS's
//! `services/virtual_computation_service.py` computes them.
//!
//! * Teachers and experiences come from attendance ([`Attendance`]): distinct teacher names, and the sum of
//!   sessions over teachers. Students are 25 for each of those names.
//! * `total_schools` is the number of schools in `school_breakdown`.
//! * Everything else comes from sessions that took place. Unique sessions are counted by title and
//!   professionals by name. Organizations are counted by the volunteer's own text, or else by the first of
//!   the presenter's organizations. Empty texts are not counted.
//! * Local presenters are counted by id, and include those of sessions moved to a classroom.
//! * Local and people-of-color sessions are counted by id. Their percentages refer to the sessions that took
//!   place; they are whole, rounded half to even, and 0 when there is no such session.

use serde::Serialize;

use super::attendance::Attendance;
use super::included::{Included, completed, distinct};
use crate::reports::virtual_session::presenters::Presenter;
use crate::reports::virtual_session::{STUDENTS_PER_TEACHER, percent};

/// The `summary_stats` column.
#[derive(Debug, Serialize)]
pub(super) struct SummaryStats {
    total_teachers: usize,
    total_students: usize,
    total_unique_sessions: usize,
    total_experiences: usize,
    total_organizations: usize,
    total_professionals: usize,
    total_professionals_of_color: usize,
    total_local_professionals: usize,
    total_schools: usize,
    local_session_count: usize,
    poc_session_count: usize,
    local_session_percent: usize,
    poc_session_percent: usize,
}

impl SummaryStats {
    pub(super) fn new(included: &[Included<'_>], attendance: &Attendance<'_>, schools: usize) -> Self {
        let presenters = || completed(included).flat_map(|included| &included.session.panel.presenters);
        let sessions = completed(included).count();
        let local = completed(included).filter(|it| it.session.panel.has_local()).count();
        let of_color = completed(included).filter(|it| it.session.panel.has_of_color()).count();
        let teachers = attendance.names();
        Self {
            total_teachers: teachers,
            total_students: teachers * STUDENTS_PER_TEACHER,
            total_unique_sessions: distinct(completed(included).filter_map(|it| it.session.title())),
            total_experiences: attendance.experiences(),
            total_organizations: distinct(presenters().filter_map(main_organization)),
            total_professionals: distinct(presenters().map(|presenter| presenter.name.as_str())),
            total_professionals_of_color: distinct(
                presenters().filter(|it| it.of_color()).map(|presenter| presenter.name.as_str()),
            ),
            total_local_professionals: attendance.local_presenters,
            total_schools: schools,
            local_session_count: local,
            poc_session_count: of_color,
            local_session_percent: percent(local, sessions),
            poc_session_percent: percent(of_color, sessions),
        }
    }
}

/// Returns the volunteer's own text, Salesforce ids included, or else the name of the first organization.
fn main_organization<'s>(presenter: &Presenter<'s>) -> Option<&'s str> {
    presenter
        .organization_name
        .filter(|name| !name.is_empty())
        .or_else(|| presenter.organizations.first().copied().flatten())
}

#[cfg(test)]
mod tests {
    use crate::reports::virtual_session::fixture::{classroom_day, district, event};
    use serde_json::json;

    #[test]
    fn titles_and_names_are_counted_once_but_percentages_refer_to_ids() {
        let mut snapshot = classroom_day();
        let link = snapshot.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
        for id in [6, 7] {
            let mut session = event(id, "2025-11-03 10:00:00.000000", "COMPLETED");
            session.title = Some("Session 4".into());
            snapshot.events.push(session);
            snapshot.event_teachers.push(crate::snapshot::EventTeacher { event: id, ..link.clone() });
        }
        // A teacher named like Ann, at another school.
        snapshot.contacts[1].first_name = Some("Ann".into());
        snapshot.contacts[1].last_name = Some("Able".into());
        snapshot.event_teachers.push(crate::snapshot::EventTeacher { teacher: 2, ..link });
        snapshot.schools[1].district = Some(1);
        let [.., summary] = district(&mut snapshot, "Grandview");
        assert_eq!(
            summary.to_string(),
            json!({
                "total_teachers": 1, "total_students": 25, "total_unique_sessions": 2,
                "total_experiences": 5, "total_organizations": 2, "total_professionals": 2,
                "total_professionals_of_color": 1, "total_local_professionals": 1, "total_schools": 2,
                "local_session_count": 1, "poc_session_count": 1, "local_session_percent": 25,
                "poc_session_percent": 25
            })
            .to_string()
        );
    }

    #[test]
    fn sessions_held_in_a_classroom_bring_teachers_and_local_presenters_only() {
        let mut snapshot = classroom_day();
        snapshot.events[2].status = Some("DRAFT".into());
        snapshot.events[2].original_status = Some("moved to in-person session".into());
        let [_, _, _, _, summary] = district(&mut snapshot, "Ten");
        assert_eq!(
            [&summary["total_teachers"], &summary["total_local_professionals"]],
            [&json!(1), &json!(1)]
        );
        assert_eq!(
            [&summary["total_professionals"], &summary["total_unique_sessions"]],
            [&json!(0), &json!(0)]
        );
    }
}
