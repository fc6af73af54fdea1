//! Virtual session reports.
//!
//! * Report: the latest session first; students are 25 for each teacher; experiences and sessions are those of
//!   the rows that took place, in all and by district; what can be filtered by is sorted.
//! * District: totals are those of the breakdowns, which begin with the most sessions; months are in the order
//!   of the calendar, and their totals are the sums of their events'.

use std::collections::BTreeSet;

use cached::vms::tables::Table;
use cached_tests::inside::Inside;
use chrono::NaiveDateTime;
use serde_json::Value;

use super::stored::{Row, distinct, list, number, ordered, rows, same, sum, text};

const MAIN: [&str; 3] =
    ["Hickman Mills School District", "Grandview School District", "Kansas City Kansas Public Schools"];

pub(crate) fn check(inside: &Inside) {
    rows(inside, Table::VirtualSessionReportCache).iter().for_each(report);
    rows(inside, Table::VirtualSessionDistrictCache).iter().for_each(district);
}

fn took_place(row: &Value) -> bool {
    matches!(text(row, "status"), "Completed" | "Simulcast")
}

fn report(row: &Row) {
    let sessions = row.column("session_data").as_array().unwrap();
    let begins: Vec<NaiveDateTime> = sessions
        .iter()
        .map(|s| format!("{} {}", text(s, "date"), text(s, "time")))
        .map(|at| NaiveDateTime::parse_from_str(&at, "%m/%d/%y %I:%M %p").unwrap())
        .collect();
    ordered(&begins, |a, b| a >= b, &row.name);
    let counted: Vec<&Value> = sessions
        .iter()
        .filter(|session| took_place(session) && !text(session, "district").is_empty())
        .collect();
    let overall = row.column("overall_summary");
    experiences(&counted, overall, "experience_count", "student_count", &row.name);
    for (name, summary) in row.column("district_summaries").as_object().unwrap() {
        // VMS computes these three only, and shows zeros for all others.
        let shown = MAIN.contains(&name.as_str());
        let own: Vec<&Value> =
            counted.iter().copied().filter(|session| shown && text(session, "district") == name).collect();
        experiences(&own, summary, "total_experiences", "total_students", &format!("{} {name}", row.name));
    }
    let options = row.column("filter_options");
    for name in ["career_clusters", "schools", "districts", "statuses"] {
        ordered(list(options, name), |a, b| a.as_str() < b.as_str(), &row.name);
    }
    ordered(list(options, "school_years"), |a, b| a.as_str() > b.as_str(), &row.name);
}

fn experiences(rows: &[&Value], summary: &Value, experiences: &str, students: &str, what: &str) {
    assert_eq!(summary[experiences], rows.len(), "{what}");
    let ids: BTreeSet<i64> = rows.iter().map(|row| row["event_id"].as_i64().unwrap()).collect();
    assert_eq!(summary["session_count"], ids.len(), "{what}");
    same(number(summary, students), 25.0 * number(summary, "teacher_count"), what);
    for some in ["local_session", "poc_session"] {
        assert!(number(summary, &format!("{some}_count")) <= number(summary, "session_count"), "{what}");
        assert!((0.0..=100.0).contains(&number(summary, &format!("{some}_percent"))), "{what}");
    }
}

fn district(row: &Row) {
    let summary = row.column("summary_stats");
    let [sessions, schools, teachers] = ["session_data", "school_breakdown", "teacher_breakdown"]
        .map(|name| row.column(name).as_array().unwrap().as_slice());
    same(number(summary, "total_students"), 25.0 * number(summary, "total_teachers"), &row.name);
    same(number(summary, "total_experiences"), sum(teachers, "sessions"), &row.name);
    assert_eq!(summary["total_schools"], schools.len(), "{}", row.name);
    for breakdown in [schools, teachers] {
        ordered(breakdown, |a, b| number(a, "sessions") >= number(b, "sessions"), &row.name);
    }
    ordered(sessions, |a, b| text(a, "date") >= text(b, "date"), &row.name);
    let months = row.column("monthly_stats").as_object().unwrap();
    ordered(&months.keys().collect::<Vec<_>>(), |a, b| a < b, &row.name);
    let mut held = 0;
    for month in months.values() {
        let events = list(month, "events");
        held += events.len();
        assert_eq!(month["total_sessions"], events.len(), "{}", row.name);
        for (total, member) in [
            ("total_registered", "registered"),
            ("total_attended", "attended"),
            ("total_duration", "duration"),
        ] {
            same(number(month, total), sum(events, member), &row.name);
        }
        same(number(month, "avg_duration"), sum(events, "duration") / events.len() as f64, &row.name);
        assert_eq!(month["career_cluster_count"], distinct(events, "career_cluster"), "{}", row.name);
    }
    assert_eq!(held, sessions.iter().filter(|session| took_place(session)).count(), "{}", row.name);
}
