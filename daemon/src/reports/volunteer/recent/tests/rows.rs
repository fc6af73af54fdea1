//! Rows of the table.

use crate::reports::testing::now;
use crate::reports::volunteer::recent::Recent;
use crate::reports::volunteer::testing::{World, days_key, settings, year_key};
use crate::reports::{Mode, Report};
use crate::vms::enums::EVENT_TYPES;
use crate::vms::tables::{Key, KeyValue, Table};

const TABLE: Table = Table::RecentVolunteersReportCache;

#[test]
fn every_window_has_a_base_row_and_34_typed_rows() {
    let world = World::default().existing(TABLE, year_key("2122", "ALL")).existing(
        TABLE,
        Key(vec!["2930".into(), KeyValue::Null, KeyValue::Null, "ALL".into(), KeyValue::Null]),
    );
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
        assert_eq!(Recent.keys(&world.0, settings(mode), now()), expected);
        let built = world.groups(&Recent, mode).into_iter().map(|group| {
            let [entry] = group.entries.as_slice() else { panic!("one entry in a group") };
            entry.key.clone()
        });
        assert_eq!(built.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn default_windows_past_use_are_retired_and_nothing_else() {
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
    .fold(World::default(), |world, key| world.existing(TABLE, key));
    let retired: Vec<Key> =
        world.groups(&Recent, Mode::Fixed).into_iter().flat_map(|group| group.retire).collect();
    assert_eq!(
        retired,
        [days_key("2025-03-07", "2026-03-07", "ALL"), days_key("2025-03-07", "2026-03-07", "dia,fafsa")]
    );
}
