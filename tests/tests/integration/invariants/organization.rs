//! Organization reports.
//!
//! * Summary: the most hours first, no organization twice and none without a volunteer.
//! * Detail: every figure of `summary_stats` is that of the lists; an event has as many volunteers as names;
//!   events come by their beginning.
//! * `organization_reports` holds the same lists, byte for byte.

use std::collections::BTreeSet;

use cached::vms::tables::Table;
use cached_tests::inside::Inside;
use serde_json::Value;

use super::stored::{Row, list, number, ordered, rows, same, sum, text};

pub(crate) fn check(inside: &Inside) {
    rows(inside, Table::OrganizationSummaryCache).iter().for_each(summary);
    let details = rows(inside, Table::OrganizationDetailCache);
    let reports = rows(inside, Table::OrganizationReports);
    details.iter().for_each(detail);
    assert_eq!(details.len(), reports.len());
    for (detail, report) in details.iter().zip(&reports) {
        assert_eq!(detail.key, report.key);
        for (column, same_column) in [
            ("summary_stats", "summary_stats"),
            ("in_person_events", "in_person_events_data"),
            ("virtual_events", "virtual_events_data"),
            ("cancelled_events", "cancelled_events_data"),
            ("volunteers_data", "volunteers_data"),
        ] {
            assert_eq!(
                detail.column(column).to_string(),
                report.column(same_column).to_string(),
                "{}",
                detail.name
            );
        }
    }
}

fn summary(row: &Row) {
    let organizations = row.column("organizations_data").as_array().unwrap();
    ordered(organizations, |a, b| number(a, "total_hours") >= number(b, "total_hours"), &row.name);
    let ids: BTreeSet<i64> = organizations.iter().map(|o| o["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), organizations.len(), "{}", row.name);
    assert!(organizations.iter().all(|o| number(o, "unique_volunteers") >= 1.0), "{}", row.name);
}

fn detail(row: &Row) {
    let stats = row.column("summary_stats");
    let [in_person, sessions, cancelled, volunteers] =
        ["in_person_events", "virtual_events", "cancelled_events", "volunteers_data"]
            .map(|name| row.column(name).as_array().unwrap().as_slice());
    for (figure, count) in [
        ("total_inperson_sessions", in_person.len()),
        ("total_virtual_sessions", sessions.len()),
        ("total_sessions", in_person.len() + sessions.len()),
        ("total_volunteers", volunteers.len()),
        ("total_cancelled", cancelled.len()),
        ("total_classrooms_reached", sessions.iter().flat_map(teachers).collect::<BTreeSet<_>>().len()),
    ] {
        assert_eq!(stats[figure], count, "{}: {figure}", row.name);
    }
    same(number(stats, "total_hours"), sum(volunteers, "hours"), &row.name);
    same(number(stats, "total_students_reached"), sum(in_person, "students"), &row.name);
    for event in in_person.iter().chain(sessions) {
        assert_eq!(event["volunteer_count"], list(event, "volunteers").len(), "{}", row.name);
    }
    for session in sessions {
        assert_eq!(session["classrooms"], teachers(session).collect::<BTreeSet<_>>().len(), "{}", row.name);
    }
    for events in [in_person, sessions] {
        ordered(events, |a, b| text(a, "date_sort") <= text(b, "date_sort"), &row.name);
    }
}

fn teachers(session: &Value) -> impl Iterator<Item = &str> {
    list(session, "classroom_details").iter().map(|room| text(room, "teacher_name"))
}
