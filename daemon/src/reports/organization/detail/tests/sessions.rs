use serde_json::json;

use super::super::super::testing::{World, text};
use super::field;
use crate::snapshot::{District, School};
use crate::vms::time::Stored;

#[test]
fn a_session_that_is_recorded_twice_counts_twice() {
    let detail = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .volunteer(9, "Zoe", "Zander")
        .volunteer(11, "Bob", "Baker")
        .session(1)
        .took_part(1, 10, "Attended", Some(1.0))
        .took_part(1, 11, "Attended", None)
        .linked(1, 9)
        .linked(1, 10)
        .email(10, "old@example.org", None)
        .email(10, "ann@example.org", Some(true))
        .email(10, "later@example.org", Some(true))
        .detail();
    assert_eq!(
        text(&detail["volunteers_data"]),
        r#"[{"id":10,"name":"Ann Able","email":"ann@example.org","events":2,"hours":1.0},{"id":11,"name":"Bob Baker","email":null,"events":1,"hours":0},{"id":9,"name":"Zoe Zander","email":null,"events":1,"hours":0}]"#
    );
    assert_eq!(text(&detail["summary_stats"]["total_hours"]), "1.0");
    assert_eq!(detail["virtual_events"][0]["volunteer_count"], 2);
}

#[test]
fn only_sessions_that_took_or_take_place_count() {
    for (kind, status, expected) in [
        ("VIRTUAL_SESSION", "COMPLETED", 1),
        ("VIRTUAL_SESSION", "CONFIRMED", 1),
        ("VIRTUAL_SESSION", "SIMULCAST", 1),
        ("VIRTUAL_SESSION", "CANCELLED", 0),
        ("VIRTUAL_SESSION", "NO_SHOW", 0),
        ("CAREER_FAIR", "COMPLETED", 0),
    ] {
        let detail = World::with_organization()
            .volunteer(10, "Ann", "Able")
            .event(1, Some(kind), status, "2025-11-05 14:15:00")
            .linked(1, 10)
            .detail();
        assert_eq!(detail["summary_stats"]["total_sessions"], expected, "{kind} {status}");
        assert_eq!(detail["summary_stats"]["total_volunteers"], expected, "{kind} {status}");
    }
}

#[test]
fn classrooms_repeat_for_every_volunteer_and_people_of_one_name_are_one() {
    let mut world = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .volunteer(11, "Ann", "Able")
        .session(1)
        .linked(1, 11)
        .linked(1, 10)
        .teacher(21, "Tom", "Teacher", None)
        .teacher(20, "Tea", "Cher", Some("S1"))
        .teacher(22, "Not", "There", Some("S1"))
        .registered(1, 21, "simulcast")
        .registered(1, 20, "attended")
        .registered(1, 22, "Attended");
    world.0.schools.push(School { id: "S1".into(), name: "North".into(), district: Some(5), level: None });
    world.0.districts.push(District { id: 5, salesforce_id: None, name: "Old Town".into(), code: None });
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
    assert_eq!(text(&detail["virtual_events"]), text(&expected));
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
        let mut world = World::with_organization()
            .volunteer(10, "Ann", "Able")
            .session(1)
            .linked(1, 10)
            .teacher(20, "Tea", "Cher", None)
            .teacher(21, "Tom", "Teacher", None);
        for &(teacher, exclude) in teachers {
            world = world.registered(1, teacher, "attended");
            // Teacher 99 does not exist.
            if teacher != 99 {
                world = world.excluded(teacher, exclude);
            }
        }
        let detail = world.detail();
        assert_eq!(detail["summary_stats"]["total_virtual_sessions"], listed, "{teachers:?}");
        assert_eq!(field(&detail["volunteers_data"], "events"), [1], "{teachers:?}");
    }
}

#[test]
fn midnight_is_shown_as_no_time_and_fractions_only_in_the_sort_key() {
    for (start, time, date_sort) in [
        ("2025-11-05 00:00:00.000000", "—", "2025-11-05T00:00:00"),
        ("2025-11-05 00:00:59.000000", "—", "2025-11-05T00:00:59"),
        ("2025-11-05 00:01:00.000000", "12:01 AM", "2025-11-05T00:01:00"),
        ("2025-11-05 12:00:00.250000", "12:00 PM", "2025-11-05T12:00:00.250000"),
    ] {
        let mut world = World::with_organization().volunteer(10, "Ann", "Able").session(1).linked(1, 10);
        world.0.events[0].start = Stored::read(start);
        let detail = world.detail();
        let session = &detail["virtual_events"][0];
        assert_eq!((&session["time"], &session["date_sort"]), (&json!(time), &json!(date_sort)));
    }
}
