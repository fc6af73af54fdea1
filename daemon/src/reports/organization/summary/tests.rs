use serde_json::{Value, json};

use super::super::testing::{CURRENT_MEMBER, World, text};

#[test]
fn participations_and_links_are_added_up() {
    let summary = World::with_organization()
        .organization(2, "Beta")
        .volunteer(10, "Ann", "Able")
        .volunteer(11, "Bob", "Baker")
        .member(11, 2, CURRENT_MEMBER, None, None)
        .career_fair(1, "DRAFT")
        .event(2, None, "COMPLETED", "2025-10-02 09:00:00")
        .session(3)
        .took_part(1, 10, "Attended", Some(1.125))
        .took_part(1, 10, "Attended", Some(1.125))
        .took_part(2, 10, "Completed", None)
        .took_part(3, 10, "Attended", Some(1.375))
        .took_part(1, 11, "Registered", Some(8.0))
        .linked(3, 10)
        .linked(3, 11)
        .summary();
    assert_eq!(
        text(&summary),
        r#"[{"name":"Acme","id":1,"unique_sessions":4,"total_hours":3.62,"unique_volunteers":3},{"name":"Beta","id":2,"unique_sessions":1,"total_hours":0,"unique_volunteers":1}]"#
    );
}

#[test]
fn exclusion_and_tenure_do_not_matter() {
    let mut world = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .excluded(10, Some(true))
        .career_fair(1, "COMPLETED")
        .took_part(1, 10, "Attended", Some(1.0));
    world.0.volunteer_organizations[0].start = Some("2026-05-01 00:00:00.000000".into());
    assert_eq!(world.summary()[0]["unique_volunteers"], 1);
}

#[test]
fn half_a_person_is_nobody() {
    let world = || {
        World::with_organization().volunteer(10, "Ann", "Able").career_fair(1, "COMPLETED").took_part(
            1,
            10,
            "Attended",
            Some(1.0),
        )
    };
    let (mut no_contact, mut no_volunteer) = (world(), world());
    no_contact.0.contacts.clear();
    no_volunteer.0.volunteers.clear();
    assert_eq!((no_contact.summary(), no_volunteer.summary()), (json!([]), json!([])));
}

#[test]
fn most_hours_come_first_and_ties_keep_sessions_only_last() {
    let mut world = World::default();
    for id in 1..=5 {
        world = world.organization(id, "Any").volunteer(10 + id, "Ann", "Able");
        world.0.volunteer_organizations.pop();
        world = world.member(10 + id, id, CURRENT_MEMBER, None, None);
    }
    let summary = world
        .career_fair(1, "COMPLETED")
        .session(2)
        .linked(2, 11)
        .took_part(1, 12, "Attended", Some(1.0))
        .took_part(1, 13, "Attended", None)
        .took_part(1, 14, "Attended", Some(2.0))
        .took_part(1, 15, "Attended", Some(1.0))
        .summary();
    let ids: Vec<&Value> = summary.as_array().unwrap().iter().map(|element| &element["id"]).collect();
    assert_eq!(ids, [4, 2, 5, 3, 1]);
}

#[test]
fn hours_are_added_in_the_order_of_participations() {
    // Added by volunteer the sum would be 2.0 + 1.5 + 2.675 + 1.1, just below 7.275.
    let summary = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .volunteer(11, "Bob", "Baker")
        .volunteer(12, "Cid", "Cook")
        .career_fair(1, "COMPLETED")
        .took_part(1, 10, "Attended", Some(2.0))
        .took_part(1, 11, "Attended", Some(2.675))
        .took_part(1, 10, "Attended", Some(1.5))
        .took_part(1, 12, "Attended", Some(1.1))
        .summary();
    assert_eq!(summary[0]["total_hours"], 7.28);
}

#[test]
fn a_year_in_which_nothing_happened_has_a_row() {
    let rows = World::with_organization().rows(&super::Summary);
    assert_eq!(text(&rows["2425"]), r#"{"organizations_data":[]}"#);
}
