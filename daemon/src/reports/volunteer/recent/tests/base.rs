//! Base rows.

use serde_json::json;

use super::{base, career_fairs, column, payload};
use crate::reports::Mode;
use crate::reports::volunteer::recent::Recent;
use crate::reports::volunteer::testing::{World, days_key, year_key};
use crate::vms::tables::Key;

#[test]
fn the_base_row_reads_as_vms_writes_it() {
    let world = World::default()
        .person(1, "Ann Able")
        .began("2025-12-02")
        .works_for("Acme")
        .event(1, "VIRTUAL_SESSION", "2025-11-21 10:00:00.000000")
        .event(2, "CAREER_FAIR", "2025-11-20 10:00:00.500000")
        .part(1, 1, "Attended", Some(2.0))
        .part(1, 2, "Simulcast", None)
        .part(1, 2, "No Show", Some(1.0));
    assert_eq!(
        world.text(&Recent, Mode::Exact, &year_key("2526", "ALL")),
        concat!(
            r#"{"active_volunteers":[{"id":1,"name":"Ann Able","email":null,"organization":"Acme","#,
            r#""event_count":2,"total_hours":2.0,"last_event_date":"2025-11-21T10:00:00","#,
            r#""last_event_type":"virtual_session","events":[]}],"#,
            r#""first_time_in_range":[{"id":1,"name":"Ann Able","first_volunteer_date":"2025-12-02","#,
            r#""total_events":3,"total_hours":3.0,"organization":"Acme","events":[]}]}"#
        )
    );
}

#[test]
fn who_counts_as_active() {
    let mut world = World::default()
        .person(1, "In Attended")
        .person(2, "In Simulcast")
        .person(3, "Out Status")
        .person(4, "Out Excluded")
        .excluded(Some(true))
        .person(5, "Out Unknown")
        .excluded(None)
        .person(6, "Out Cancelled")
        .person(7, "Out July")
        .person(8, "In Midnight")
        .event(1, "", "2026-01-01")
        .event(2, "DIA", "2026-07-31 00:00:00.000001")
        .event(3, "DIA", "2026-07-31 00:00:00.000000")
        .event(4, "DIA", "2026-01-01");
    world.last_event().status = Some("CANCELLED".into());
    let world = world
        .part(1, 1, "Attended", None)
        .part(2, 1, "Simulcast", None)
        .part(3, 1, "attended", None)
        .part(4, 1, "Attended", None)
        .part(5, 1, "Attended", None)
        .part(6, 4, "Attended", None)
        .part(7, 2, "Attended", None)
        .part(8, 3, "Attended", None);
    let active = &base(&world)["active_volunteers"];
    assert_eq!(column(active, "id"), json!([8, 1, 2]));
    assert_eq!(column(active, "last_event_type"), json!(["dia", null, null]));
    assert_eq!(column(active, "total_hours").to_string(), "[0.0,0.0,0.0]");
}

#[test]
fn the_last_type_is_the_greatest_name_and_not_that_of_the_last_event() {
    let world = World::default()
        .person(1, "Ann Able")
        .event(1, "CAREER_SPEAKER", "2026-01-01")
        .event(2, "CAREER_FAIR", "2026-01-02")
        .part(1, 1, "Attended", None)
        .part(1, 2, "Attended", None);
    assert_eq!(base(&world)["active_volunteers"][0]["last_event_type"], "career_speaker");
}

#[test]
fn a_person_is_listed_by_organization_name_and_links_of_one_name_multiply() {
    let world = World::default()
        .person(1, "Ann Able")
        .began("2025-12-02")
        .works_for("Zeta")
        .works_for("Acme")
        .works_for("Zeta")
        .works_for("")
        .person(2, "Bob Baker")
        .began("2025-12-02")
        .event(1, "CAREER_FAIR", "2026-01-01")
        .part(1, 1, "Attended", Some(1.5))
        .part(2, 1, "Attended", None);
    let base = base(&world);
    for (list, count) in [("active_volunteers", "event_count"), ("first_time_in_range", "total_events")] {
        let list = &base[list];
        assert_eq!(
            column(list, "organization"),
            json!(["Independent", "Acme", "Zeta", "Independent"]),
            "{list}"
        );
        assert_eq!(column(list, count), json!([1, 1, 2, 1]));
        assert_eq!(column(list, "total_hours"), json!([1.5, 1.5, 3.0, 0.0]));
    }
    let typed = career_fairs(&world);
    assert_eq!(column(&typed, "organization"), json!(["Independent", "Acme", "Zeta", "Independent"]));
    assert_eq!(column(&typed, "event_count"), json!([1, 1, 2, 1]));
    assert_eq!(column(&typed[2]["events"], "id"), json!([1, 1]));
    assert_eq!(typed[2]["events_display"], "Event 1");
}

#[test]
fn both_days_at_the_ends_of_a_window_count_for_those_who_began() {
    let world = World::default()
        .person(1, "Before Year")
        .began("2025-07-31")
        .person(2, "First Day")
        .began("2025-08-01")
        .person(3, "Last Day")
        .began("2026-07-31")
        .person(4, "After Year")
        .began("2026-08-01")
        .person(5, "Early Window")
        .began("2025-03-14")
        .person(6, "First Of-Window")
        .began("2025-03-15")
        .person(7, "Last Of-Window")
        .began("2026-03-15")
        .person(8, "After Window")
        .began("2026-03-16");
    let ids = |key: Key| column(&payload(&world, Mode::Exact, &key)["first_time_in_range"], "id");
    assert_eq!(ids(year_key("2526", "ALL")), json!([3, 8, 7, 2]));
    assert_eq!(ids(days_key("2025-03-15", "2026-03-15", "ALL")), json!([7, 2, 1, 6]));
}

#[test]
fn an_event_at_the_instant_of_the_run_is_in_the_default_window() {
    let world = World::default()
        .person(1, "Ann Able")
        .event(1, "DIA", "2026-03-15 02:00:00.000000")
        .event(2, "DIA", "2026-03-15 02:00:00.000001")
        .event(3, "DIA", "2025-03-15 02:00:00.000000")
        .event(4, "DIA", "2025-03-15 01:59:59.999999");
    let world = (1..=4).fold(world, |world, event| world.part(1, event, "Attended", None));
    let count = |key| payload(&world, Mode::Exact, &key)["active_volunteers"][0]["event_count"].clone();
    assert_eq!(count(days_key("2025-03-15", "2026-03-15", "ALL")), 2);
    // The window ends at the same time of day tomorrow: both events of the 15th are in, both of a year before
    // are out.
    assert_eq!(count(days_key("2025-03-16", "2026-03-16", "ALL")), 2);
}

#[test]
fn equal_dates_are_ordered_by_id() {
    let world = World::default()
        .person(1, "Zed Old")
        .began("2025-09-01")
        .person(2, "Bob New")
        .began("2025-09-02")
        .person(3, "Ann New")
        .began("2025-09-02")
        .event(1, "DIA", "2025-09-01")
        .event(2, "DIA", "2025-09-02");
    let world = world.part(3, 2, "Attended", None).part(2, 2, "Attended", None).part(1, 1, "Attended", None);
    let base = base(&world);
    assert_eq!(column(&base["active_volunteers"], "id"), json!([2, 3, 1]));
    assert_eq!(column(&base["first_time_in_range"], "id"), json!([2, 3, 1]));
}

#[test]
fn hours_are_added_by_event_over_a_lifetime_and_by_start_in_a_window() {
    let world = World::default()
        .person(1, "Ann Able")
        .began("2025-09-01")
        .event(1, "DIA", "2025-09-01")
        .event(2, "DIA", "2025-09-03")
        .event(3, "DIA", "2025-09-02")
        .event(4, "DIA", "2025-09-04");
    let hours = [(1, 0.1), (2, 0.3), (4, 0.6), (3, 0.7)];
    let world = hours.into_iter().fold(world, |world, (event, h)| world.part(1, event, "Attended", Some(h)));
    let base = base(&world);
    // Added by id the sum would be 1.7.
    assert_eq!(base["first_time_in_range"][0]["total_hours"].to_string(), "1.7000000000000002");
    assert_eq!(base["active_volunteers"][0]["total_hours"].to_string(), "1.6999999999999997");
}
