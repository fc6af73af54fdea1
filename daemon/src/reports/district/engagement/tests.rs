//! The rules of the engagement report that are easy to get wrong.

use serde_json::{Value, json};

use super::{Engagement, TABLE};
use crate::reports::district::fixture::{self, ALDER, CENTER, Rows, event, source, text_key};
use crate::reports::testing::now;
use crate::reports::{Mode, Report};
use crate::snapshot::Snapshot;

const PARTNER: Option<&str> = Some("Center School District");

/// Returns the five columns of a district.
fn columns(source: &Snapshot, district: i64) -> [Value; 5] {
    fixture::payload(&Engagement, source, Mode::Exact, district).try_into().unwrap()
}

#[test]
fn a_district_without_events_has_empty_lists() {
    let [summary, volunteers, students, events, breakdown] = columns(&source(), CENTER);
    assert_eq!(summary["name"], "Center School District");
    assert_eq!(summary["total_volunteer_hours"].to_string(), "0");
    assert_eq!([volunteers, students, events], [json!([]), json!([]), json!([])]);
    assert_eq!(breakdown, json!({"events_breakdown": [], "total_events": 0}));
}

#[test]
fn a_renamed_district_has_no_row_and_its_old_one_is_retired() {
    let mut source = source();
    source.districts[0].name = "Alder Schools".into();
    fixture::add_existing(&mut source, TABLE, &[&["2526", "3"], &["2526", "7"]]);
    let settings = fixture::settings(Mode::Fixed);
    let keys = Engagement.keys(&source, &settings, now());
    assert_eq!(keys, ["2425", "2526", "2627"].map(|year| text_key(&[year, "7"])));
    let groups = fixture::groups(&Engagement, &source, &settings);
    let retired: Vec<_> = groups.iter().flat_map(|group| group.retire.clone()).collect();
    assert_eq!(retired, [text_key(&["2526", "3"])]);
    let built: Vec<_> = groups.into_iter().flat_map(|group| group.entries).map(|entry| entry.key).collect();
    assert_eq!(built, keys);
}

#[test]
fn a_row_belongs_to_the_first_district_of_the_name_and_summarizes_that_of_the_salesforce_id() {
    let mut source = source();
    source.districts.insert(0, fixture::district(2, "sf-double", "Alder School District"));
    source.events.push(event(1, Some("DIA"), None));
    source.link(1, ALDER);
    source.events.push(event(2, Some("DIA"), None));
    source.link(2, 2);
    let settings = fixture::settings(Mode::Exact);
    let keys = Engagement.keys(&source, &settings, now());
    assert!(
        keys.contains(&text_key(&["2526", "2"])) && !keys.contains(&text_key(&["2526", "3"])),
        "{keys:?}"
    );
    let ids = |events: &Value| -> Vec<i64> {
        events.as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect()
    };
    let [summary, _, _, events, _] = columns(&source, 2);
    assert_eq!(ids(&events), [2]);
    assert_eq!((&summary["name"], &summary["unique_events"]), (&json!("Alder School District"), &json!(1)));
    source.events.push(event(3, Some("DIA"), None));
    source.link(3, ALDER);
    let [summary, _, _, events, _] = columns(&source, 2);
    assert_eq!((ids(&events), &summary["unique_events"]), (vec![2], &json!(2)));
}

#[test]
fn an_event_belongs_by_link_by_school_or_by_name() {
    for (case, kind, partner, link, school, alder) in [
        ("linked", Some("DIA"), None, Some(ALDER), None, true),
        ("at a school", Some("DIA"), None, None, Some("a-high"), true),
        ("a school's name", Some("DIA"), Some("NORTH HIGH"), None, None, true),
        ("an alias in a linked name", Some("DIA"), None, Some(9), None, true),
        ("letters beyond ASCII are not folded", Some("DIA"), Some("élan"), None, None, false),
        ("a wildcard is a letter", Some("DIA"), Some("Alder xx School District"), None, None, false),
        ("a connector session", Some("CONNECTOR_SESSION"), None, Some(ALDER), None, false),
        ("no type", None, None, Some(ALDER), None, false),
        ("nothing", Some("DIA"), None, None, None, false),
    ] {
        let mut source = source();
        source.schools.push(fixture::school("a-1", "ÉLAN", ALDER, None));
        source.schools.push(fixture::school("a-2", "Alder%School", ALDER, None));
        let mut event = event(1, kind, partner);
        event.school = school.map(Into::into);
        source.events.push(event);
        if let Some(district) = link {
            source.link(1, district);
        }
        assert_eq!(columns(&source, ALDER)[0]["unique_events"], i64::from(alder), "{case}");
    }
}

#[test]
fn virtual_students_are_assumed_from_the_districts_own_teachers_of_any_status() {
    let mut source = source();
    source.events.push(event(1, Some("VIRTUAL_SESSION"), PARTNER));
    for (teacher, school) in [(20, "c-high"), (21, "a-high"), (22, "nowhere")] {
        fixture::add_teacher(&mut source, teacher, school);
        source.teacher(1, teacher, "no_show");
    }
    source.student(1, 10, "c-high");
    let [summary, _, students, events, breakdown] = columns(&source, CENTER);
    assert_eq!(summary["total_students_with_virtual"], 25);
    assert_eq!((&summary["unique_students"], students), (&0.into(), json!([])));
    assert_eq!(events[0]["student_count"], 25);
    let event = &breakdown["events_breakdown"][0];
    let note = json!([{"note": "Virtual session - estimated 25 students participated"}]);
    assert_eq!((&event["students"], &event["student_count"]), (&note, &25.into()));
}

#[test]
fn volunteers_are_listed_by_events_and_hours_with_first_organization_and_main_address() {
    let mut source = source();
    source.events.extend([1, 2].map(|id| event(id, Some("DIA"), PARTNER)));
    fixture::add_volunteer(&mut source, 31, "Low", &[]);
    fixture::add_volunteer(&mut source, 30, "High", &["Law", "Art"]);
    fixture::add_organization(&mut source, 6, "First");
    fixture::add_organization(&mut source, 5, "Second");
    source.member(30, 6);
    source.member(30, 5);
    for (event, volunteer, hours) in [(1, 31, 0.25), (1, 30, 2.0), (2, 31, 0.5), (2, 30, 1.0), (2, 99, 4.0)] {
        source.volunteer(event, volunteer, Some(hours));
    }
    let [summary, volunteers, _, events, breakdown] = columns(&source, CENTER);
    assert_eq!(
        volunteers.to_string(),
        concat!(
            r#"[{"id":30,"first_name":"Ann","last_name":"High","email":"main@example.org","organization":"First","#,
            r#""events_count":2,"total_hours":3.0,"skills":["Law","Art"]},"#,
            r#"{"id":31,"first_name":"Ann","last_name":"Low","email":"main@example.org","organization":"N/A","#,
            r#""events_count":2,"total_hours":0.8,"skills":[]}]"#
        )
    );
    // Volunteer 99 took part but does not exist: counted in the summary and the list, not in the breakdown.
    assert_eq!((&summary["unique_volunteers"], &summary["unique_organizations"]), (&3.into(), &2.into()));
    assert_eq!((&events[1]["volunteer_count"], &events[1]["volunteer_hours"]), (&3.into(), &5.5.into()));
    let latest = &breakdown["events_breakdown"][0];
    assert_eq!((&latest["id"], &latest["date"]), (&2.into(), &"September 05, 2025".into()));
    assert_eq!((&latest["volunteer_count"], &latest["total_volunteer_hours"]), (&2.into(), &1.5.into()));
}

#[test]
fn students_of_an_event_are_sorted_by_school_and_by_grade_as_text() {
    let mut source = source();
    source.schools.push(fixture::school("c-2", "Acorn", CENTER, None));
    source.events.push(event(1, Some("DIA"), PARTNER));
    for (id, school, grade) in [
        (10, "c-high", Some(5)),
        (11, "c-high", Some(10)),
        (12, "c-high", Some(0)),
        (13, "c-high", None),
        (14, "c-2", Some(12)),
        (15, "a-high", Some(1)),
    ] {
        source.student(1, id, school);
        source.students.last_mut().unwrap().grade = grade;
    }
    let [_, students, breakdown] =
        [0, 2, 4].map(|column| fixture::payload(&Engagement, &source, Mode::Exact, CENTER).remove(column));
    let shown: Vec<_> = breakdown["events_breakdown"][0]["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|student| format!("{} {}", student["id"], student["grade"]))
        .collect();
    assert_eq!(shown, ["14 12", "11 10", "10 5", "12 \"N/A\"", "13 \"N/A\""]);
    assert_eq!(students.as_array().unwrap().len(), 5);
    assert_eq!(
        students[0].to_string(),
        r#"{"id":10,"first_name":"","last_name":"","email":"","school":"South High","grade":5,"events_count":1}"#
    );
}

#[test]
fn hours_of_the_summary_are_added_by_participation() {
    let mut source = source();
    source.events.extend([1, 2].map(|id| event(id, Some("DIA"), PARTNER)));
    fixture::add_volunteer(&mut source, 30, "Able", &[]);
    for (event, hours) in [(2, 0.1), (1, 0.2), (1, 0.05), (2, 0.7)] {
        source.volunteer(event, 30, Some(hours));
    }
    // At the edge of rounding: added event by event the sum would be a little less, and round to 1.0.
    assert_eq!(columns(&source, CENTER)[0]["total_volunteer_hours"], 1.1);
}
