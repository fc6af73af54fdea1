//! Rules of the DIA report that are easy to get wrong.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Dia;
use crate::reports::testing::{World, now, planned};
use crate::reports::{Context, Mode, Report};
use crate::snapshot::Event;
use crate::vms::tables::Key;
use crate::vms::time::Stored;

const SOON: &str = "2026-03-20 09:00:00.000000";

fn wanted(id: i64, kind: &str, start: &str) -> Event {
    Event { volunteers_needed: Some(1), ..planned(id, Some(kind), start) }
}

fn payload(world: &World) -> Value {
    let [report] = world.columns(&Dia, Mode::Fixed, &Key(vec![]));
    report
}

fn listed(world: &World) -> Vec<i64> {
    let payload = payload(world);
    payload["unfilled_events"].as_array().unwrap().iter().map(|e| e["id"].as_i64().unwrap()).collect()
}

#[test]
fn the_table_has_one_row_even_without_upcoming_events() {
    let world = World::default();
    assert_eq!(world.keys(&Dia), [Key(vec![])]);
    assert_eq!(
        serde_json::to_string(&payload(&world)).unwrap(),
        r#"{"filled_events":[],"unfilled_events":[]}"#
    );
}

#[test]
fn events_that_need_volunteers_or_have_a_listed_phrase_are_listed() {
    let titled = |id, title: &str| Event { title: Some(title.into()), ..planned(id, Some("DIA"), SOON) };
    let world = World::default()
        .event(wanted(1, "DIA", SOON))
        .event(wanted(2, "CAREER_FAIR", SOON))
        .event(planned(3, Some("DIA"), SOON))
        .event(Event { volunteers_needed: Some(0), ..planned(4, Some("DIA"), SOON) })
        .event(titled(5, "The VOICES behind the data!"))
        .event(titled(6, "Project Mentor"))
        .event(wanted(7, "DIA", "2026-03-15 02:00:00.000000"))
        .event(wanted(8, "DIA", "2026-03-15 02:00:00.000001"))
        .event(Event { status: Some("CANCELLED".into()), ..wanted(9, "DIA_CLASSROOM_SPEAKER", SOON) })
        .event(Event { kind: None, ..wanted(10, "DIA", SOON) });
    assert_eq!(listed(&world), [8, 1, 5, 9]);
}

#[test]
fn events_are_ordered_by_beginning_type_and_id() {
    let later = "2026-03-21 09:00:00.000000";
    let world = World::default()
        .event(wanted(1, "DIA", later))
        .event(wanted(2, "DIA_CLASSROOM_SPEAKER", SOON))
        .event(wanted(3, "DIA", SOON))
        .event(wanted(4, "DIA_CLASSROOM_SPEAKER", SOON))
        .event(wanted(5, "DIA", SOON));
    assert_eq!(listed(&world), [3, 5, 2, 4, 1]);
}

#[test]
fn an_event_has_all_its_keys_in_order() {
    let mut world = World::default().event(Event {
        title: Some("A talk".into()),
        status: Some("NO_SHOW".into()),
        end: Stored::read("2026-03-20 10:00:00.500000"),
        location: Some("Downtown".into()),
        school: Some("S1".into()),
        salesforce_id: Some("SF1".into()),
        ..wanted(4, "DIA_CLASSROOM_SPEAKER", SOON)
    });
    world = world.school("S1", "Zed", None, None);
    let facts = r#""id":4,"title":"A talk","type":"dia_classroom_speaker","start_date":"2026-03-20T09:00:00","end_date":"2026-03-20T10:00:00.500000","location":"Downtown","school_id":"S1","school_name":"Zed","status":"No Show","description":null,"salesforce_id":"SF1","salesforce_url":"https://prep-kc.lightning.force.com/lightning/r/Session__c/SF1/view""#;
    let text = |world: &World| serde_json::to_string(&payload(world)).unwrap();
    assert_eq!(
        text(&world),
        format!(r#"{{"filled_events":[],"unfilled_events":[{{{facts},"volunteers_needed":1}}]}}"#)
    );
    let world = world.volunteer_as(1, |_, _| {}).took_part(4, 1, "Scheduled", None).in_role("");
    assert_eq!(
        text(&world),
        format!(
            r#"{{"filled_events":[{{"event":{{{facts}}},"volunteers":[{{"name":"V1 Last","email":null,"organization":"N/A","status":"Scheduled","participant_type":"Volunteer"}}]}}],"unfilled_events":[]}}"#
        )
    );
}

#[test]
fn an_empty_salesforce_id_gives_no_link_and_a_missing_school_no_name() {
    let world = World::default().event(Event {
        salesforce_id: Some("".into()),
        school: Some("gone".into()),
        ..wanted(1, "DIA", SOON)
    });
    let event = &payload(&world)["unfilled_events"][0];
    assert_eq!((&event["salesforce_id"], &event["salesforce_url"]), (&json!(""), &json!(null)));
    assert_eq!((&event["school_id"], &event["school_name"]), (&json!("gone"), &json!(null)));
}

#[test]
fn any_participation_fills_an_event_and_all_existing_volunteers_are_listed() {
    let world = World::default()
        .event(wanted(1, "DIA", SOON))
        .event(wanted(2, "DIA", SOON))
        .volunteer_as(8, |contact, volunteer| {
            contact.do_not_contact = Some(true);
            volunteer.status = Some("INACTIVE".into());
        })
        .volunteer_as(9, |_, _| {})
        .took_part(1, 9, "Cancelled", None)
        .in_role("Presenter")
        .took_part(1, 8, "No-Show", None)
        .took_part(2, 77, "No-Show", None);
    let filled = &payload(&world)["filled_events"];
    let names = |event: usize| {
        let volunteers = filled[event]["volunteers"].as_array().unwrap();
        volunteers.iter().map(|person| person["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["V9 Last", "V8 Last"]);
    assert_eq!(filled[0]["volunteers"][0]["participant_type"], "Presenter");
    assert!(names(1).is_empty());
}

#[test]
fn the_address_falls_back_to_a_non_primary_one() {
    let of = |emails: &[(Option<&str>, Option<bool>)]| {
        let world = World::default()
            .event(wanted(1, "DIA", SOON))
            .volunteer_as(1, |_, _| {})
            .took_part(1, 1, "No-Show", None);
        let world = emails.iter().fold(world, |world, &(address, primary)| world.email(1, address, primary));
        payload(&world)["filled_events"][0]["volunteers"][0]["email"].clone()
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(of(&[]), json!(null));
    assert_eq!(of(&[(Some("a"), no), (Some("b"), yes)]), json!("b"));
    assert_eq!(of(&[(Some("a"), no), (None, yes), (Some("c"), yes)]), json!(null));
    assert_eq!(of(&[(Some("a"), None), (Some("b"), no)]), json!("a"));
}

#[test]
fn the_employer_is_the_primary_link_or_a_typed_name_that_is_not_an_id() {
    let of = |typed: Option<&str>, links: &[(i64, Option<bool>)]| {
        let world = World::default()
            .event(wanted(1, "DIA", SOON))
            .organization(5, "Five")
            .organization(6, "Six")
            .volunteer_as(1, |_, volunteer| volunteer.organization_name = typed.map(Into::into))
            .took_part(1, 1, "No-Show", None);
        let world = links.iter().fold(world, |world, &(link, primary)| world.member_as(1, link, primary));
        payload(&world)["filled_events"][0]["volunteers"][0]["organization"].clone()
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(of(Some("Typed"), &[(5, no), (6, yes)]), "Six");
    assert_eq!(of(Some("Typed"), &[(5, no), (6, None)]), "Five");
    assert_eq!(of(Some("Typed"), &[(5, no), (99, yes)]), "Typed");
    assert_eq!(of(Some("Typed"), &[]), "Typed");
    assert_eq!(of(Some("0015f00000"), &[]), "N/A");
    assert_eq!(of(Some(""), &[]), "N/A");
    assert_eq!(of(None, &[(99, yes)]), "N/A");
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Returns a world with sixty events, an hour apart, from the current instant on; every tenth is one of Data
/// in Action.
fn hourly() -> World {
    (0..60).fold(World::default(), |world, id| {
        let start = (now() + TimeDelta::hours(id)).format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        let kind = if id % 10 == 0 { "DIA" } else { "CAREER_FAIR" };
        world.event(Event { volunteers_needed: Some(1), ..planned(id, Some(kind), &start) })
    })
}

#[test]
fn dia_events_leave_the_report_when_they_begin() {
    let world = hourly();
    let next = |at| Dia.next_payloads(Context { now: at, ..world.cx(Mode::Fixed) });
    assert_eq!(next(now()), Some(utc("2026-03-15T12:00:00Z")));
    assert_eq!(next(utc("2026-03-15T12:00:00Z")), Some(utc("2026-03-15T22:00:00Z")));
    assert_eq!(next(utc("2026-03-18T00:00:00Z")), None);
}
