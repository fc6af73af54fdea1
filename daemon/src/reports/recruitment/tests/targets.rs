//! Events that have a row.

use super::super::Candidates;
use super::super::testing::{World, event, settings};
use crate::reports::testing::now;
use crate::reports::{Report, ReportSettings};

fn day(day: u32) -> String {
    format!("2026-03-{day:02} 09:00:00.000000")
}

fn keys(world: &World, settings: &ReportSettings) -> Vec<i64> {
    let keys = Candidates.keys(&world.0, settings, now());
    keys.iter().map(|key| key.int(0).unwrap()).collect()
}

#[test]
fn upcoming_events_come_first_then_recent_ones_and_ties_by_id() {
    let mut world = World::default();
    for (id, start) in [
        (1, day(20)),
        (2, day(16)),
        (3, day(14)),
        (4, day(10)),
        (5, day(14)),
        (6, day(16)),
        (7, "2026-03-15 02:00:00.000000".to_owned()),
        (8, "2026-03-15 01:59:59.999999".to_owned()),
    ] {
        world = world.event(event(id, None, &start));
    }
    assert_eq!(keys(&world, &settings()), [7, 2, 6, 1, 8, 3, 5, 4]);
    assert_eq!(keys(&world, &ReportSettings { include_recent: false, ..settings() }), [7, 2, 6, 1]);
}

#[test]
fn each_list_has_fifty_events_and_nothing_but_the_date_matters() {
    let mut world = World::default();
    for id in 1..=60 {
        world = world.event(event(id, None, &format!("2027-01-01 00:00:00.{id:06}")));
        world = world.event(event(100 + id, None, &format!("2020-01-01 00:00:00.{id:06}")));
    }
    let expected: Vec<i64> = (1..=50).chain((111..=160).rev()).collect();
    assert_eq!(keys(&world, &settings()), expected);
}

#[test]
fn events_that_own_a_row_keep_it_for_a_while() {
    let mut world = World::default();
    for id in 1..=50 {
        world = world.event(event(id, None, &day(14)));
    }
    let world = world
        .event(event(60, None, "2026-02-13 02:00:00.000000"))
        .event(event(61, None, "2026-02-13 01:59:59.999999"))
        .event(event(62, None, "2026-03-01 00:00:00.000000"))
        .event(event(63, None, "soon"))
        .rows([60, 61, 63, 99, 1]);
    let mut expected: Vec<i64> = (1..=50).collect();
    expected.extend([60, 63]);
    assert_eq!(keys(&world, &settings()), expected, "62 owns no row, 61 is too old");

    let built = world.build(&Candidates);
    let (last, payloads) = built.last().unwrap();
    assert_eq!(last.retire.iter().map(|key| key.int(0).unwrap()).collect::<Vec<_>>(), [61, 99]);
    assert!(payloads.is_empty());
    assert!(built.iter().rev().skip(1).all(|(group, _)| group.retire.is_empty() && group.entries.len() == 1));

    let patient = ReportSettings { keep_days: 31, ..settings() };
    assert!(keys(&world, &patient).contains(&61));
}

#[test]
fn an_old_row_of_a_recent_event_stays_only_while_recent_events_have_rows() {
    let world = World::default().event(event(1, None, "2020-01-01 00:00:00.000000")).rows([1]);
    assert_eq!(keys(&world, &settings()), [1]);
    assert!(keys(&world, &ReportSettings { include_recent: false, ..settings() }).is_empty());
}

#[test]
fn nothing_is_retired_when_every_row_is_kept() {
    let world = World::default().event(event(1, None, &day(16))).rows([1]);
    assert_eq!(world.build(&Candidates).len(), 1);
}
