//! Which sessions are a district's, and the two columns that list them.
//!
//! # Which district names refer to the same district
//!
//! Names are compared trimmed and in lower case, and through the aliases of the district mapping.
//!
//! # `session_data`
//!
//! The district's sessions, of whatever status, as in VMS's `compute_virtual_session_district_data`.
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
//! * `district` is the name of the entry as in the key, not the name of the matching district.
//!
//! # `monthly_stats`
//!
//! Sessions that took place, by month.
//!
//! Months are keyed `YYYY-MM` and ascend; a month's events keep the order of `session_data`. Registered and
//! attended students are the same number, 25 for each distinct teacher name of a session, so the attendance
//! rate is always 100. Durations are minutes, and a missing one is 0; the average is not rounded. Schools,
//! teachers and topics are counted by distinct name over the month; an empty topic is not counted. Where an
//! event has no schools or teachers, `N/A` is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

use crate::reports::district::DistrictMapping;
use crate::reports::virtual_session::STUDENTS_PER_TEACHER;
use crate::reports::virtual_session::sessions::{Presenter, Session, Teacher, normalized};
use crate::snapshot::EventTeacher;

/// The names that match one district name.
#[derive(Debug)]
pub(super) struct Matching(Vec<String>);

impl Matching {
    /// Returns the names that match `name`: itself, its aliases when it is a name of the mapping, and the
    /// names of which it is an alias. Of mapping entries with the same name, VMS reads the first one only. An
    /// empty name matches nothing.
    pub(super) fn of(name: &str, mapping: &DistrictMapping) -> Self {
        if name.is_empty() {
            return Self(Vec::new());
        }
        let wanted = normalized(name);
        let mut names = vec![wanted.clone()];
        let mut seen: Vec<String> = Vec::new();
        for district in mapping.all() {
            let canonical = normalized(&district.name);
            if seen.contains(&canonical) {
                continue;
            }
            let mut aliases = district.aliases.iter().map(|alias| normalized(alias));
            if canonical == wanted {
                names.extend(aliases);
            } else if aliases.any(|alias| alias == wanted) {
                names.push(canonical.clone());
            }
            seen.push(canonical);
        }
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// Returns the matching names, normalized.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// Returns whether a normalized name matches.
    pub(super) fn contains(&self, normalized: &str) -> bool {
        self.0.iter().any(|name| name == normalized)
    }
}

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

/// Shown for an empty list of names.
const NO_NAMES: &str = "N/A";

/// The `monthly_stats` column. It shares the sessions, and their order, with `session_data`.
pub(super) struct MonthlyStats<'s>(pub(super) Arc<[Included<'s>]>);

impl Serialize for MonthlyStats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut months: BTreeMap<NaiveDate, Vec<&Included<'_>>> = BTreeMap::new();
        for included in completed(&self.0) {
            let start = included.session.event.start.as_ref();
            if let Some(month) = start.and_then(|start| start.at.date().with_day(1)) {
                months.entry(month).or_default().push(included);
            }
        }
        // VMS's page shows months in the order of the keys.
        serializer.collect_map(
            months
                .iter()
                .map(|(month, sessions)| (month.format("%Y-%m").to_string(), Month::new(*month, sessions))),
        )
    }
}

#[derive(Serialize)]
struct Month<'a, 's> {
    #[serde(rename = "month_name")]
    name: String,
    total_sessions: usize,
    total_registered: usize,
    total_attended: usize,
    /// Total duration in minutes.
    total_duration: i64,
    avg_attendance_rate: f64,
    avg_duration: f64,
    events: Vec<MonthEvent<'a, 's>>,
    school_count: usize,
    educator_count: usize,
    career_cluster_count: usize,
}

impl<'a, 's> Month<'a, 's> {
    #[expect(clippy::cast_precision_loss, reason = "Python divides the same way; both are far below 2^53")]
    fn new(month: NaiveDate, sessions: &[&'a Included<'s>]) -> Self {
        let students = sessions.iter().map(|included| included.participants()).sum();
        let minutes: i64 = sessions.iter().map(|included| included.session.duration()).sum();
        Self {
            name: month.format("%B %Y").to_string(),
            total_sessions: sessions.len(),
            total_registered: students,
            total_attended: students,
            total_duration: minutes,
            avg_attendance_rate: 100.0,
            avg_duration: minutes as f64 / sessions.len() as f64,
            events: sessions.iter().map(|included| MonthEvent::new(included)).collect(),
            school_count: all_distinct(sessions.iter().flat_map(|included| included.schools.iter().copied())),
            educator_count: all_distinct(
                sessions.iter().flat_map(|included| included.teachers.iter().map(AsRef::as_ref)),
            ),
            career_cluster_count: distinct(sessions.iter().map(|included| included.session.topic())),
        }
    }
}

/// Counts distinct texts, including the empty text.
fn all_distinct<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.collect::<std::collections::HashSet<_>>().len()
}

#[derive(Serialize)]
struct MonthEvent<'a, 's> {
    title: Option<&'s str>,
    date: &'a str,
    time: &'a str,
    duration: i64,
    registered: usize,
    attended: usize,
    schools: String,
    educators: String,
    career_cluster: &'s str,
    event_id: i64,
    session_link: &'s str,
    presenter: &'a str,
    presenter_data: &'a [Presenter<'s>],
}

impl<'a, 's> MonthEvent<'a, 's> {
    fn new(included: &'a Included<'s>) -> Self {
        let session = &included.session;
        let joined = |names: Vec<&str>| {
            if names.is_empty() { NO_NAMES.to_owned() } else { names.join(", ") }
        };
        Self {
            title: session.title(),
            date: &session.date,
            time: &session.time,
            duration: session.duration(),
            registered: included.participants(),
            attended: included.participants(),
            schools: joined(included.schools.clone()),
            educators: joined(included.teachers.iter().map(AsRef::as_ref).collect()),
            career_cluster: session.topic(),
            event_id: session.event.id,
            session_link: session.link(),
            presenter: &session.panel.names,
            presenter_data: &session.panel.presenters,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_alias_match_each_other_but_two_aliases_do_not() {
        let mapping = DistrictMapping::embedded().unwrap();
        for (one, other, expected) in [
            ("Grandview School District", "Grandview", true),
            ("Grandview", " GRANDVIEW SCHOOL DISTRICT ", true),
            ("Grandview\u{1f}", "Grandview School District", true),
            ("kckps (ks)", "Kansas City Kansas Public Schools", true),
            ("KCKPS (KS)", "KANSAS CITY USD 500", false),
            ("Kansas City Kansas Public Schools", "Kansas City Public Schools (MO)", false),
            ("Raytown Quality Schools", "raytown quality schools", true),
            ("", "Grandview", false),
            ("Grandview", "", false),
            ("", "", false),
        ] {
            let matching = Matching::of(one, &mapping);
            assert_eq!(matching.contains(&normalized(other)), expected, "{one:?} {other:?}");
        }
    }
}
