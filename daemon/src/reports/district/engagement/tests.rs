//! The rules of the engagement report that are easy to get wrong.

use serde_json::{Value, json};

use super::Engagement;
use crate::reports::Mode;
use crate::reports::testing::{ALDER, CENTER, World, key, partnered, two_districts};
use crate::vms::tables::Table;

const PARTNER: Option<&str> = Some("Center School District");

/// Adds a volunteer with two addresses, of which the second is the primary one, and with new skills.
fn ann(world: World, id: i64, last: &str, skills: &[&str]) -> World {
    let known = i64::try_from(world.skills.len()).unwrap();
    let new: Vec<i64> = (known + 1..).take(skills.len()).collect();
    world
        .volunteer(id, "Ann", last)
        .email(id, "old@example.org", Some(false))
        .email(id, "main@example.org", Some(true))
        .skills(skills)
        .has_skills(id, &new)
}

/// Returns the five columns of a district.
fn columns(source: &World, district: i64) -> [Value; 5] {
    source.columns(&Engagement, Mode::Exact, &key(&["2526", &district.to_string()]))
}

#[test]
fn a_district_without_events_has_empty_lists() {
    let [summary, volunteers, students, events, breakdown] = columns(&two_districts(), CENTER);
    assert_eq!(summary["name"], "Center School District");
    assert_eq!(summary["total_volunteer_hours"].to_string(), "0");
    assert_eq!([volunteers, students, events], [json!([]), json!([]), json!([])]);
    assert_eq!(breakdown, json!({"events_breakdown": [], "total_events": 0}));
}

#[test]
fn a_renamed_district_has_no_row_and_its_old_row_is_removed() {
    let mut source = two_districts();
    source.districts[0].name = "Alder Schools".into();
    for id in ["3", "7"] {
        source = source.has_row(Table::DistrictEngagementReports, key(&["2526", id]));
    }
    let keys = source.keys(&Engagement);
    assert_eq!(keys, ["2425", "2526", "2627"].map(|year| key(&[year, "7"])));
    assert_eq!(source.retired(&Engagement), [key(&["2526", "3"])]);
    assert_eq!(source.built(&Engagement), keys);
}

#[test]
fn a_row_belongs_to_the_first_district_with_the_name_but_summarizes_the_one_with_the_salesforce_id() {
    let mut source = two_districts();
    source = source.district(2, "sf-double", "Alder School District");
    source.events.push(partnered(1, Some("DIA"), None));
    source = source.in_district(1, ALDER);
    source.events.push(partnered(2, Some("DIA"), None));
    source = source.in_district(2, 2);
    let keys = source.keys(&Engagement);
    assert!(keys.contains(&key(&["2526", "2"])) && !keys.contains(&key(&["2526", "3"])), "{keys:?}");
    let ids = |events: &Value| -> Vec<i64> {
        events.as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect()
    };
    let [summary, _, _, events, _] = columns(&source, 2);
    assert_eq!(ids(&events), [2]);
    assert_eq!((&summary["name"], &summary["unique_events"]), (&json!("Alder School District"), &json!(1)));
    source.events.push(partnered(3, Some("DIA"), None));
    source = source.in_district(3, ALDER);
    let [summary, _, _, events, _] = columns(&source, 2);
    assert_eq!((ids(&events), &summary["unique_events"]), (vec![2], &json!(2)));
}

#[test]
fn an_event_belongs_to_a_district_by_link_by_school_or_by_name() {
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
        let mut source = two_districts();
        source = source.school("a-1", "ÉLAN", ALDER, None);
        source = source.school("a-2", "Alder%School", ALDER, None);
        let mut event = partnered(1, kind, partner);
        event.school = school.map(Into::into);
        source.events.push(event);
        if let Some(district) = link {
            source = source.in_district(1, district);
        }
        assert_eq!(columns(&source, ALDER)[0]["unique_events"], i64::from(alder), "{case}");
    }
}

#[test]
fn virtual_students_are_assumed_from_the_districts_own_teachers_of_any_status() {
    let mut source = two_districts();
    source.events.push(partnered(1, Some("VIRTUAL_SESSION"), PARTNER));
    for (teacher, school) in [(20, "c-high"), (21, "a-high"), (22, "nowhere")] {
        source = source.teacher(teacher, school, None);
        source = source.registered(1, teacher, "no_show");
    }
    source = source.attended(1, 10, "c-high");
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
    let mut source = two_districts();
    source.events.extend([1, 2].map(|id| partnered(id, Some("DIA"), PARTNER)));
    source = ann(source, 31, "Low", &[]);
    source = ann(source, 30, "High", &["Law", "Art"]);
    source = source.organization(6, "First");
    source = source.organization(5, "Second");
    source = source.member(30, 6);
    source = source.member(30, 5);
    for (event, volunteer, hours) in [(1, 31, 0.25), (1, 30, 2.0), (2, 31, 0.5), (2, 30, 1.0), (2, 99, 4.0)] {
        source = source.took_part(event, volunteer, "Attended", Some(hours));
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
    let mut source = two_districts();
    source = source.school("c-2", "Acorn", CENTER, None);
    source.events.push(partnered(1, Some("DIA"), PARTNER));
    for (id, school, grade) in [
        (10, "c-high", Some(5)),
        (11, "c-high", Some(10)),
        (12, "c-high", Some(0)),
        (13, "c-high", None),
        (14, "c-2", Some(12)),
        (15, "a-high", Some(1)),
    ] {
        source = source.attended(1, id, school);
        source.students.last_mut().unwrap().grade = grade;
    }
    let [_, _, students, _, breakdown] = columns(&source, CENTER);
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
    let mut source = two_districts();
    source.events.extend([1, 2].map(|id| partnered(id, Some("DIA"), PARTNER)));
    source = ann(source, 30, "Able", &[]);
    for (event, hours) in [(2, 0.1), (1, 0.2), (1, 0.05), (2, 0.7)] {
        source = source.took_part(event, 30, "Attended", Some(hours));
    }
    // At the edge of rounding: added event by event, the sum would be slightly less and round to 1.0.
    assert_eq!(columns(&source, CENTER)[0]["total_volunteer_hours"], 1.1);
}
