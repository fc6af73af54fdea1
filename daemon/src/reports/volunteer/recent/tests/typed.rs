//! Typed rows.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;

use super::{career_fairs, column, payload};
use crate::reports::volunteer::recent::Recent;
use crate::reports::volunteer::testing::{World, year_key};
use crate::reports::{Mode, Payload};
use crate::vms::enums::EVENT_TYPES;

#[test]
fn exact_typed_rows_are_zeroed_and_share_one_payload() {
    let world = World::default()
        .person(1, "bob Baker")
        .began("2025-12-02")
        .person(2, "Ann Able")
        .began("2025-12-01")
        .event(1, "CAREER_FAIR", "2026-01-01")
        .part(1, 1, "Attended", Some(2.0));
    let zero = |id: i64, name: &str, date: &str| {
        format!(
            concat!(
                r#"{{"id":{},"name":"{}","first_volunteer_date":"{}","organization":"Independent","#,
                r#""title":null,"events":[],"total_events":0,"total_hours":0}}"#
            ),
            id, name, date
        )
    };
    let expected = format!(
        r#"{{"active_volunteers":[],"first_time_in_range":[{},{}]}}"#,
        zero(2, "Ann Able", "2025-12-01"),
        zero(1, "bob Baker", "2025-12-02")
    );
    for event_types in EVENT_TYPES {
        assert_eq!(world.text(&Recent, Mode::Exact, &year_key("2526", event_types)), expected);
    }
    let groups = world.groups(&Recent, Mode::Exact);
    let addresses = groups.iter().map(|group| match group.entries[0].payload.as_slice() {
        [Payload::Json(value)] => Arc::as_ptr(value).cast::<()>(),
        _ => panic!("one JSON column"),
    });
    let windows = groups.len() / (1 + EVENT_TYPES.len());
    assert_eq!(addresses.collect::<HashSet<_>>().len(), 2 * windows, "a base payload and a shared one");
}

#[test]
fn a_fixed_typed_row_reads_as_vms_derives_it() {
    let world = World::default()
        .person(1, "Ann Able")
        .began("2025-12-02")
        .event(2, "CAREER_FAIR", "2026-01-02")
        .event(1, "CAREER_FAIR", "2026-01-01")
        .event(3, "DIA", "2026-01-03")
        .part(1, 3, "Attended", Some(4.0))
        .part(1, 2, "Attended", Some(0.5))
        .part(1, 1, "Simulcast", None);
    assert_eq!(
        world.text(&Recent, Mode::Fixed, &year_key("2526", "career_fair")),
        concat!(
            r#"{"active_volunteers":[{"id":1,"name":"Ann Able","email":null,"organization":"Independent","#,
            r#""events":[{"id":1,"title":"Event 1","date":"2026-01-01T00:00:00","type":"career_fair","#,
            r#""hours":0.0},{"id":2,"title":"Event 2","date":"2026-01-02T00:00:00","type":"career_fair","#,
            r#""hours":0.5}],"event_count":2,"total_hours":0.5,"last_event_date":"2026-01-02T00:00:00","#,
            r#""last_event_type":"career_fair","events_display":"Event 1; Event 2"}],"#,
            r#""first_time_in_range":[{"id":1,"name":"Ann Able","first_volunteer_date":"2025-12-02","#,
            r#""organization":"Independent","title":null,"events":[],"total_events":0,"total_hours":0}]}"#
        )
    );
    assert_eq!(
        payload(&world, Mode::Fixed, &year_key("2526", "bfi"))["active_volunteers"],
        json!([]),
        "a type without participations has a row all the same"
    );
    let base = year_key("2526", "ALL");
    assert_eq!(world.text(&Recent, Mode::Fixed, &base), world.text(&Recent, Mode::Exact, &base));
}

#[test]
fn fixed_typed_rows_are_alphabetical_and_leave_out_what_has_no_declared_type() {
    let world = World::default()
        .person(1, "bob Baker")
        .person(2, "Ann Able")
        .person(3, "BOB Baker")
        .person(4, "No Type")
        .event(1, "CAREER_FAIR", "2026-01-01")
        .event(2, "", "2026-01-02")
        .event(3, "PICNIC", "2026-01-03");
    let world = (1..=3).fold(world, |world, person| world.part(person, 1, "Attended", None));
    let world = world.part(3, 3, "Attended", None).part(4, 2, "Attended", None);
    // Person 3 took part in a later event, a picnic, and so comes first among equal names.
    assert_eq!(column(&career_fairs(&world), "id"), json!([2, 3, 1]));
    let typed: usize = EVENT_TYPES
        .iter()
        .map(|kind| payload(&world, Mode::Fixed, &year_key("2526", kind))["active_volunteers"].clone())
        .map(|list| list.as_array().unwrap().len())
        .sum();
    assert_eq!(typed, 3);
}

#[test]
fn more_than_five_titles_end_in_an_ellipsis() {
    let titles = |count: i64, title: fn(i64) -> Option<&'static str>| {
        let mut world = World::default().person(1, "Ann Able");
        for event in 1..=count {
            world = world.event(event, "CAREER_FAIR", "2026-01-01").part(1, event, "Attended", None);
            world.last_event().title = title(event).map(Into::into);
        }
        career_fairs(&world)[0]["events_display"].clone()
    };
    let letters =
        |event| ["a", "b", "c", "d", "e", "f", "g"].get(usize::try_from(event).unwrap() - 1).copied();
    assert_eq!(titles(5, letters), "a; b; c; d; e");
    assert_eq!(titles(6, letters), "a; b; c; d; e …");
    assert_eq!(titles(7, letters), "a; b; c; d; e …");
    assert_eq!(titles(9, |event| ["b", "a", "b"].get(usize::try_from(event).unwrap() % 3).copied()), "a; b");
    assert_eq!(titles(2, |event| (event == 1).then_some("")), "");
}

#[test]
fn typed_hours_are_rounded_from_the_exact_binary_sum() {
    for (hours, expected) in [
        (vec![0.25], "0.2"),
        (vec![0.75], "0.8"),
        (vec![0.125, 0.125], "0.2"),
        // Added one by one the sum is 0.15000000000000002; as a single number it is 0.15, which is below the
        // edge.
        (vec![0.05, 0.05, 0.05], "0.2"),
        (vec![0.15], "0.1"),
        (vec![], "0.0"),
    ] {
        let mut world = World::default().person(1, "Ann Able").event(1, "CAREER_FAIR", "2026-01-01");
        world = world.part(1, 1, "Attended", None);
        for hours in &hours {
            world = world.part(1, 1, "Attended", Some(*hours));
        }
        assert_eq!(career_fairs(&world)[0]["total_hours"].to_string(), expected, "{hours:?}");
    }
}
