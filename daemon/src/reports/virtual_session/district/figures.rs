//! The columns that count the sessions of a district.
//!
//! # `teacher_breakdown`
//!
//! Which of the district's teachers attended how many sessions, as VMS's
//! `services/virtual_computation_service.py` computes attendance.
//!
//! Two kinds of sessions are read: those that took place, and those that were moved to a classroom, whatever
//! their status.
//!
//! * For a session that was moved, every registration of the district counts, even a cancelled one.
//! * For any other session a registration counts when it has a confirmation time, or when its status, in
//!   lower case, equals `attended`, `count` or `completed`. It never counts when the status contains
//!   `no_show`, `no-show`, `no show`, `did not attend`, `cancel` or `withdraw`, even if it is confirmed. The
//!   status is not trimmed.
//!
//! There is one line per teacher id, with the teacher's school, or `N/A` without one. Lines are ordered by
//! number of sessions, descending; ties keep the order in which the teachers first appear when sessions are
//! read latest first. Only teachers with at least one session are listed.
//!
//! # `school_breakdown`
//!
//! Sessions that took place, by school, as in VMS's `compute_virtual_session_district_data`.
//!
//! Schools are taken from the names in `session_data` and resolved by name: VMS reads the first row of the
//! `school` table that has the name. The school counts when that row has a district and the district's name
//! matches the entry. A school without a district is therefore never counted, and a school of the same name
//! in another district can hide it or be counted in its place. Schools are ordered by number of sessions,
//! descending; ties keep the order of first appearance. A session counts once for each of its schools.
//!
//! # `summary_stats`
//!
//! The figures at the top of the district page, as VMS's `services/virtual_computation_service.py` computes
//! them.
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

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use crate::reports::virtual_session::district::sessions::{Included, Matching, completed, distinct};
use crate::reports::virtual_session::index::Index;
use crate::reports::virtual_session::sessions::{Presenter, normalized};
use crate::reports::virtual_session::{STUDENTS_PER_TEACHER, percent};
use crate::snapshot::EventTeacher;

/// Parts of a registration's status that mean the teacher was absent.
const ABSENT: [&str; 6] = ["no_show", "no-show", "no show", "did not attend", "cancel", "withdraw"];

/// Complete statuses of a registration that mean the teacher was present.
const PRESENT: [&str; 3] = ["attended", "count", "completed"];

/// Shown for a teacher without a school.
const NO_SCHOOL: &str = "N/A";

/// A teacher with at least one session.
#[derive(Debug, Serialize)]
pub(super) struct TeacherLine<'s> {
    id: i64,
    name: Arc<str>,
    school: &'s str,
    sessions: usize,
}

/// Attendance of the district's teachers.
#[derive(Debug)]
pub(super) struct Attendance<'s> {
    /// Ordered by number of sessions, descending; ties by first appearance.
    pub(super) teachers: Vec<TeacherLine<'s>>,
    /// Number of distinct local presenters of all sessions read, including sessions that no teacher attended.
    pub(super) local_presenters: usize,
}

impl<'s> Attendance<'s> {
    /// Counts attendance over `included`, which must be ordered latest first.
    pub(super) fn of(included: &[Included<'s>]) -> Self {
        let mut teachers: Vec<TeacherLine<'s>> = Vec::new();
        let mut lines: HashMap<i64, usize> = HashMap::new();
        let mut local = HashSet::new();
        for included in included {
            let session = &included.session;
            if !session.completed && !session.moved {
                continue;
            }
            local.extend(session.panel.presenters.iter().filter(|it| it.is_local).map(|it| it.id));
            for (link, teacher) in included.mine() {
                if !session.moved && !attended(link) {
                    continue;
                }
                let line = *lines.entry(teacher.id).or_insert(teachers.len());
                if let Some(line) = teachers.get_mut(line) {
                    line.sessions += 1;
                } else {
                    teachers.push(TeacherLine {
                        id: teacher.id,
                        name: Arc::clone(&teacher.name),
                        school: teacher.school_name().unwrap_or(NO_SCHOOL),
                        sessions: 1,
                    });
                }
            }
        }
        teachers.sort_by_key(|line| std::cmp::Reverse(line.sessions));
        Self { teachers, local_presenters: local.len() }
    }

    /// Returns the number of distinct teacher names; teachers with the same name count as one.
    pub(super) fn names(&self) -> usize {
        self.teachers.iter().map(|line| &line.name).collect::<HashSet<_>>().len()
    }

    /// Returns the sum of sessions over all teachers.
    pub(super) fn experiences(&self) -> usize {
        self.teachers.iter().map(|line| line.sessions).sum()
    }
}

/// Returns whether a registration counts as attended: it is confirmed or its status means present, and its
/// status does not mean absent. The status is not trimmed.
pub(super) fn attended(link: &EventTeacher) -> bool {
    let status = link.status.as_deref().unwrap_or_default().to_lowercase();
    let absent = ABSENT.iter().any(|word| status.contains(word));
    !absent && (link.confirmed_at.is_some() || PRESENT.contains(&status.as_str()))
}

/// A school with at least one session.
#[derive(Debug, Serialize)]
pub(super) struct SchoolLine<'s> {
    name: &'s str,
    sessions: usize,
}

/// Returns the schools of the district with at least one session, by number of sessions, descending; ties by
/// first appearance.
pub(super) fn school_breakdown<'s>(
    included: &[Included<'s>],
    matching: &Matching,
    index: &Index<'_>,
) -> Vec<SchoolLine<'s>> {
    let mut schools: Vec<SchoolLine<'s>> = Vec::new();
    let mut lines: HashMap<&str, Option<usize>> = HashMap::new();
    for &name in completed(included).flat_map(|included| &included.schools) {
        let line = *lines.entry(name).or_insert_with(|| {
            let district = index.district_by_school_name(name)?;
            let counted = !district.is_empty() && matching.contains(&normalized(district));
            counted.then(|| {
                schools.push(SchoolLine { name, sessions: 0 });
                schools.len() - 1
            })
        });
        if let Some(line) = line.and_then(|line| schools.get_mut(line)) {
            line.sessions += 1;
        }
    }
    schools.sort_by_key(|line| std::cmp::Reverse(line.sessions));
    schools
}

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
