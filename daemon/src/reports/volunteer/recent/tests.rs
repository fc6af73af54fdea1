//! Rules of the recent volunteers report that are easy to get wrong.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Recent, TABLE};
use crate::reports::testing::{World, column, event, key};
use crate::reports::{Mode, Payload};
use crate::vms::enums::EVENT_TYPES;
use crate::vms::tables::Key;

/// Returns the key of a row of a school year.
fn year_key(year: &str, event_types: &str) -> Key {
    key(&[year, "", "", event_types, ""])
}

/// Returns the key of a row of a span of days.
fn days_key(from: &str, to: &str, event_types: &str) -> Key {
    key(&["", from, to, event_types, ""])
}

fn payload(world: &World, mode: Mode, key: &Key) -> Value {
    let [report] = world.columns(&Recent, mode, key);
    report
}

/// Returns the base row of the year 2526.
fn base(world: &World) -> Value {
    payload(world, Mode::Exact, &year_key("2526", "ALL"))
}

/// Returns the volunteers active at career fairs in the year 2526, in fixed mode.
fn career_fairs(world: &World) -> Value {
    payload(world, Mode::Fixed, &year_key("2526", "career_fair"))["active_volunteers"].take()
}

#[test]
fn every_window_has_a_base_row_and_34_typed_rows() {
    let world =
        World::default().has_row(TABLE, year_key("2122", "ALL")).has_row(TABLE, year_key("2930", "ALL"));
    let expected: Vec<Key> = [
        days_key("2025-03-15", "2026-03-15", ""),
        days_key("2025-03-16", "2026-03-16", ""),
        year_key("2122", ""),
        year_key("2425", ""),
        year_key("2526", ""),
    ]
    .into_iter()
    .flat_map(|key| {
        ["ALL"].into_iter().chain(EVENT_TYPES).map(move |event_types| {
            let mut key = key.clone();
            key.0[3] = event_types.into();
            key
        })
    })
    .collect();
    for mode in [Mode::Exact, Mode::Fixed] {
        assert_eq!(world.keys(&Recent), expected);
        let built = world.groups(&Recent, mode).into_iter().map(|group| {
            let [entry] = group.entries.as_slice() else { panic!("one entry in a group") };
            entry.key.clone()
        });
        assert_eq!(built.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn only_outdated_default_windows_are_removed() {
    let with_title = {
        let mut key = days_key("2025-03-07", "2026-03-07", "ALL");
        key.0[4] = "fair".into();
        key
    };
    let world = [
        days_key("2025-03-07", "2026-03-07", "ALL"),
        days_key("2025-03-07", "2026-03-07", "ALL"),
        days_key("2025-03-07", "2026-03-07", "dia,fafsa"),
        days_key("2025-03-08", "2026-03-08", "ALL"),
        days_key("2025-03-06", "2026-03-07", "ALL"),
        days_key("junk", "2026-03-07", "ALL"),
        year_key("2122", "ALL"),
        with_title,
    ]
    .into_iter()
    .fold(World::default(), |world, key| world.has_row(TABLE, key));
    assert_eq!(
        world.retired(&Recent),
        [days_key("2025-03-07", "2026-03-07", "ALL"), days_key("2025-03-07", "2026-03-07", "dia,fafsa")]
    );
}

#[test]
fn the_base_row_equals_the_one_that_vms_writes() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-12-02")
        .works_for(1, "Acme")
        .event(event(1, "VIRTUAL_SESSION", "2025-11-21 10:00:00.000000"))
        .event(event(2, "CAREER_FAIR", "2025-11-20 10:00:00.500000"))
        .took_part(1, 1, "Attended", Some(2.0))
        .took_part(2, 1, "Simulcast", None)
        .took_part(2, 1, "No Show", Some(1.0));
    assert_eq!(
        payload(&world, Mode::Exact, &year_key("2526", "ALL")).to_string(),
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
fn only_attended_or_simulcast_participations_make_a_volunteer_active() {
    let mut world = World::default()
        .volunteer(1, "In", "Attended")
        .volunteer(2, "In", "Simulcast")
        .volunteer(3, "Out", "Status")
        .volunteer(4, "Out", "Excluded")
        .excluded(4, Some(true))
        .volunteer(5, "Out", "Unknown")
        .excluded(5, None)
        .volunteer(6, "Out", "Cancelled")
        .volunteer(7, "Out", "July")
        .volunteer(8, "In", "Midnight")
        .event(event(1, None, "2026-01-01"))
        .event(event(2, "DIA", "2026-07-31 00:00:00.000001"))
        .event(event(3, "DIA", "2026-07-31 00:00:00.000000"))
        .event(event(4, "DIA", "2026-01-01"));
    world.events.last_mut().unwrap().status = Some("CANCELLED".into());
    let world = world
        .took_part(1, 1, "Attended", None)
        .took_part(1, 2, "Simulcast", None)
        .took_part(1, 3, "attended", None)
        .took_part(1, 4, "Attended", None)
        .took_part(1, 5, "Attended", None)
        .took_part(4, 6, "Attended", None)
        .took_part(2, 7, "Attended", None)
        .took_part(3, 8, "Attended", None);
    let active = &base(&world)["active_volunteers"];
    assert_eq!(column(active, "id"), json!([8, 1, 2]));
    assert_eq!(column(active, "last_event_type"), json!(["dia", null, null]));
    assert_eq!(column(active, "total_hours").to_string(), "[0.0,0.0,0.0]");
}

#[test]
fn the_last_type_is_the_greatest_name_and_not_that_of_the_last_event() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .event(event(1, "CAREER_SPEAKER", "2026-01-01"))
        .event(event(2, "CAREER_FAIR", "2026-01-02"))
        .took_part(1, 1, "Attended", None)
        .took_part(2, 1, "Attended", None);
    assert_eq!(base(&world)["active_volunteers"][0]["last_event_type"], "career_speaker");
}

#[test]
fn a_person_is_listed_once_per_organization_name_with_figures_multiplied_by_links() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-12-02")
        .works_for(1, "Zeta")
        .works_for(1, "Acme")
        .works_for(1, "Zeta")
        .works_for(1, "")
        .volunteer(2, "Bob", "Baker")
        .began(2, "2025-12-02")
        .event(event(1, "CAREER_FAIR", "2026-01-01"))
        .took_part(1, 1, "Attended", Some(1.5))
        .took_part(1, 2, "Attended", None);
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
fn the_first_and_the_last_day_of_a_window_count_for_first_engagements() {
    let world = World::default()
        .volunteer(1, "Before", "Year")
        .began(1, "2025-07-31")
        .volunteer(2, "First", "Day")
        .began(2, "2025-08-01")
        .volunteer(3, "Last", "Day")
        .began(3, "2026-07-31")
        .volunteer(4, "After", "Year")
        .began(4, "2026-08-01")
        .volunteer(5, "Early", "Window")
        .began(5, "2025-03-14")
        .volunteer(6, "First", "Of-Window")
        .began(6, "2025-03-15")
        .volunteer(7, "Last", "Of-Window")
        .began(7, "2026-03-15")
        .volunteer(8, "After", "Window")
        .began(8, "2026-03-16");
    let ids = |key: Key| column(&payload(&world, Mode::Exact, &key)["first_time_in_range"], "id");
    assert_eq!(ids(year_key("2526", "ALL")), json!([3, 8, 7, 2]));
    assert_eq!(ids(days_key("2025-03-15", "2026-03-15", "ALL")), json!([7, 2, 1, 6]));
}

#[test]
fn an_event_at_the_instant_of_the_run_is_in_the_default_window() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .event(event(1, "DIA", "2026-03-15 02:00:00.000000"))
        .event(event(2, "DIA", "2026-03-15 02:00:00.000001"))
        .event(event(3, "DIA", "2025-03-15 02:00:00.000000"))
        .event(event(4, "DIA", "2025-03-15 01:59:59.999999"));
    let world = (1..=4).fold(world, |world, event| world.took_part(event, 1, "Attended", None));
    let count = |key| payload(&world, Mode::Exact, &key)["active_volunteers"][0]["event_count"].clone();
    assert_eq!(count(days_key("2025-03-15", "2026-03-15", "ALL")), 2);
    // The window ends at the same time of day tomorrow: both events of the 15th are in, both of a year before
    // are out.
    assert_eq!(count(days_key("2025-03-16", "2026-03-16", "ALL")), 2);
}

#[test]
fn equal_dates_are_ordered_by_id() {
    let world = World::default()
        .volunteer(1, "Zed", "Old")
        .began(1, "2025-09-01")
        .volunteer(2, "Bob", "New")
        .began(2, "2025-09-02")
        .volunteer(3, "Ann", "New")
        .began(3, "2025-09-02")
        .event(event(1, "DIA", "2025-09-01"))
        .event(event(2, "DIA", "2025-09-02"));
    let world = world
        .took_part(2, 3, "Attended", None)
        .took_part(2, 2, "Attended", None)
        .took_part(1, 1, "Attended", None);
    let base = base(&world);
    assert_eq!(column(&base["active_volunteers"], "id"), json!([2, 3, 1]));
    assert_eq!(column(&base["first_time_in_range"], "id"), json!([2, 3, 1]));
}

#[test]
fn hours_are_added_by_event_over_a_lifetime_and_by_start_in_a_window() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-09-01")
        .event(event(1, "DIA", "2025-09-01"))
        .event(event(2, "DIA", "2025-09-03"))
        .event(event(3, "DIA", "2025-09-02"))
        .event(event(4, "DIA", "2025-09-04"));
    let hours = [(1, 0.1), (2, 0.3), (4, 0.6), (3, 0.7)];
    let world =
        hours.into_iter().fold(world, |world, (event, h)| world.took_part(event, 1, "Attended", Some(h)));
    let base = base(&world);
    // Added by id the sum would be 1.7.
    assert_eq!(base["first_time_in_range"][0]["total_hours"].to_string(), "1.7000000000000002");
    assert_eq!(base["active_volunteers"][0]["total_hours"].to_string(), "1.6999999999999997");
}

#[test]
fn exact_typed_rows_are_zeroed_and_share_one_payload() {
    let world = World::default()
        .volunteer(1, "bob", "Baker")
        .began(1, "2025-12-02")
        .volunteer(2, "Ann", "Able")
        .began(2, "2025-12-01")
        .event(event(1, "CAREER_FAIR", "2026-01-01"))
        .took_part(1, 1, "Attended", Some(2.0));
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
        assert_eq!(payload(&world, Mode::Exact, &year_key("2526", event_types)).to_string(), expected);
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
fn a_fixed_typed_row_equals_vmss_derivation() {
    let world = World::default()
        .volunteer(1, "Ann", "Able")
        .began(1, "2025-12-02")
        .event(event(2, "CAREER_FAIR", "2026-01-02"))
        .event(event(1, "CAREER_FAIR", "2026-01-01"))
        .event(event(3, "DIA", "2026-01-03"))
        .took_part(3, 1, "Attended", Some(4.0))
        .took_part(2, 1, "Attended", Some(0.5))
        .took_part(1, 1, "Simulcast", None);
    assert_eq!(
        payload(&world, Mode::Fixed, &year_key("2526", "career_fair")).to_string(),
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
        "a type without participations still has a row"
    );
    let base = year_key("2526", "ALL");
    assert_eq!(
        payload(&world, Mode::Fixed, &base).to_string(),
        payload(&world, Mode::Exact, &base).to_string()
    );
}

#[test]
fn fixed_typed_rows_are_alphabetical_and_omit_participations_without_a_declared_type() {
    let world = World::default()
        .volunteer(1, "bob", "Baker")
        .volunteer(2, "Ann", "Able")
        .volunteer(3, "BOB", "Baker")
        .volunteer(4, "No", "Type")
        .event(event(1, "CAREER_FAIR", "2026-01-01"))
        .event(event(2, None, "2026-01-02"))
        .event(event(3, "PICNIC", "2026-01-03"));
    let world = (1..=3).fold(world, |world, person| world.took_part(1, person, "Attended", None));
    let world = world.took_part(3, 3, "Attended", None).took_part(2, 4, "Attended", None);
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
        let mut world = World::default().volunteer(1, "Ann", "Able");
        for id in 1..=count {
            world = world.event(event(id, "CAREER_FAIR", "2026-01-01")).took_part(id, 1, "Attended", None);
            world.events.last_mut().unwrap().title = title(id).map(Into::into);
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
        let mut world =
            World::default().volunteer(1, "Ann", "Able").event(event(1, "CAREER_FAIR", "2026-01-01"));
        world = world.took_part(1, 1, "Attended", None);
        for hours in &hours {
            world = world.took_part(1, 1, "Attended", Some(*hours));
        }
        assert_eq!(career_fairs(&world)[0]["total_hours"].to_string(), expected, "{hours:?}");
    }
}
