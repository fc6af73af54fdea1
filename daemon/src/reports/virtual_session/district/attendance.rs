//! `teacher_breakdown`: which of the district's teachers attended how many sessions, as VMS's
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

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::included::Included;
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
fn attended(link: &EventTeacher) -> bool {
    let status = link.status.as_deref().unwrap_or_default().to_lowercase();
    let absent = ABSENT.iter().any(|word| status.contains(word));
    !absent && (link.confirmed_at.is_some() || PRESENT.contains(&status.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::virtual_session::fixture::{classroom_day, district};
    use crate::snapshot::Snapshot;
    use serde_json::json;

    #[test]
    fn attendance_is_confirmed_or_said_and_not_denied() {
        for (status, confirmed, expected) in [
            (Some("Attended"), false, true),
            (Some("count"), false, true),
            (Some("COMPLETED"), false, true),
            (Some("Completed "), false, false),
            (Some("attended - late"), false, false),
            (Some("registered"), false, false),
            (Some("registered"), true, true),
            (None, true, true),
            (None, false, false),
            (Some("Teacher No-Show"), true, false),
            (Some("no_show"), true, false),
            (Some("attended – cancelled"), true, false),
            (Some("Withdrawn"), true, false),
            (Some("Did not attend"), true, false),
        ] {
            let link = EventTeacher {
                event: 1,
                teacher: 1,
                status: status.map(Into::into),
                simulcast: None,
                confirmed_at: confirmed.then(|| "2025-11-02 14:00:00.000000".into()),
            };
            assert_eq!(attended(&link), expected, "{status:?} {confirmed}");
        }
    }

    #[test]
    fn teachers_are_counted_once_per_session_attended() {
        let mut snapshot = classroom_day();
        let teachers = |snapshot: &mut Snapshot| {
            let [.., teachers, _] = district(snapshot, "Grandview");
            teachers
        };
        let ann = |sessions: usize| json!([{"id": 1, "name": "Ann Able", "school": "Ruskin High", "sessions": sessions}]);
        assert_eq!(teachers(&mut snapshot), ann(2));

        snapshot.events[0].status = Some("NO_SHOW".into());
        assert_eq!(teachers(&mut snapshot), ann(1));

        // The session was moved to a classroom: neither its status nor the registration's matters.
        snapshot.events[0].original_status = Some("Moved to In-Person Session".into());
        for link in snapshot.event_teachers.iter_mut() {
            link.status = Some("cancelled".into());
        }
        assert_eq!(teachers(&mut snapshot), ann(1));
    }
}
