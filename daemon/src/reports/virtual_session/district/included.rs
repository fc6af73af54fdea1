//! `session_data`: the district's sessions, of whatever status, as in VMS's
//! `compute_virtual_session_district_data`.
//!
//! * A session is included when at least one registered teacher who exists matches the district
//!   ([`Matching`]).
//! * `teachers` and `schools` are the distinct names over the district's own registrations, sorted by code
//!   point. Teachers or schools with the same name count as one.
//! * Sessions are ordered by the printed date `MM/DD/YY`, compared as text, descending: `12/01/25` comes
//!   before `01/15/26`. Sessions with the same date keep the order of all sessions (start descending, then
//!   id).
//! * `participant_count` is 25 times the number of distinct teacher names; the event's own count is not read.
//! * `is_simulcast` is true when any registration of the session is a simulcast, also one of another
//!   district.
//! * `district` is the name of the entry as it stands in the key, not the name of the matching district.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::reports::virtual_session::STUDENTS_PER_TEACHER;
use crate::reports::virtual_session::matching::Matching;
use crate::reports::virtual_session::presenters::Presenter;
use crate::reports::virtual_session::sessions::{Session, Teacher};
use crate::snapshot::EventTeacher;

/// A session of the district, and those of its registrations that belong to the district.
#[derive(Debug)]
pub(super) struct Included<'s> {
    pub(super) session: Arc<Session<'s>>,
    /// Positions of the district's registrations in the session's list.
    mine: Vec<usize>,
    /// Distinct names, sorted; teachers with the same name count as one.
    pub(super) teachers: Vec<Arc<str>>,
    /// Distinct names, sorted. A teacher who matched through the session's place contributes their school,
    /// whichever district that school is in.
    pub(super) schools: Vec<&'s str>,
}

impl<'s> Included<'s> {
    pub(super) fn new(session: &Arc<Session<'s>>, matching: &Matching) -> Self {
        let mut included = Self {
            session: Arc::clone(session),
            mine: Vec::new(),
            teachers: Vec::new(),
            schools: Vec::new(),
        };
        for (position, registration) in session.registrations.iter().enumerate() {
            let Some(teacher) = &registration.teacher else { continue };
            if teacher.matched.as_ref().is_some_and(|district| matching.contains(district)) {
                included.mine.push(position);
                included.teachers.push(Arc::clone(&teacher.name));
                included.schools.extend(teacher.school_name());
            }
        }
        included.teachers.sort_unstable();
        included.teachers.dedup();
        included.schools.sort_unstable();
        included.schools.dedup();
        included
    }

    /// Returns the district's registrations, by teacher id.
    pub(super) fn mine(&self) -> impl Iterator<Item = (&'s EventTeacher, &Teacher<'s>)> {
        self.mine.iter().filter_map(|&position| {
            let registration = self.session.registrations.get(position)?;
            Some((registration.link, registration.teacher.as_ref()?))
        })
    }

    /// Returns the number of students that VMS assumes; the event's own count is not read.
    pub(super) fn participants(&self) -> usize {
        self.teachers.len() * STUDENTS_PER_TEACHER
    }

    /// Estimates the bytes that the session takes in the entry: a session that took place is in two columns.
    pub(super) fn weight(&self) -> usize {
        let names = self.teachers.iter().map(|name| name.len() + 3).sum::<usize>()
            + self.schools.iter().map(|name| name.len() + 3).sum::<usize>();
        (self.session.weight() + names) * (1 + usize::from(self.session.completed))
    }
}

/// Returns the sessions that took place.
pub(super) fn completed<'a, 's>(included: &'a [Included<'s>]) -> impl Iterator<Item = &'a Included<'s>> {
    included.iter().filter(|included| included.session.completed)
}

/// Counts distinct, non-empty texts.
pub(super) fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.filter(|text| !text.is_empty()).collect::<BTreeSet<_>>().len()
}

/// The `session_data` column.
pub(super) struct SessionData<'s> {
    /// Name of the entry, unchanged.
    pub(super) district: Arc<str>,
    pub(super) sessions: Arc<[Included<'s>]>,
}

impl Serialize for SessionData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sessions.iter().map(|included| Written::new(included, &self.district)))
    }
}

#[derive(Serialize)]
struct Written<'a, 's> {
    event_id: i64,
    status: &'s str,
    date: &'a str,
    time: &'a str,
    session_type: &'s str,
    teachers: &'a [Arc<str>],
    schools: &'a [&'s str],
    district: &'a str,
    session_title: Option<&'s str>,
    presenter: &'a str,
    presenter_data: &'a [Presenter<'s>],
    topic_theme: &'s str,
    session_link: &'s str,
    participant_count: usize,
    duration: i64,
    is_simulcast: bool,
}

impl<'a, 's> Written<'a, 's> {
    fn new(included: &'a Included<'s>, district: &'a str) -> Self {
        let session = &included.session;
        Self {
            event_id: session.event.id,
            status: session.status,
            date: &session.date,
            time: &session.time,
            session_type: session.kind(),
            teachers: &included.teachers,
            schools: &included.schools,
            district,
            session_title: session.title(),
            presenter: &session.panel.names,
            presenter_data: &session.panel.presenters,
            topic_theme: session.topic(),
            session_link: session.link(),
            participant_count: included.participants(),
            duration: session.duration(),
            // Registrations of other districts count as well.
            is_simulcast: session.registrations.iter().any(|it| it.link.simulcast == Some(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::reports::virtual_session::fixture::{classroom_day, district, event};
    use serde_json::json;

    #[test]
    fn a_session_carries_what_is_the_districts() {
        let mut snapshot = classroom_day();
        snapshot.event_teachers[0].simulcast = Some(true);
        let [data, ..] = district(&mut snapshot, "grandview school district ");
        assert_eq!(data.as_array().unwrap().len(), 2);
        let mut first = data[0].clone();
        assert_eq!(first["presenter_data"].as_array().unwrap().len(), 2);
        first["presenter_data"] = json!([]);
        assert_eq!(
            first.to_string(),
            json!({
                "event_id": 4, "status": "Completed", "date": "11/02/25", "time": "01:30 PM",
                "session_type": "", "teachers": ["Ann Able"], "schools": ["Ruskin High"],
                "district": "grandview school district ", "session_title": "Session 4",
                "presenter": "Val Q Two, Vic One", "presenter_data": [], "topic_theme": "Tech",
                "session_link": "", "participant_count": 25, "duration": 45, "is_simulcast": true
            })
            .to_string()
        );
    }

    #[test]
    fn a_teacher_without_a_school_district_is_where_the_session_is() {
        let mut snapshot = classroom_day();
        let [data, _, schools, ..] = district(&mut snapshot, "Ten");
        assert_eq!(data[0]["teachers"], json!(["Bob Baker"]));
        assert_eq!(data[0]["schools"], json!(["Lone High"]));
        // The session is listed, but the school is not counted: the school itself has no district.
        assert_eq!(schools, json!([]));
        let [data, ..] = district(&mut snapshot, "Unknown District");
        assert_eq!(data, json!([]));
    }

    #[test]
    fn sessions_are_ordered_by_the_text_of_their_date() {
        let mut snapshot = classroom_day();
        let session = snapshot.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
        for (id, start) in [(6, "2026-01-15"), (7, "2025-12-01"), (8, "2025-12-01")] {
            snapshot.events.push(event(id, &format!("{start} 10:00:00.000000"), "COMPLETED"));
            snapshot.event_teachers.push(crate::snapshot::EventTeacher { event: id, ..session.clone() });
        }
        let [data, ..] = district(&mut snapshot, "Grandview");
        let ids: Vec<_> =
            data.as_array().unwrap().iter().map(|it| it["event_id"].as_i64().unwrap()).collect();
        assert_eq!(ids, [7, 8, 4, 2, 6]);
    }
}
