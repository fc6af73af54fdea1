use serde_json::json;

use super::super::super::testing::{World, text};
use super::{FAIR, field};
use crate::snapshot::AttendanceDetail;

#[test]
fn an_in_person_event_in_full() {
    let mut world = World::with_organization()
        .volunteer(10, "Bob", "Baker")
        .volunteer(11, "Ann", "Able")
        .career_fair(1, "COMPLETED")
        .took_part(1, 10, "Attended", Some(2.5))
        .took_part(1, 11, "Completed", Some(1.125));
    world.0.attendance_details.push(AttendanceDetail {
        event: 1,
        total_students: Some(100),
        classrooms: Some(3),
        rotations: Some(2),
    });
    assert_eq!(
        text(&world.detail()["in_person_events"]),
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
        let mut world = World::with_organization()
            .volunteer(10, "Ann", "Able")
            .career_fair(1, "COMPLETED")
            .took_part(1, 10, "Attended", Some(1.0));
        world.0.events[0].participant_count = Some(7);
        world.0.attendance_details.push(AttendanceDetail {
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
fn which_participations_are_rows_of_an_in_person_event() {
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
        let detail = World::with_organization()
            .volunteer(10, "Ann", "Able")
            .event(1, kind, event_status, "2025-10-01 09:30:00")
            .took_part(1, 10, status, hours)
            .detail();
        let found = detail["in_person_events"].get(0).map(|event| text(&event["hours"]));
        assert_eq!(found.as_deref(), expected, "{kind:?} {event_status} {status} {hours:?}");
    }
}

#[test]
fn repeated_participations_count_once_for_the_event_but_not_for_the_volunteer() {
    let detail = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .career_fair(1, "CONFIRMED")
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
    let mut world = World::with_organization()
        .volunteer(10, "Ann", "Young")
        .volunteer(11, "Bob", "Able")
        .event(1, FAIR, "COMPLETED", "2025-12-01 09:00:00")
        .career_fair(2, "COMPLETED")
        .career_fair(3, "COMPLETED")
        .career_fair(4, "COMPLETED")
        .took_part(1, 10, "Attended", Some(1.0))
        .took_part(2, 10, "Attended", Some(1.0))
        .took_part(3, 11, "Attended", Some(1.0))
        .took_part(4, 10, "Attended", Some(1.0));
    // Events 2 and 3 are distinguished by their volunteers; 4 sorts first by bytes ("A" before "a").
    for (event, title) in [(2, "a"), (3, "a"), (4, "A")] {
        world.0.events.iter_mut().find(|row| row.id == event).unwrap().title = Some(title.into());
    }
    assert_eq!(field(&world.detail()["in_person_events"], "id"), [4, 3, 2, 1]);
}
