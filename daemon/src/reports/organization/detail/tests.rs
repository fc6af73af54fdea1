//! Rules of both tables of details that are easy to get wrong.

use serde_json::{Value, json};

use super::{Detail, Reports};
use crate::reports::testing::{self, World, career_fair, column, session};
use crate::reports::{Mode, Report};
use crate::snapshot::{AttendanceDetail, Event};
use crate::vms::tables::{Key, KeyValue, Table};
use crate::vms::time::Stored;

const DETAIL: Table = Table::OrganizationDetailCache;
const REPORTS: Table = Table::OrganizationReports;

const FAIR: Option<&str> = Some("CAREER_FAIR");

/// Returns a world without any organization, in which both tables are on.
fn none() -> World {
    World::default().set(|settings| settings.organization_reports_table = true)
}

fn world() -> World {
    none().organization(1, "Acme")
}

fn event(id: i64, kind: Option<&str>, status: &str, start: &str) -> Event {
    Event { status: Some(status.into()), ..testing::event(id, kind, start) }
}

fn retired(world: &World, report: &dyn Report) -> Vec<String> {
    world.retired(report).iter().map(ToString::to_string).collect()
}

trait Detailed {
    fn detail(&self) -> Value;
}

impl Detailed for World {
    /// Returns the detail of organization 1 in 2526.
    fn detail(&self) -> Value {
        let key = Key(vec!["2526".into(), 1.into()]);
        Value::Object(self.entry(&Detail, Mode::Exact, &key))
    }
}

#[test]
fn every_organization_has_a_row_in_every_year() {
    let world = world()
        .organization(7, "Beta")
        .has_row(DETAIL, Key(vec!["1920".into(), 1.into()]))
        .has_row(DETAIL, Key(vec!["2930".into(), 1.into()]))
        .has_row(DETAIL, Key(vec!["odd".into(), 1.into()]));
    let keys: Vec<String> = world.keys(&Detail).iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["1920|1", "1920|7", "2425|1", "2425|7", "2526|1", "2526|7"]);
    assert_eq!(world.rows(&Detail, Mode::Fixed).keys().collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
}

#[test]
fn the_id_is_a_number_in_one_table_and_text_in_the_other() {
    let world = world();
    let id = |report: &dyn Report| world.keys(report)[0].get(1).cloned();
    assert_eq!((id(&Detail), id(&Reports)), (Some(KeyValue::Int(1)), Some("1".into())));
}

#[test]
fn rows_of_organizations_that_no_longer_exist_are_removed() {
    let world = world()
        .has_row(DETAIL, Key(vec!["2526".into(), 1.into()]))
        .has_row(DETAIL, Key(vec!["2526".into(), 2.into()]))
        .has_row(DETAIL, Key(vec!["2425".into(), 3.into()]))
        .has_row(DETAIL, Key(vec!["2526".into(), "by hand".into()]))
        .has_row(REPORTS, Key(vec!["2526".into(), "4".into()]))
        .has_row(REPORTS, Key(vec!["2526".into(), "1".into()]));
    assert_eq!(retired(&world, &Detail), ["2425|3", "2526|2"]);
    assert_eq!(retired(&world, &Reports), ["2526|4"]);
}

#[test]
fn without_any_organization_only_old_rows_are_removed() {
    let world = none().has_row(DETAIL, Key(vec!["2526".into(), 2.into()]));
    let groups = world.groups(&Detail, Mode::Fixed);
    assert_eq!((groups.len(), retired(&world, &Detail)), (1, vec!["2526|2".to_owned()]));
    assert!(groups[0].entries.is_empty());
}

#[test]
fn organization_reports_has_neither_keys_nor_groups_while_it_is_off() {
    let world = world().has_row(REPORTS, Key(vec!["2526".into(), "4".into()]));
    let world = world.set(|settings| settings.organization_reports_table = false);
    assert_eq!(world.keys(&Reports), []);
    assert_eq!(world.groups(&Reports, Mode::Fixed).len(), 0);
    assert_eq!(world.keys(&Detail).len(), 2);
}

#[test]
fn both_tables_carry_the_same_lists() {
    let world = world()
        .volunteer(10, "Ann", "Able")
        .member(10, 1)
        .event(career_fair(1, "COMPLETED"))
        .event(career_fair(2, "CANCELLED"))
        .event(session(3))
        .took_part(1, 10, "Attended", Some(1.5))
        .took_part(2, 10, "Attended", Some(1.0))
        .linked(3, 10);
    let (detail, reports) = (world.rows(&Detail, Mode::Exact), world.rows(&Reports, Mode::Exact));
    for (key, row) in &detail {
        for (name, list) in row.as_object().unwrap() {
            let other = match name.as_str() {
                "organization_name" => continue,
                "volunteers_data" | "summary_stats" => name.clone(),
                events => format!("{events}_data"),
            };
            assert_eq!(reports[key][other.as_str()].to_string(), list.to_string(), "{key} {name}");
        }
    }
    assert_eq!(detail["2526|1"]["virtual_events"].as_array().unwrap().len(), 1);
}

#[test]
fn groups_stay_small_and_a_large_organization_gets_its_own_group() {
    let mut world = none().event(career_fair(1, "COMPLETED"));
    for id in 1..=40_000 {
        // Organization 2 has most of the volunteers.
        let organization = if id <= 36_000 { 2 } else { 1 + 2 * (id % 2) };
        world = world.volunteer(id, "Ann", "Able").member(id, organization);
        world = world.took_part(1, id, "Attended", Some(1.0));
    }
    world = world.organization(1, "One").organization(2, "Two").organization(3, "Three");
    let names: Vec<String> = world.groups(&Detail, Mode::Fixed).into_iter().map(|group| group.name).collect();
    assert_eq!(
        names,
        [
            "2425, organizations 1 to 3",
            "2526, organizations 1 to 1",
            "2526, organizations 2 to 2",
            "2526, organizations 3 to 3",
        ]
    );
}

#[test]
fn many_small_organizations_are_split_into_groups() {
    let world = (2..=600).fold(world(), |world, id| world.organization(id, "Small"));
    let names: Vec<String> = world.groups(&Detail, Mode::Fixed).into_iter().map(|group| group.name).collect();
    let of =
        |year| [(1, 250), (251, 500), (501, 600)].map(|(a, b)| format!("{year}, organizations {a} to {b}"));
    assert_eq!(names, [of("2425"), of("2526")].concat());
}

#[test]
fn an_organization_without_volunteers_has_empty_lists_and_zeros() {
    let detail = world().detail();
    assert_eq!(
        detail.to_string(),
        r#"{"organization_name":"Acme","in_person_events":[],"virtual_events":[],"cancelled_events":[],"volunteers_data":[],"summary_stats":{"total_inperson_sessions":0,"total_virtual_sessions":0,"total_sessions":0,"total_hours":0,"total_volunteers":0,"total_cancelled":0,"total_students_reached":0,"total_classrooms_reached":0}}"#
    );
}

#[test]
fn events_outside_a_membership_and_excluded_people_do_not_count() {
    let taking_part = |world: World| {
        world
            .event(event(1, FAIR, "COMPLETED", "2025-10-01 09:30:00"))
            .event(event(2, FAIR, "COMPLETED", "2026-01-10 09:30:00"))
            .took_part(1, 10, "Attended", Some(1.0))
            .took_part(2, 10, "Attended", Some(1.0))
            .detail()
    };
    let mut left = world().volunteer(10, "Ann", "Able").member(10, 1);
    left.volunteer_organizations[0].end = Some("2025-12-31 00:00:00.000000".into());
    assert_eq!(column(&taking_part(left)["in_person_events"], "id"), json!([1]));

    for exclude in [Some(true), None] {
        let world = world().volunteer(10, "Ann", "Able").member(10, 1).excluded(10, exclude);
        assert_eq!(taking_part(world)["volunteers_data"], json!([]), "{exclude:?}");
    }
}

#[test]
fn cancelled_events_count_the_members_who_match() {
    let detail = world()
        .volunteer(10, "Ann", "Able")
        .member(10, 1)
        .volunteer(11, "Bob", "Baker")
        .member(11, 1)
        .event(event(3, None, "COMPLETED", "2025-09-01 09:00:00"))
        .event(career_fair(1, "COMPLETED"))
        .event(career_fair(2, "CANCELLED"))
        .took_part(3, 10, "No Show", None)
        .took_part(1, 10, "Attended", Some(1.0))
        .took_part(1, 11, "School Closure", None)
        .took_part(1, 11, "No Show", None)
        .took_part(2, 10, "Attended", Some(1.0))
        .took_part(2, 11, "Registered", None)
        .detail();
    assert_eq!(
        detail["cancelled_events"].to_string(),
        json!([
            {"date": "10/01/25", "title": "Event 1", "type": "career_fair", "volunteers": 1,
             "status": "Cancelled/No Show"},
            {"date": "10/01/25", "title": "Event 2", "type": "career_fair", "volunteers": 2,
             "status": "Cancelled/No Show"},
            {"date": "09/01/25", "title": "Event 3", "type": "Unknown", "volunteers": 1,
             "status": "Cancelled/No Show"},
        ])
        .to_string()
    );
    assert_eq!(column(&detail["in_person_events"], "id"), json!([1, 2]));
}

#[test]
fn an_in_person_event_in_full() {
    let mut world = world()
        .volunteer(10, "Bob", "Baker")
        .member(10, 1)
        .volunteer(11, "Ann", "Able")
        .member(11, 1)
        .event(career_fair(1, "COMPLETED"))
        .took_part(1, 10, "Attended", Some(2.5))
        .took_part(1, 11, "Completed", Some(1.125));
    world.attendance_details.push(AttendanceDetail {
        event: 1,
        total_students: Some(100),
        classrooms: Some(3),
        rotations: Some(2),
    });
    assert_eq!(
        world.detail()["in_person_events"].to_string(),
        r#"[{"id":1,"date":"10/01/25","date_sort":"2025-10-01T09:30:00","title":"Event 1","type":"career_fair","volunteers":["Ann Able","Bob Baker"],"volunteer_count":2,"hours":3.62,"students":100,"students_per_volunteer":66,"is_calculated":true}]"#
    );
}

#[test]
fn students_are_calculated_only_from_a_complete_attendance() {
    for (total, classrooms, rotations, expected) in [
        (Some(100), Some(3), Some(2), json!([100, 66, true])),
        (Some(100), Some(0), Some(2), json!([7, null, false])),
        (Some(100), Some(3), Some(-1), json!([7, null, false])),
        (Some(100), None, Some(2), json!([7, null, false])),
        (Some(0), Some(3), Some(2), json!([7, null, false])),
        (None, Some(3), Some(2), json!([7, null, false])),
    ] {
        let mut world = world()
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .event(career_fair(1, "COMPLETED"))
            .took_part(1, 10, "Attended", Some(1.0));
        world.events[0].participant_count = Some(7);
        world.attendance_details.push(AttendanceDetail {
            event: 1,
            total_students: total,
            classrooms,
            rotations,
        });
        let detail = world.detail();
        let event = &detail["in_person_events"][0];
        let found = json!([event["students"], event["students_per_volunteer"], event["is_calculated"]]);
        assert_eq!(found, expected, "{total:?} {classrooms:?} {rotations:?}");
        assert_eq!(detail["summary_stats"]["total_students_reached"], event["students"]);
    }
}

#[test]
fn only_matching_participations_are_rows_of_an_in_person_event() {
    for (kind, event_status, status, hours, expected) in [
        (FAIR, "COMPLETED", "Attended", Some(2.0), Some("2.0")),
        (FAIR, "COMPLETED", "Successfully Completed", Some(2.0), Some("2.0")),
        (FAIR, "COMPLETED", "attended", Some(2.0), None),
        (FAIR, "COMPLETED", "Registered", Some(2.0), None),
        (FAIR, "COMPLETED", "Attended", None, None),
        (FAIR, "COMPLETED", "Attended", Some(0.0), Some("0")),
        (FAIR, "CONFIRMED", "Registered", Some(2.0), Some("2.0")),
        (FAIR, "CONFIRMED", "Registered", None, Some("0")),
        (None, "COMPLETED", "Attended", Some(2.0), None),
        (Some("VIRTUAL_SESSION"), "COMPLETED", "Attended", Some(2.0), None),
    ] {
        let detail = world()
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .event(event(1, kind, event_status, "2025-10-01 09:30:00"))
            .took_part(1, 10, status, hours)
            .detail();
        let found = detail["in_person_events"].get(0).map(|event| event["hours"].to_string());
        assert_eq!(found.as_deref(), expected, "{kind:?} {event_status} {status} {hours:?}");
    }
}

#[test]
fn repeated_participations_count_once_for_the_event_but_not_for_the_volunteer() {
    let detail = world()
        .volunteer(10, "Ann", "Able")
        .member(10, 1)
        .event(career_fair(1, "CONFIRMED"))
        .took_part(1, 10, "Attended", Some(2.0))
        .took_part(1, 10, "Attended", Some(2.0))
        .took_part(1, 10, "Completed", Some(2.0))
        .took_part(1, 10, "Attended", Some(1.5))
        .took_part(1, 10, "Attended", None)
        .took_part(1, 10, "Attended", None)
        .detail();
    let event = &detail["in_person_events"][0];
    assert_eq!((&event["volunteer_count"], &event["hours"]), (&json!(4), &json!(5.5)));
    assert_eq!(event["volunteers"], json!(["Ann Able", "Ann Able", "Ann Able", "Ann Able"]));
    let volunteer = &detail["volunteers_data"][0];
    assert_eq!((&volunteer["events"], &volunteer["hours"]), (&json!(1), &json!(7.5)));
}

#[test]
fn events_come_by_beginning_title_and_the_first_name_in_them() {
    let mut world = world()
        .volunteer(10, "Ann", "Young")
        .member(10, 1)
        .volunteer(11, "Bob", "Able")
        .member(11, 1)
        .event(event(1, FAIR, "COMPLETED", "2025-12-01 09:00:00"))
        .event(career_fair(2, "COMPLETED"))
        .event(career_fair(3, "COMPLETED"))
        .event(career_fair(4, "COMPLETED"))
        .took_part(1, 10, "Attended", Some(1.0))
        .took_part(2, 10, "Attended", Some(1.0))
        .took_part(3, 11, "Attended", Some(1.0))
        .took_part(4, 10, "Attended", Some(1.0));
    // Events 2 and 3 are distinguished by their volunteers; 4 sorts first by bytes ("A" before "a").
    for (event, title) in [(2, "a"), (3, "a"), (4, "A")] {
        world.events.iter_mut().find(|row| row.id == event).unwrap().title = Some(title.into());
    }
    assert_eq!(column(&world.detail()["in_person_events"], "id"), json!([4, 3, 2, 1]));
}

#[test]
fn a_session_recorded_both_ways_counts_twice() {
    let detail = world()
        .volunteer(10, "Ann", "Able")
        .member(10, 1)
        .volunteer(9, "Zoe", "Zander")
        .member(9, 1)
        .volunteer(11, "Bob", "Baker")
        .member(11, 1)
        .event(session(1))
        .took_part(1, 10, "Attended", Some(1.0))
        .took_part(1, 11, "Attended", None)
        .linked(1, 9)
        .linked(1, 10)
        .email(10, "old@example.org", None)
        .email(10, "ann@example.org", Some(true))
        .email(10, "later@example.org", Some(true))
        .detail();
    assert_eq!(
        detail["volunteers_data"].to_string(),
        r#"[{"id":10,"name":"Ann Able","email":"ann@example.org","events":2,"hours":1.0},{"id":11,"name":"Bob Baker","email":null,"events":1,"hours":0},{"id":9,"name":"Zoe Zander","email":null,"events":1,"hours":0}]"#
    );
    assert_eq!(detail["summary_stats"]["total_hours"].to_string(), "1.0");
    assert_eq!(detail["virtual_events"][0]["volunteer_count"], 2);
}

#[test]
fn only_past_and_planned_sessions_that_are_not_cancelled_count() {
    for (kind, status, expected) in [
        ("VIRTUAL_SESSION", "COMPLETED", 1),
        ("VIRTUAL_SESSION", "CONFIRMED", 1),
        ("VIRTUAL_SESSION", "SIMULCAST", 1),
        ("VIRTUAL_SESSION", "CANCELLED", 0),
        ("VIRTUAL_SESSION", "NO_SHOW", 0),
        ("CAREER_FAIR", "COMPLETED", 0),
    ] {
        let detail = world()
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .event(event(1, Some(kind), status, "2025-11-05 14:15:00"))
            .linked(1, 10)
            .detail();
        assert_eq!(detail["summary_stats"]["total_sessions"], expected, "{kind} {status}");
        assert_eq!(detail["summary_stats"]["total_volunteers"], expected, "{kind} {status}");
    }
}

#[test]
fn classrooms_repeat_for_every_volunteer_and_people_with_one_name_count_once() {
    let mut world = world()
        .volunteer(10, "Ann", "Able")
        .member(10, 1)
        .volunteer(11, "Ann", "Able")
        .member(11, 1)
        .event(session(1))
        .linked(1, 11)
        .linked(1, 10)
        .person(21, "Tom", "Teacher")
        .teacher(21, None, None)
        .person(20, "Tea", "Cher")
        .teacher(20, None, Some("S1"))
        .person(22, "Not", "There")
        .teacher(22, None, Some("S1"))
        .registered(1, 21, "simulcast")
        .registered(1, 20, "attended")
        .registered(1, 22, "Attended");
    world = world.school("S1", "North", 5, None).district(5, "", "Old Town");
    let detail = world.detail();
    let classroom = |id: i64, name, school, district, status| {
        json!({"teacher_id": id, "teacher_name": name, "school_name": school, "district_name": district,
               "status": status})
    };
    let first = classroom(20, "Tea Cher", "North", "Old Town", "attended");
    let second = classroom(21, "Tom Teacher", "Unknown School", "Unknown District", "simulcast");
    let expected = json!([{
        "id": 1, "date": "11/05/25", "time": "02:15 PM", "date_sort": "2025-11-05T14:15:00",
        "title": "Event 1", "type": "virtual_session", "volunteers": ["Ann Able"], "volunteer_count": 1,
        "classrooms": 2, "classroom_details": [first, second, first, second],
    }]);
    assert_eq!(detail["virtual_events"].to_string(), expected.to_string());
    assert_eq!(detail["summary_stats"]["total_classrooms_reached"], 2);
}

#[test]
fn a_session_whose_teachers_are_all_excluded_is_not_listed_but_counted() {
    for (teachers, listed) in [
        (&[(20, Some(true))][..], 0),
        (&[(20, None)], 0),
        (&[(20, Some(true)), (21, Some(false))], 1),
        (&[(20, Some(true)), (99, None)], 1),
        (&[], 1),
    ] {
        let mut world = world()
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .event(session(1))
            .linked(1, 10)
            .person(20, "Tea", "Cher")
            .teacher(20, None, None)
            .person(21, "Tom", "Teacher")
            .teacher(21, None, None);
        for &(teacher, exclude) in teachers {
            world = world.registered(1, teacher, "attended");
            // Teacher 99 does not exist.
            if teacher != 99 {
                world = world.excluded(teacher, exclude);
            }
        }
        let detail = world.detail();
        assert_eq!(detail["summary_stats"]["total_virtual_sessions"], listed, "{teachers:?}");
        assert_eq!(column(&detail["volunteers_data"], "events"), json!([1]), "{teachers:?}");
    }
}

#[test]
fn midnight_is_shown_as_a_dash_and_fractions_only_in_the_sort_key() {
    for (start, time, date_sort) in [
        ("2025-11-05 00:00:00.000000", "—", "2025-11-05T00:00:00"),
        ("2025-11-05 00:00:59.000000", "—", "2025-11-05T00:00:59"),
        ("2025-11-05 00:01:00.000000", "12:01 AM", "2025-11-05T00:01:00"),
        ("2025-11-05 12:00:00.250000", "12:00 PM", "2025-11-05T12:00:00.250000"),
    ] {
        let mut world = world().volunteer(10, "Ann", "Able").member(10, 1).event(session(1)).linked(1, 10);
        world.events[0].start = Stored::read(start);
        let detail = world.detail();
        let session = &detail["virtual_events"][0];
        assert_eq!((&session["time"], &session["date_sort"]), (&json!(time), &json!(date_sort)));
    }
}
