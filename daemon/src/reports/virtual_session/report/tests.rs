//! Rules of the year's report that are easy to get wrong.

use std::sync::Arc;

use serde_json::{Value, json};

use super::rows::rows;
use super::{VirtualSessions, withheld};
use crate::reports::Mode;
use crate::reports::testing::{World, classroom_day, key};
use crate::reports::virtual_session::index::Index;
use crate::reports::virtual_session::sessions::{self, Session};
use crate::reports::year::{VirtualYear, Year};
use crate::snapshot::User;

/// Returns the sessions of the year.
fn sessions(world: &World) -> Vec<Arc<Session<'_>>> {
    sessions::sessions(&Index::new(world), VirtualYear::from_key("2025-2026").unwrap())
}

/// Returns `session_data`, `district_summaries`, `overall_summary` and `filter_options` of the year.
fn report(world: &World) -> [Value; 4] {
    world.columns(&VirtualSessions, Mode::Fixed, &key(&["2025-2026", "2025-08-01", "2026-07-31"]))
}

#[test]
fn a_year_is_one_group_of_one_entry() {
    let world = classroom_day();
    let built = world.built(&VirtualSessions);
    assert_eq!(built, world.keys(&VirtualSessions));
    assert_eq!(
        built.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["2024-2025|2024-08-01|2025-07-31", "2025-2026|2025-08-01|2026-07-31"]
    );
    let empty: [Value; 4] = world.columns(&VirtualSessions, Mode::Fixed, &built[0]);
    assert_eq!(empty[..2], [json!([]), json!({})]);
}

#[test]
fn the_filter_options_include_the_values_of_the_rows_and_the_places_of_sessions() {
    let world = classroom_day();
    let [.., options] = report(&world);
    assert_eq!(options["school_years"][0], "2027-2028");
    assert_eq!(options["career_clusters"], json!(["Tech"]));
    assert_eq!(options["schools"], json!(["Lone High", "Ruskin High"]));
    assert_eq!(options["districts"], json!(["Grandview", "Partner", "Ten"]));
    assert_eq!(options["statuses"], json!(["Completed", "Draft"]));
}

#[test]
fn limited_accounts_that_may_log_in_withhold_the_report() {
    for (accounts, expected) in [
        (&[][..], None),
        (&[(Some("global"), Some(true))], None),
        (&[(Some("district"), Some(false))], None),
        (&[(Some("global"), Some(true)), (Some("district"), Some(true))], Some("1 active VMS account is")),
        (&[(None, Some(true)), (Some("school"), None)], Some("2 active VMS accounts are")),
    ] {
        let users = (1..).zip(accounts).map(|(id, &(scope, active))| User {
            id,
            scope: scope.map(Into::into),
            active,
        });
        let mut world = World::default();
        world.users = users.collect();
        let reason = withheld(world.cx(Mode::Fixed));
        assert_eq!(reason.is_some(), expected.is_some(), "{accounts:?}");
        assert!(reason.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{accounts:?}");

        assert_eq!(withheld(world.cx(Mode::Exact)), None);
        let world = world.set(|settings| settings.virtual_session_allow_scoped_users = true);
        assert_eq!(withheld(world.cx(Mode::Fixed)), None);
    }
}

#[test]
fn a_session_has_a_row_per_registration_and_at_least_one() {
    let world = classroom_day();
    let sessions = sessions(&world);
    let seen: Vec<_> = rows(&sessions)
        .map(|row| (row.session.event.id, row.teacher_name().to_owned(), row.district()))
        .collect();
    let row = |id, teacher: &str, district| (id, teacher.to_owned(), district);
    assert_eq!(
        seen,
        [
            // Sessions with the same start come by id. The district with the id 10 comes before the one
            // with 2.
            row(4, "Ann Able", "Grandview"),
            row(4, "Bob Baker", "Ten"),
            row(4, "", "Ten"),
            row(5, "", "Partner"),
            row(3, "", "Unknown District"),
            row(2, "Ann Able", "Grandview"),
        ]
    );
}

#[test]
fn a_row_carries_every_key_in_vms_order() {
    let world = classroom_day();
    let [data, ..] = report(&world);
    assert_eq!(
        data[1].to_string(),
        json!({
            "event_id": 4, "source_host": "", "status": "Completed", "date": "11/02/25",
            "time": "01:30 PM", "session_type": "", "teacher_name": "Bob Baker", "teacher_id": 2,
            "school_name": "Lone High", "school_level": null, "district": "Ten",
            "session_title": "Session 4", "presenter": "Val Q Two, Vic One",
            "presenter_organization": "Alpha, Text",
            "presenter_data": [
                {"id": 12, "name": "Val Q Two", "is_people_of_color": null,
                 "organization_name": "0015f00000JU4opAAD", "organizations": ["Alpha"], "is_local": true},
                {"id": 13, "name": "Vic One", "is_people_of_color": true,
                 "organization_name": "Text", "organizations": [], "is_local": false}
            ],
            "topic_theme": "Tech", "session_link": "", "session_id": "", "participant_count": 0,
            "duration": 45, "is_simulcast": null
        })
        .to_string()
    );
    // Without a registration the name is empty, the id is null, and simulcast is false rather than null.
    let alone = &data[3];
    assert_eq!(
        [&alone["teacher_name"], &alone["teacher_id"], &alone["school_level"], &alone["is_simulcast"]],
        [&json!(""), &json!(null), &json!(""), &json!(false)]
    );
}

#[test]
fn a_status_that_vms_does_not_know_is_shown_by_its_name() {
    let mut world = classroom_day();
    world.events[0].status = Some("WHITE_LABEL".into());
    let [data, _, overall, options] = report(&world);
    assert_eq!(data[5]["status"], "WHITE_LABEL");
    assert_eq!(overall["session_count"], 1);
    assert_eq!(options["statuses"], json!(["Completed", "Draft", "WHITE_LABEL"]));
}

#[test]
fn only_completed_sessions_count_but_all_of_their_rows() {
    let world = classroom_day();
    let [_, _, overall, _] = report(&world);
    assert_eq!(
        overall,
        json!({
            "teacher_count": 2, "student_count": 50, "session_count": 2, "experience_count": 4,
            "organization_count": 2, "professional_count": 2, "professional_of_color_count": 1,
            "local_professional_count": 1, "school_count": 2, "local_session_count": 1,
            "poc_session_count": 1, "local_session_percent": 50, "poc_session_percent": 50
        })
    );
}

#[test]
fn only_main_districts_have_figures_and_come_first() {
    let mut world = classroom_day();
    let [_, districts, ..] = report(&world);
    let names = |districts: &Value| districts.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&districts), ["Grandview", "Partner", "Ten"]);
    assert_eq!(districts["Grandview"]["session_count"], 0);

    world.districts[0].name = "Grandview School District".into();
    world.districts[2].name = "A district before it".into();
    let [_, districts, ..] = report(&world);
    assert_eq!(names(&districts), ["Grandview School District", "A district before it", "Partner"]);
    assert_eq!(
        districts["Grandview School District"],
        json!({
            "total_students": 25, "total_experiences": 2, "teacher_count": 1, "school_count": 1,
            "session_count": 2, "organization_count": 2, "professional_count": 2,
            "professional_of_color_count": 1, "local_professional_count": 1, "local_session_count": 1,
            "poc_session_count": 1, "local_session_percent": 50, "poc_session_percent": 50
        })
    );
}

#[test]
fn a_main_district_without_completed_sessions_still_comes_first() {
    let mut world = classroom_day();
    world.events[3].district_partner = Some("Hickman Mills School District".into());
    let [_, districts, ..] = report(&world);
    assert_eq!(districts.as_object().unwrap().keys().next().unwrap(), "Hickman Mills School District");
}
