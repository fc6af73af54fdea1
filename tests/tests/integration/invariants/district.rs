//! District reports.
//!
//! * Year end: every total is in person plus virtual; the figures at the top are those of `enhanced`; the
//!   months, in the order of the calendar, contain every event once, and their totals are the sums over their
//!   events; unique counts never exceed total counts.
//! * Engagement: every event is in both lists; volunteers and students are ordered by the number of their
//!   events.

use cached::vms::tables::Table;
use cached_tests::inside::Inside;
use chrono::NaiveDate;
use serde_json::Value;

use super::stored::{Row, list, number, ordered, rows, same, sum, text};

pub(crate) fn check(inside: &Inside) {
    for row in rows(inside, Table::DistrictYearEndReports) {
        figures(&row);
        programs(&row);
        months(&row);
    }
    rows(inside, Table::DistrictEngagementReports).iter().for_each(engagement);
}

fn figures(row: &Row) {
    let report = row.column("report_data");
    let enhanced = &report["enhanced"];
    for (part, total, shares) in [
        ("events", "total", ["in_person", "virtual"]),
        ("students", "total", ["in_person", "virtual"]),
        ("students", "unique_total", ["unique_in_person", "unique_virtual"]),
        ("volunteers", "total", ["in_person", "virtual"]),
        ("volunteers", "hours_total", ["hours_in_person", "hours_virtual"]),
        ("organizations", "volunteer_hours_total", ["volunteer_hours_in_person", "volunteer_hours_virtual"]),
    ] {
        let part = &enhanced[part];
        same(number(part, total), shares.iter().map(|share| number(part, share)).sum(), &row.name);
        for share in shares {
            let percent = format!("{share}_pct");
            assert!(
                part[&percent].is_null() || (0.0..=100.0).contains(&number(part, &percent)),
                "{}",
                row.name
            );
        }
    }
    for part in ["volunteers", "organizations"] {
        let [total, most, more] =
            ["unique_total", "unique_in_person", "unique_virtual"].map(|m| number(&enhanced[part], m));
        assert!(most.max(more) <= total && total <= most + more, "{}: {part}", row.name);
    }
    for (top, part, member) in [
        ("total_events", "events", "total"),
        ("in_person_events", "events", "in_person"),
        ("virtual_events", "events", "virtual"),
        ("total_students", "students", "total"),
        ("unique_student_count", "students", "unique_total"),
        ("total_in_person_students", "students", "in_person"),
        ("total_virtual_students", "students", "virtual"),
        ("total_volunteers", "volunteers", "total"),
        ("unique_volunteer_count", "volunteers", "unique_total"),
        ("total_volunteer_hours", "volunteers", "hours_total"),
    ] {
        assert_eq!(report[top], enhanced[part][member], "{}: {top}", row.name);
    }
    let counted =
        |types: &Value| types.as_object().unwrap().values().map(|n| n.as_f64().unwrap()).sum::<f64>();
    same(counted(&report["event_types"]), number(report, "total_events"), &row.name);
    for format in ["in_person", "virtual"] {
        same(
            counted(&enhanced["event_types_by_format"][format]),
            number(&enhanced["events"], format),
            &row.name,
        );
    }
}

fn programs(row: &Row) {
    let report = row.column("report_data");
    let programs = &report["program_breakdown"];
    same(number(programs, "in_person_events_count"), number(report, "in_person_events"), &row.name);
    same(
        number(&programs["in_person_volunteers"], "total"),
        number(&report["enhanced"]["volunteers"], "in_person"),
        &row.name,
    );
    let sessions = &programs["virtual_sessions"];
    same(
        number(&sessions["students_participated"], "total"),
        25.0 * number(&sessions["teachers_engaged"], "total"),
        &row.name,
    );
    for (name, ids) in programs["_unique_sets"].as_object().unwrap() {
        let program =
            if name == "virtual_teachers" { &sessions["teachers_engaged"] } else { &programs[name] };
        let ids: Vec<i64> = ids.as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
        ordered(&ids, |a, b| a < b, &row.name);
        assert_eq!(program["unique"], ids.len(), "{}: {name}", row.name);
        assert!(number(program, "unique") <= number(program, "total"), "{}: {name}", row.name);
    }
}

fn months(row: &Row) {
    let (report, events) = (row.column("report_data"), row.column("events_data"));
    let months = events["events_by_month"].as_object().unwrap();
    let starts: Vec<NaiveDate> = months
        .keys()
        .map(|name| NaiveDate::parse_from_str(&format!("1 {name}"), "%d %B %Y").unwrap())
        .collect();
    ordered(&starts, |a, b| a < b, &row.name);
    let (mut held, mut volunteers, mut hours) = (0, 0.0, 0.0);
    for month in months.values() {
        let listed = list(month, "events");
        held += listed.len();
        for (total, member) in [
            ("total_students", "students"),
            ("total_volunteers", "volunteers"),
            ("total_volunteer_hours", "volunteer_hours"),
        ] {
            same(number(month, total), sum(listed, member), &row.name);
        }
        volunteers += number(month, "total_volunteers");
        hours += number(month, "total_volunteer_hours");
        let dates: Vec<&str> = listed.iter().map(|event| text(event, "date")).collect();
        ordered(&dates, |a, b| a <= b, &row.name);
    }
    assert_eq!(events["total_events"], held, "{}", row.name);
    assert_eq!(events["total_events"], report["total_events"], "{}", row.name);
    same(volunteers, number(report, "total_volunteers"), &row.name);
    same(hours, number(report, "total_volunteer_hours"), &row.name);
}

fn engagement(row: &Row) {
    let [stats, breakdown] = ["summary_stats", "breakdown_data"].map(|name| row.column(name));
    let [volunteers, students, events] =
        ["volunteers_data", "students_data", "events_data"].map(|name| row.column(name).as_array().unwrap());
    let details = list(breakdown, "events_breakdown");
    assert_eq!(stats["unique_events"], events.len(), "{}", row.name);
    assert_eq!(breakdown["total_events"], events.len(), "{}", row.name);
    assert_eq!(details.len(), events.len(), "{}", row.name);
    // People whose rows are missing are counted, but cannot be listed.
    assert!(volunteers.len() as f64 <= number(stats, "unique_volunteers"), "{}", row.name);
    assert!(students.len() as f64 <= number(stats, "unique_students"), "{}", row.name);
    same(number(stats, "total_volunteer_engagements"), sum(events, "volunteer_count"), &row.name);
    for event in details {
        assert_eq!(event["volunteer_count"], list(event, "volunteers").len(), "{}", row.name);
    }
    same(number(stats, "total_students_with_virtual"), sum(events, "student_count"), &row.name);
    let figures = |person: &Value| (-number(person, "events_count"), -number(person, "total_hours"));
    ordered(volunteers, |a, b| figures(a) <= figures(b), &row.name);
    let figures = |person: &Value| (-number(person, "events_count"), text(person, "last_name").to_owned());
    ordered(students, |a, b| figures(a) <= figures(b), &row.name);
}
