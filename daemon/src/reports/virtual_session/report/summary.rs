//! `overall_summary` and `district_summaries`: counts over the rows of sessions that took place, as VMS's
//! `services/virtual_computation_service.py` computes them.
//!
//! * Every row of such a session is an experience, whether or not the teacher attended.
//! * Teachers and schools are counted by name, sessions and presenters by id, organizations by the
//!   volunteer's own text. Empty texts are not counted.
//! * Students are 25 for each distinct teacher name.
//! * Percentages of local and people-of-color sessions are whole, rounded half to even, and 0 when no session
//!   took place.
//! * A row whose district has an empty name is not counted at all; a row of `Unknown District` counts
//!   overall.
//! * `district_summaries` starts with the districts in [`MAIN`], in the order of their first row, of a
//!   session of whatever status. All other names of `filter_options.districts` follow in their order, with
//!   zeros.
//!
//! VMS computes the figures of those three names only and fills all others with zeros, even those with
//! completed sessions; its page therefore shows other figures on the first view than on the second. The
//! cached figures are reproduced here.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::rows::{Row, rows};
use crate::reports::virtual_session::sessions::Session;
use crate::reports::virtual_session::{STUDENTS_PER_TEACHER, percent};

/// The only districts whose figures VMS computes.
const MAIN: [&str; 3] =
    ["Hickman Mills School District", "Grandview School District", "Kansas City Kansas Public Schools"];

/// Counts over all districts.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Overall {
    teacher_count: usize,
    student_count: usize,
    session_count: usize,
    experience_count: usize,
    organization_count: usize,
    professional_count: usize,
    professional_of_color_count: usize,
    local_professional_count: usize,
    school_count: usize,
    local_session_count: usize,
    poc_session_count: usize,
    local_session_percent: usize,
    poc_session_percent: usize,
}

/// Counts of one district.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct District {
    total_students: usize,
    total_experiences: usize,
    teacher_count: usize,
    school_count: usize,
    session_count: usize,
    organization_count: usize,
    professional_count: usize,
    professional_of_color_count: usize,
    local_professional_count: usize,
    local_session_count: usize,
    poc_session_count: usize,
    local_session_percent: usize,
    poc_session_percent: usize,
}

/// Districts by name, in the order in which the page shows their cards.
#[derive(Debug)]
pub(super) struct Districts<'s>(Vec<(&'s str, District)>);

impl Serialize for Districts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, district)| (name, district)))
    }
}

/// Returns the summaries of a year: the main districts in the order of their first row, of a session of
/// whatever status; then the other `names` with zeros.
pub(super) fn summaries<'s>(
    sessions: &[Arc<Session<'s>>],
    names: &BTreeSet<&'s str>,
) -> (Districts<'s>, Overall) {
    let mut overall = Tally::default();
    let mut main: Vec<(&str, Tally<'_>)> = Vec::new();
    for row in rows(sessions) {
        let name = row.district();
        let at = main.iter().position(|(seen, _)| *seen == name);
        let at = at.or_else(|| {
            MAIN.contains(&name).then(|| {
                main.push((name, Tally::default()));
                main.len() - 1
            })
        });
        if row.session.completed && !name.is_empty() {
            overall.add(row);
            if let Some((_, tally)) = at.and_then(|at| main.get_mut(at)) {
                tally.add(row);
            }
        }
    }
    let mut districts: Vec<(&str, District)> =
        main.iter().map(|(name, tally)| (*name, tally.district())).collect();
    for &name in names {
        if !main.iter().any(|(seen, _)| *seen == name) {
            districts.push((name, District::default()));
        }
    }
    (Districts(districts), overall.overall())
}

/// Sets of the items counted so far, so that each counts once.
#[derive(Default)]
struct Tally<'a> {
    experiences: usize,
    teachers: HashSet<&'a str>,
    schools: HashSet<&'a str>,
    sessions: HashSet<i64>,
    organizations: HashSet<&'a str>,
    professionals: HashSet<i64>,
    of_color: HashSet<i64>,
    local: HashSet<i64>,
    local_sessions: HashSet<i64>,
    of_color_sessions: HashSet<i64>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, row: Row<'a, '_>) {
        let non_empty = |name: &&str| !name.is_empty();
        self.experiences += 1;
        self.teachers.extend(Some(row.teacher_name()).filter(non_empty));
        self.schools.extend(Some(row.school_name()).filter(non_empty));
        let session = row.session;
        if !self.sessions.insert(session.event.id) {
            // The presenters of a session are the same for every row.
            return;
        }
        for presenter in &session.panel.presenters {
            self.professionals.insert(presenter.id);
            self.organizations.extend(presenter.organization_name.filter(non_empty));
            if presenter.of_color() {
                self.of_color.insert(presenter.id);
            }
            if presenter.is_local {
                self.local.insert(presenter.id);
            }
        }
        if session.panel.has_local() {
            self.local_sessions.insert(session.event.id);
        }
        if session.panel.has_of_color() {
            self.of_color_sessions.insert(session.event.id);
        }
    }

    fn district(&self) -> District {
        let all = self.overall();
        District {
            total_students: all.student_count,
            total_experiences: all.experience_count,
            teacher_count: all.teacher_count,
            school_count: all.school_count,
            session_count: all.session_count,
            organization_count: all.organization_count,
            professional_count: all.professional_count,
            professional_of_color_count: all.professional_of_color_count,
            local_professional_count: all.local_professional_count,
            local_session_count: all.local_session_count,
            poc_session_count: all.poc_session_count,
            local_session_percent: all.local_session_percent,
            poc_session_percent: all.poc_session_percent,
        }
    }

    fn overall(&self) -> Overall {
        let sessions = self.sessions.len();
        Overall {
            teacher_count: self.teachers.len(),
            student_count: self.teachers.len() * STUDENTS_PER_TEACHER,
            session_count: sessions,
            experience_count: self.experiences,
            organization_count: self.organizations.len(),
            professional_count: self.professionals.len(),
            professional_of_color_count: self.of_color.len(),
            local_professional_count: self.local.len(),
            school_count: self.schools.len(),
            local_session_count: self.local_sessions.len(),
            poc_session_count: self.of_color_sessions.len(),
            local_session_percent: percent(self.local_sessions.len(), sessions),
            poc_session_percent: percent(self.of_color_sessions.len(), sessions),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::reports::virtual_session::fixture::{classroom_day, report};
    use serde_json::json;

    #[test]
    fn only_completed_sessions_count_but_all_of_their_rows() {
        let snapshot = classroom_day();
        let [_, _, overall, _] = report(&snapshot);
        assert_eq!(
            overall,
            json!({
                "teacher_count": 2, "student_count": 50, "session_count": 2, "experience_count": 4,
                "organization_count": 2, "professional_count": 2, "professional_of_color_count": 1,
                "local_professional_count": 1, "school_count": 2, "local_session_count": 1,
                "poc_session_count": 1, "local_session_percent": 50, "poc_session_percent": 50
            })
        );
    }

    #[test]
    fn only_main_districts_have_figures_and_come_first() {
        let mut snapshot = classroom_day();
        let [_, districts, ..] = report(&snapshot);
        let names = |districts: &serde_json::Value| {
            districts.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&districts), ["Grandview", "Partner", "Ten"]);
        assert_eq!(districts["Grandview"]["session_count"], 0);

        snapshot.districts[0].name = "Grandview School District".into();
        snapshot.districts[2].name = "A district before it".into();
        let [_, districts, ..] = report(&snapshot);
        assert_eq!(names(&districts), ["Grandview School District", "A district before it", "Partner"]);
        assert_eq!(
            districts["Grandview School District"],
            json!({
                "total_students": 25, "total_experiences": 2, "teacher_count": 1, "school_count": 1,
                "session_count": 2, "organization_count": 2, "professional_count": 2,
                "professional_of_color_count": 1, "local_professional_count": 1, "local_session_count": 1,
                "poc_session_count": 1, "local_session_percent": 50, "poc_session_percent": 50
            })
        );
    }

    #[test]
    fn a_main_district_without_completed_sessions_still_comes_first() {
        let mut snapshot = classroom_day();
        snapshot.events[3].district_partner = Some("Hickman Mills School District".into());
        let [_, districts, ..] = report(&snapshot);
        assert_eq!(districts.as_object().unwrap().keys().next().unwrap(), "Hickman Mills School District");
    }
}
