//! Rules of the first-time volunteer report that are easy to get wrong.

use serde_json::{Value, json};

use super::FirstTime;
use crate::reports::Mode;
use crate::reports::testing::{World, column, event, key};
use crate::vms::tables::{Key, Table};

fn year(world: &World, year: &str) -> Value {
    let [report] = world.columns(&FirstTime, Mode::Exact, &key(&[year]));
    report
}

fn text(world: &World) -> String {
    year(world, "2526").to_string()
}

#[test]
fn years_are_previous_current_and_those_with_rows() {
    let table = Table::FirstTimeVolunteerReportCache;
    let world = ["1920", "3031", "all", "2526"]
        .into_iter()
        .fold(World::default(), |world, key| world.has_row(table, Key(vec![key.into()])));
    let expected = ["1920", "2425", "2526"].map(|year| Key(vec![year.into()]));
    assert_eq!(world.keys(&FirstTime), expected);
    assert_eq!(world.built(&FirstTime), expected);
}

#[test]
fn a_row_equals_the_one_that_vms_writes() {
    let mut world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-09-01")
        .works_for(1, "Acme")
        .event(event(1, "CAREER_FAIR", "2025-10-01 09:30:00.000000"));
    world.events.last_mut().unwrap().district_partner = Some("KCKPS".into());
    world.contacts[0].salesforce_individual_id = Some("003A".into());
    world.contacts[0].salesforce_account_id = Some("".into());
    world.volunteers[0].title = Some("Engineer".into());
    let world = world.took_part(1, 1, "Attended", Some(2.5));
    assert_eq!(
        text(&world),
        concat!(
            r#"{"volunteers":[{"id":1,"name":"Ann Able","first_volunteer_date":"September 01, 2025","#,
            r#""total_events":1,"total_hours":2.5,"organization":"Acme","title":"Engineer","#,
            r#""events":[{"title":"Event 1","date":"Oct 01, 2025","type":"career_fair","hours":2.5,"#,
            r#""district":"KCKPS"}],"salesforce_contact_url":"#,
            r#""https://prep-kc.lightning.force.com/lightning/r/Contact/003A/view","#,
            r#""salesforce_account_url":null}],"total_first_time_volunteers":1,"#,
            r#""total_events_by_first_timers":1,"total_hours_by_first_timers":2.5}"#
        )
    );
}

#[test]
fn a_year_without_volunteers_has_integer_zeros() {
    assert_eq!(
        text(&World::default()),
        concat!(
            r#"{"volunteers":[],"total_first_time_volunteers":0,"#,
            r#""total_events_by_first_timers":0,"total_hours_by_first_timers":0}"#
        )
    );
}

#[test]
fn a_volunteer_with_only_no_shows_is_not_listed() {
    let world = World::default()
        .volunteer(1, "Did", "Nothing")
        .began(1, "2025-09-01")
        .volunteer(2, "Only", "Noshow")
        .began(2, "2025-09-01")
        .volunteer(3, "Only", "Simulcast")
        .began(3, "2025-09-01")
        .volunteer(4, "Once", "Attended")
        .began(4, "2025-09-01")
        .excluded(4, Some(true))
        .event(event(1, "DIA", "2025-10-01"))
        .took_part(1, 2, "No Show", Some(1.0))
        .took_part(1, 3, "Simulcast", Some(1.0))
        .took_part(1, 4, "No Show", Some(1.0))
        .took_part(1, 4, "Successfully Completed", Some(2.0));
    let report = year(&world, "2526");
    assert_eq!(column(&report["volunteers"], "id"), json!([1, 4]));
    assert_eq!(column(&report["volunteers"], "total_events"), json!([0, 1]));
    assert_eq!(column(&report["volunteers"], "total_hours").to_string(), "[0.0,2.0]");
}

#[test]
fn figures_cover_a_lifetime_but_events_only_the_year() {
    let mut world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-08-01")
        .event(event(1, None, "2025-10-02"))
        .event(event(2, "DIA", "2024-10-01"))
        .event(event(3, "DIA", "2025-10-01"));
    world = world.event(event(4, "DIA", "2025-10-01"));
    world.events.last_mut().unwrap().status = Some("DRAFT".into());
    let world = (1..=4).fold(world, |world, event| world.took_part(event, 1, "Completed", None));
    let report = year(&world, "2526");
    let ann = &report["volunteers"][0];
    assert_eq!((&ann["total_events"], ann["total_hours"].to_string()), (&json!(4), "0.0".to_owned()));
    assert_eq!(column(&ann["events"], "title"), json!(["Event 3", "Event 1"]));
    assert_eq!(column(&ann["events"], "type"), json!(["dia", "Unknown"]));
    assert_eq!(column(&ann["events"], "district"), json!(["N/A", "N/A"]));
    assert_eq!(column(&ann["events"], "hours").to_string(), "[0,0]");
    assert_eq!(ann["title"], "No title listed");
    assert_eq!(report["total_hours_by_first_timers"].to_string(), "0.0");
}

#[test]
fn equal_participations_are_one_event_but_are_counted_separately() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-09-01")
        .event(event(1, "DIA", "2025-10-01"))
        .took_part(1, 1, "Attended", None)
        .took_part(1, 1, "Attended", None)
        .took_part(1, 1, "Attended", Some(1.0))
        .took_part(1, 1, "Completed", None);
    let ann = &year(&world, "2526")["volunteers"][0];
    assert_eq!(ann["total_events"], 4);
    assert_eq!(column(&ann["events"], "hours").to_string(), "[0,1.0,0]");
}

#[test]
fn hours_are_added_by_event_then_status_then_hours() {
    let total = |parts: &[(i64, &str, f64)]| {
        let world = (1..=6)
            .fold(World::default().volunteer(1, "Ann", "Able").began(1, "2025-09-01"), |world, id| {
                world.event(event(id, "DIA", "2025-10-01"))
            });
        let world =
            parts.iter().fold(world, |world, &(event, status, h)| world.took_part(event, 1, status, Some(h)));
        year(&world, "2526")["volunteers"][0]["total_hours"].clone()
    };
    // At the edge of rounding: 7.355 in the order of the ids, a little less in that of the events.
    let by_id = [2.0, 3.625, 0.375, 0.2, 1.005, 0.15];
    let event = [2, 5, 1, 6, 3, 4];
    let parts: Vec<_> = event.into_iter().zip(by_id).map(|(event, h)| (event, "Attended", h)).collect();
    assert_eq!(total(&parts), json!(7.35));
    // Within one event the later status comes last, and before that the fewer hours first.
    let status = ["Attended", "Attended", "Attended", "Attended", "Completed", "Attended"];
    let one_event: Vec<_> = status.into_iter().zip(by_id).map(|(status, h)| (1, status, h)).collect();
    assert_eq!(total(&one_event), json!(7.35));
}

#[test]
fn totals_go_over_rows_and_add_unrounded_hours() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-09-01")
        .works_for(1, "Acme")
        .works_for(1, "Beta")
        .works_for(1, "Beta")
        .event(event(1, "DIA", "2025-10-01"))
        .took_part(1, 1, "Attended", Some(0.0156));
    let report = year(&world, "2526");
    let rows = &report["volunteers"];
    assert_eq!(column(rows, "organization"), json!(["Acme", "Beta"]));
    assert_eq!(column(rows, "total_events"), json!([1, 2]));
    // The sum is 0.0468; the sum of the rounded rows would be 0.05, which rounds up.
    assert_eq!(column(rows, "total_hours"), json!([0.02, 0.03]));
    assert_eq!(report["total_first_time_volunteers"], 2);
    assert_eq!(report["total_events_by_first_timers"], 3);
    assert_eq!(report["total_hours_by_first_timers"], 0.0);
}

#[test]
fn the_newest_volunteers_come_first_and_ties_are_ordered_by_id() {
    let world = World::default()
        .volunteer(1, "Zed", "Old")
        .began(1, "2025-08-01")
        .volunteer(2, "Bob", "New")
        .began(2, "2026-07-31")
        .volunteer(3, "Ann", "New")
        .began(3, "2026-07-31")
        .volunteer(4, "Not", "Yet")
        .began(4, "2026-08-01")
        .volunteer(5, "Long", "Ago")
        .began(5, "2025-07-31");
    assert_eq!(column(&year(&world, "2526")["volunteers"], "id"), json!([2, 3, 1]));
    assert_eq!(column(&year(&world, "2425")["volunteers"], "id"), json!([5]));
}
