//! `monthly_stats`: sessions that took place, by month, as in VMS's `compute_virtual_session_district_data`.
//!
//! Months are keyed `YYYY-MM` and ascend; a month's events keep the order of `session_data`. Registered and
//! attended students are the same number, 25 for each distinct teacher name of a session, so the attendance
//! rate is always 100. Durations are minutes, and a missing one is 0; the average is not rounded. Schools,
//! teachers and topics are counted by distinct name over the month; an empty topic is not counted. Where an
//! event has no schools or teachers, `N/A` is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

use super::included::{Included, completed, distinct};
use crate::reports::virtual_session::presenters::Presenter;

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
    use crate::reports::virtual_session::fixture::{classroom_day, district, event};
    use serde_json::json;

    #[test]
    fn a_month_sums_its_completed_sessions() {
        let mut snapshot = classroom_day();
        let link = snapshot.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
        for (id, start, status) in [
            (6, "2026-01-15", "SIMULCAST"),
            (7, "2025-11-20", "COMPLETED"),
            (8, "2025-11-21", "COMPLETED"),
            (9, "2025-11-22", "CONFIRMED"),
        ] {
            snapshot.events.push(event(id, &format!("{start} 10:00:00.000000"), status));
            snapshot.event_teachers.push(crate::snapshot::EventTeacher { event: id, ..link.clone() });
        }
        let [_, months, ..] = district(&mut snapshot, "Grandview");
        assert_eq!(months.as_object().unwrap().keys().collect::<Vec<_>>(), ["2025-09", "2025-11", "2026-01"]);
        let mut november = months["2025-11"].clone();
        let events = november["events"].take();
        november["events"] = json!(events.as_array().unwrap().len());
        assert_eq!(
            november.to_string(),
            json!({
                "month_name": "November 2025", "total_sessions": 3, "total_registered": 75,
                "total_attended": 75, "total_duration": 45, "avg_attendance_rate": 100.0,
                "avg_duration": 15.0, "events": 3, "school_count": 1, "educator_count": 1,
                "career_cluster_count": 1
            })
            .to_string()
        );
        let mut last = events[2].clone();
        last["presenter_data"] = json!([]);
        assert_eq!(
            last.to_string(),
            json!({
                "title": "Session 4", "date": "11/02/25", "time": "01:30 PM", "duration": 45,
                "registered": 25, "attended": 25, "schools": "Ruskin High", "educators": "Ann Able",
                "career_cluster": "Tech", "event_id": 4, "session_link": "",
                "presenter": "Val Q Two, Vic One", "presenter_data": []
            })
            .to_string()
        );
    }

    #[test]
    fn a_month_without_schools_says_so_and_averages_are_not_rounded() {
        let mut snapshot = classroom_day();
        snapshot.teachers[1].school = None;
        let [_, months, _, teachers, _] = district(&mut snapshot, "Ten");
        assert_eq!(months["2025-11"]["events"][0]["schools"], "N/A");
        assert_eq!(months["2025-11"]["school_count"], 0);
        assert_eq!(teachers, json!([]));

        let link = snapshot.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
        for (id, minutes) in [(6, 30), (7, 25)] {
            let mut session = event(id, "2025-11-03 10:00:00.000000", "COMPLETED");
            session.duration = Some(minutes);
            snapshot.events.push(session);
            snapshot.event_teachers.push(crate::snapshot::EventTeacher { event: id, ..link.clone() });
        }
        let [_, months, ..] = district(&mut snapshot, "Grandview");
        assert_eq!(months["2025-11"]["avg_duration"].to_string(), "33.333333333333336");
    }
}
