//! Volunteer reports.
//!
//! * Recent, base row: the latest first, in both lists, ties by id.
//! * Recent, typed rows: names in alphabetical order; counts and hours are those of the events listed; no
//!   person has more events of all types together than in the base row.
//! * First time: the latest first; the totals are the number of rows and the sums of their figures.

use std::collections::BTreeMap;

use cached::vms::tables::Table;
use cached_tests::inside::Inside;
use chrono::NaiveDate;
use serde_json::Value;

use super::stored::{Row, list, number, ordered, rows, same, sum, text};

pub(crate) fn check(inside: &Inside) {
    let recent = rows(inside, Table::RecentVolunteersReportCache);
    for base in recent.iter().filter(|row| row.key[3] == "ALL") {
        base_row(base);
        let typed = recent.iter().filter(|row| row.key[..3] == base.key[..3] && row.key[3] != "ALL");
        typed_rows(base, typed);
    }
    rows(inside, Table::FirstTimeVolunteerReportCache).iter().for_each(first_time);
}

fn base_row(row: &Row) {
    let report = row.column("report_data");
    let [active, first] = ["active_volunteers", "first_time_in_range"].map(|member| list(report, member));
    latest_first(active, "last_event_date", &row.name);
    latest_first(first, "first_volunteer_date", &row.name);
    assert!(active.iter().all(|person| number(person, "event_count") >= 1.0), "{}", row.name);
}

fn latest_first(people: &[Value], member: &str, what: &str) {
    let rank = |person: &Value| (text(person, member).to_owned(), -number(person, "id"));
    ordered(people, |a, b| rank(a) >= rank(b), what);
}

fn typed_rows<'r>(base: &Row, rows: impl Iterator<Item = &'r Row>) {
    let base = base.column("report_data");
    let key = |person: &Value| format!("{} {}", person["id"], person["organization"]);
    let mut left: BTreeMap<String, f64> = BTreeMap::new();
    for person in list(base, "active_volunteers") {
        *left.entry(key(person)).or_default() += number(person, "event_count");
    }
    let names = |people: &[Value]| {
        let mut names: Vec<String> = people.iter().map(|person| text(person, "name").to_owned()).collect();
        names.sort_unstable();
        names
    };
    let beginners = names(list(base, "first_time_in_range"));
    for row in rows {
        let report = row.column("report_data");
        for member in ["active_volunteers", "first_time_in_range"] {
            let by_name = |person: &Value| text(person, "name").to_lowercase();
            ordered(list(report, member), |a, b| by_name(a) <= by_name(b), &row.name);
        }
        assert_eq!(names(list(report, "first_time_in_range")), beginners, "{}", row.name);
        for person in list(report, "active_volunteers") {
            let events = list(person, "events");
            assert_eq!(person["event_count"], events.len(), "{}", row.name);
            let rounding = (number(person, "total_hours") - sum(events, "hours")).abs();
            assert!(rounding <= 0.05 + 1e-9, "{}: {person}", row.name);
            assert!(
                events.iter().all(|event| event["type"] == row.key[3].as_str()),
                "{}: {person}",
                row.name
            );
            let latest = events.iter().map(|event| text(event, "date")).max();
            assert_eq!(latest, person["last_event_date"].as_str(), "{}: {person}", row.name);
            let left = left
                .get_mut(&key(person))
                .unwrap_or_else(|| panic!("{}: {person} is not in the base row", row.name));
            *left -= number(person, "event_count");
            assert!(*left >= 0.0, "{}: {person} has more events than in the base row", row.name);
        }
    }
}

fn first_time(row: &Row) {
    let report = row.column("report_data");
    let volunteers = list(report, "volunteers");
    assert_eq!(report["total_first_time_volunteers"], volunteers.len(), "{}", row.name);
    same(number(report, "total_events_by_first_timers"), sum(volunteers, "total_events"), &row.name);
    // Rows are rounded to hundredths, and so summed up the total may be off by half of one for each of them.
    let off = (number(report, "total_hours_by_first_timers") - sum(volunteers, "total_hours")).abs();
    assert!(off <= 0.05 + 0.005 * volunteers.len() as f64 + 1e-6, "{}", row.name);
    let rank = |person: &Value| {
        let date = NaiveDate::parse_from_str(text(person, "first_volunteer_date"), "%B %d, %Y").unwrap();
        (date, -number(person, "id"))
    };
    ordered(volunteers, |a, b| rank(a) >= rank(b), &row.name);
}
