//! Changes of the reports that are caused by the passing of time alone.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::testing::{World, event, settings};
use super::super::{Candidates, Dia};
use crate::reports::Report;
use crate::snapshot::Event;

const AFTER: &str = "2026-03-15T02:00:00Z";

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Returns a world with sixty events, an hour apart, from the current instant on; every tenth is one of Data
/// in Action.
fn hourly() -> World {
    (0..60).fold(World::default(), |world, id| {
        let start = (utc(AFTER) + TimeDelta::hours(id)).format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        let kind = if id % 10 == 0 { "DIA" } else { "CAREER_FAIR" };
        world.event(Event { volunteers_needed: Some(1), ..event(id, Some(kind), &start) })
    })
}

#[test]
fn target_events_change_right_after_one_begins() {
    let (world, settings) = (hourly(), settings());
    let keys = |at| Candidates.keys(&world.0, &settings, at);
    let mut at = utc(AFTER);
    for _ in 0..9 {
        let next = Candidates.next_keys(&world.0, &settings, at).unwrap();
        let just_before = next - TimeDelta::microseconds(1);
        assert_eq!(keys(at), keys(just_before), "between {at} and {next}");
        assert!(keys(next).iter().any(|key| !keys(at).contains(key)), "{next} brings a further event");
        at = next;
    }
    assert_eq!(Candidates.next_keys(&World::default().0, &settings, at), None);
}

#[test]
fn how_recent_somebody_was_active_changes_at_midnight_utc() {
    let next = Candidates.next_payloads(&World::default().0, &settings(), utc(AFTER));
    assert_eq!(next, Some(utc("2026-03-16T00:00:00Z")));
}

#[test]
fn events_of_data_in_action_leave_their_report_as_they_begin() {
    let (world, settings) = (hourly(), settings());
    let next = |at| Dia.next_payloads(&world.0, &settings, at);
    assert_eq!(next(utc(AFTER)), Some(utc("2026-03-15T12:00:00Z")));
    assert_eq!(next(utc("2026-03-15T12:00:00Z")), Some(utc("2026-03-15T22:00:00Z")));
    assert_eq!(next(utc("2026-03-18T00:00:00Z")), None);
}
