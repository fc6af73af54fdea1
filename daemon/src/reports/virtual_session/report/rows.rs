//! The columns of a year: its rows, and the counts over them.
//!
//! # `session_data`
//!
//! One row per session and registration, as in VMS's `compute_virtual_session_data`; a session without
//! registrations has one row.
//!
//! * Sessions come latest first, ties by id; the rows of a session come by teacher id.
//! * A row's `district` is the district of the teacher's school, else the session's place, else `Unknown
//!   District`. A name that is stored as empty stays empty.
//! * A registration whose teacher does not exist keeps its row, with empty names and a null `teacher_id`.
//! * `school_level` is null for a school without a level, and empty without a school.
//! * `is_simulcast` is that of the registration, null where unknown; it is false for a session without
//!   registrations.
//! * `participant_count` and `duration` are the event's own, and 0 where missing.
//!
//! # `overall_summary` and `district_summaries`
//!
//! Counts over the rows of sessions that took place, as VMS's `services/virtual_computation_service.py`
//! computes them.
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

use crate::reports::virtual_session::sessions::{Presenter, Registration, Session, Teacher};
use crate::reports::virtual_session::{STUDENTS_PER_TEACHER, UNKNOWN_DISTRICT, percent};

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
