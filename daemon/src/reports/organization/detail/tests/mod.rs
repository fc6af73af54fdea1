mod in_person;
mod sessions;

use serde_json::{Value, json};

use super::super::testing::{World, text};

const FAIR: Option<&str> = Some("CAREER_FAIR");

fn field(list: &Value, name: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|element| element[name].clone()).collect()
}

#[test]
fn an_organization_without_volunteers_has_empty_lists_and_zeros() {
    let detail = World::with_organization().detail();
    assert_eq!(
        text(&detail),
        r#"{"organization_name":"Acme","in_person_events":[],"virtual_events":[],"cancelled_events":[],"volunteers_data":[],"summary_stats":{"total_inperson_sessions":0,"total_virtual_sessions":0,"total_sessions":0,"total_hours":0,"total_volunteers":0,"total_cancelled":0,"total_students_reached":0,"total_classrooms_reached":0}}"#
    );
}

#[test]
fn events_outside_a_membership_and_excluded_people_do_not_count() {
    let taking_part = |world: World| {
        world
            .event(1, FAIR, "COMPLETED", "2025-10-01 09:30:00")
            .event(2, FAIR, "COMPLETED", "2026-01-10 09:30:00")
            .took_part(1, 10, "Attended", Some(1.0))
            .took_part(2, 10, "Attended", Some(1.0))
            .detail()
    };
    let mut left = World::with_organization().volunteer(10, "Ann", "Able");
    left.0.volunteer_organizations[0].end = Some("2025-12-31 00:00:00.000000".into());
    assert_eq!(field(&taking_part(left)["in_person_events"], "id"), [1]);

    for exclude in [Some(true), None] {
        let world = World::with_organization().volunteer(10, "Ann", "Able").excluded(10, exclude);
        assert_eq!(taking_part(world)["volunteers_data"], json!([]), "{exclude:?}");
    }
}

#[test]
fn cancelled_events_count_the_members_who_match() {
    let detail = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .volunteer(11, "Bob", "Baker")
        .event(3, None, "COMPLETED", "2025-09-01 09:00:00")
        .career_fair(1, "COMPLETED")
        .career_fair(2, "CANCELLED")
        .took_part(3, 10, "No Show", None)
        .took_part(1, 10, "Attended", Some(1.0))
        .took_part(1, 11, "School Closure", None)
        .took_part(1, 11, "No Show", None)
        .took_part(2, 10, "Attended", Some(1.0))
        .took_part(2, 11, "Registered", None)
        .detail();
    assert_eq!(
        text(&detail["cancelled_events"]),
        text(&json!([
            {"date": "10/01/25", "title": "Event 1", "type": "career_fair", "volunteers": 1,
             "status": "Cancelled/No Show"},
            {"date": "10/01/25", "title": "Event 2", "type": "career_fair", "volunteers": 2,
             "status": "Cancelled/No Show"},
            {"date": "09/01/25", "title": "Event 3", "type": "Unknown", "volunteers": 1,
             "status": "Cancelled/No Show"},
        ]))
    );
    assert_eq!(field(&detail["in_person_events"], "id"), [1, 2]);
}
