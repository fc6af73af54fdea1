//! `session_data`: one row per session and registration, as in VMS's `compute_virtual_session_data`; a
//! session without registrations has one row.
//!
//! * Sessions come latest first, ties by id; the rows of a session come by teacher id.
//! * A row's `district` is the district of the teacher's school, else the session's place, else `Unknown
//!   District`. A name that is stored as empty stays empty.
//! * A registration whose teacher does not exist keeps its row, with empty names and a null `teacher_id`.
//! * `school_level` is null for a school without a level, and empty without a school.
//! * `is_simulcast` is that of the registration, null where unknown; it is false for a session without
//!   registrations.
//! * `participant_count` and `duration` are the event's own, and 0 where missing.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::reports::virtual_session::UNKNOWN_DISTRICT;
use crate::reports::virtual_session::presenters::Presenter;
use crate::reports::virtual_session::sessions::{Registration, Session, Teacher};

/// A row before serialization.
#[derive(Clone, Copy)]
pub(super) struct Row<'a, 's> {
    pub(super) session: &'a Session<'s>,
    registration: Option<&'a Registration<'s>>,
}

/// Returns the rows of a year: sessions in their order, the rows of each by teacher id.
pub(super) fn rows<'a, 's>(sessions: &'a [Arc<Session<'s>>]) -> impl Iterator<Item = Row<'a, 's>> {
    sessions.iter().flat_map(|session| {
        let session = session.as_ref();
        let alone = session.registrations.is_empty().then_some(Row { session, registration: None });
        let registered = session.registrations.iter().map(move |it| Row { session, registration: Some(it) });
        alone.into_iter().chain(registered)
    })
}

impl<'a, 's> Row<'a, 's> {
    fn teacher(self) -> Option<&'a Teacher<'s>> {
        self.registration.and_then(|registration| registration.teacher.as_ref())
    }

    pub(super) fn teacher_name(self) -> &'a str {
        self.teacher().map(|teacher| teacher.name.as_ref()).unwrap_or_default()
    }

    pub(super) fn school_name(self) -> &'s str {
        self.teacher().and_then(Teacher::school_name).unwrap_or_default()
    }

    /// Returns the school's district, else the session's place; the name may be empty where VMS has an empty
    /// one.
    pub(super) fn district(self) -> &'s str {
        let school_district = self.teacher().and_then(|teacher| teacher.school_district);
        school_district.or(self.session.place.shown()).unwrap_or(UNKNOWN_DISTRICT)
    }

    /// Returns the level of the school: `None`, serialized as `null`, when the school has no level; empty
    /// when there is no school.
    fn school_level(self) -> Option<&'s str> {
        match self.teacher().and_then(|teacher| teacher.school) {
            Some(school) => school.level.as_deref(),
            None => Some(""),
        }
    }
}

/// The `session_data` column; shares the sessions with the other columns.
pub(super) struct SessionData<'s>(pub(super) Arc<[Arc<Session<'s>>]>);

impl Serialize for SessionData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(rows(&self.0).map(Written::from))
    }
}

/// A row as VMS's page reads it. `status`, `date` and `time` are never null there, ids are integers.
#[derive(Serialize)]
struct Written<'a, 's> {
    event_id: i64,
    source_host: &'s str,
    status: &'s str,
    date: &'a str,
    time: &'a str,
    session_type: &'s str,
    teacher_name: &'a str,
    teacher_id: Option<i64>,
    school_name: &'s str,
    school_level: Option<&'s str>,
    district: &'s str,
    session_title: Option<&'s str>,
    presenter: &'a str,
    presenter_organization: &'a str,
    presenter_data: &'a [Presenter<'s>],
    topic_theme: &'s str,
    session_link: &'s str,
    session_id: &'s str,
    participant_count: i64,
    duration: i64,
    is_simulcast: Option<bool>,
}

impl<'a, 's> From<Row<'a, 's>> for Written<'a, 's> {
    fn from(row: Row<'a, 's>) -> Self {
        let session = row.session;
        let event = session.event;
        Self {
            event_id: event.id,
            source_host: event.session_host.as_deref().unwrap_or_default(),
            status: session.status,
            date: &session.date,
            time: &session.time,
            session_type: session.kind(),
            teacher_name: row.teacher_name(),
            teacher_id: row.teacher().map(|teacher| teacher.id),
            school_name: row.school_name(),
            school_level: row.school_level(),
            district: row.district(),
            session_title: session.title(),
            presenter: &session.panel.names,
            presenter_organization: &session.panel.organizations,
            presenter_data: &session.panel.presenters,
            topic_theme: session.topic(),
            session_link: session.link(),
            session_id: event.session_id.as_deref().unwrap_or_default(),
            participant_count: event.participant_count.unwrap_or_default(),
            duration: session.duration(),
            is_simulcast: row.registration.map_or(Some(false), |registration| registration.link.simulcast),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::virtual_session::fixture::{classroom_day, report, sessions};
    use serde_json::json;

    #[test]
    fn a_session_has_a_row_per_registration_and_at_least_one() {
        let snapshot = classroom_day();
        let sessions = sessions(&snapshot);
        let seen: Vec<_> = rows(&sessions)
            .map(|row| (row.session.event.id, row.teacher_name().to_owned(), row.district()))
            .collect();
        let row = |id, teacher: &str, district| (id, teacher.to_owned(), district);
        assert_eq!(
            seen,
            [
                // Sessions with the same start come by id. The district with the id 10 comes before the one
                // with 2.
                row(4, "Ann Able", "Grandview"),
                row(4, "Bob Baker", "Ten"),
                row(4, "", "Ten"),
                row(5, "", "Partner"),
                row(3, "", "Unknown District"),
                row(2, "Ann Able", "Grandview"),
            ]
        );
    }

    #[test]
    fn a_row_carries_every_key_in_vms_order() {
        let snapshot = classroom_day();
        let [data, ..] = report(&snapshot);
        assert_eq!(
            data[1].to_string(),
            json!({
                "event_id": 4, "source_host": "", "status": "Completed", "date": "11/02/25",
                "time": "01:30 PM", "session_type": "", "teacher_name": "Bob Baker", "teacher_id": 2,
                "school_name": "Lone High", "school_level": null, "district": "Ten",
                "session_title": "Session 4", "presenter": "Val Q Two, Vic One",
                "presenter_organization": "Alpha, Text",
                "presenter_data": [
                    {"id": 12, "name": "Val Q Two", "is_people_of_color": null,
                     "organization_name": "0015f00000JU4opAAD", "organizations": ["Alpha"], "is_local": true},
                    {"id": 13, "name": "Vic One", "is_people_of_color": true,
                     "organization_name": "Text", "organizations": [], "is_local": false}
                ],
                "topic_theme": "Tech", "session_link": "", "session_id": "", "participant_count": 0,
                "duration": 45, "is_simulcast": null
            })
            .to_string()
        );
        // Without a registration the name is empty, the id is null, and simulcast is false rather than null.
        let alone = &data[3];
        assert_eq!(
            [&alone["teacher_name"], &alone["teacher_id"], &alone["school_level"], &alone["is_simulcast"]],
            [&json!(""), &json!(null), &json!(""), &json!(false)]
        );
    }

    #[test]
    fn a_status_that_vms_does_not_know_is_shown_by_its_name() {
        let mut snapshot = classroom_day();
        snapshot.events[0].status = Some("WHITE_LABEL".into());
        let [data, _, overall, options] = report(&snapshot);
        assert_eq!(data[5]["status"], "WHITE_LABEL");
        assert_eq!(overall["session_count"], 1);
        assert_eq!(options["statuses"], json!(["Completed", "Draft", "WHITE_LABEL"]));
    }
}
