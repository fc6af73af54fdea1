//! When the watch looks and asks, and when it waits: for quiet, for the scheduler, for a source to come back.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{SchedulerState, Table, Trigger};
use proptest::prelude::*;

use super::{MINUTE, World, tables};
use crate::jobs::NewRun;
use crate::refresh::RefreshConfig;
use crate::reports;
use crate::store::LossLimits;
use crate::watch::{Debounce, Patience};

const PATIENCE: Patience = Patience { quiet: Duration::from_secs(30), max_delay: Duration::from_mins(5) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Polls each second until `until`; returns the times of the checks.
fn looks(moves: &[u64], until: u64, patience: Patience) -> Vec<u64> {
    let mut debounce = Debounce::default();
    let mut looks = Vec::new();
    for second in 0..until {
        if moves.contains(&second) {
            debounce.moved(at(second));
        }
        if debounce.is_due(at(second), patience) {
            debounce.settle();
            looks.push(second);
        }
    }
    looks
}

#[test]
fn it_waits_for_quiet_but_not_for_ever() {
    let storm: Vec<u64> = (0..700).collect();
    for (what, moves, expected) in [
        ("nothing moves", vec![], vec![]),
        ("one move", vec![10], vec![40]),
        ("a move restarts the wait", vec![10, 35], vec![65]),
        ("two changes far apart", vec![10, 100], vec![40, 130]),
        ("a storm", storm, vec![300, 601, 729]),
    ] {
        assert_eq!(looks(&moves, 1000, PATIENCE), expected, "{what}");
    }
    assert_eq!(looks(&[10, 11], 100, Patience { quiet: Duration::ZERO, ..PATIENCE }), [10, 11]);
}

#[test]
fn a_look_that_could_not_be_made_is_made_up_for() {
    let mut debounce = Debounce::default();
    assert!(debounce.moved(at(0)));
    assert!(!debounce.moved(at(1)), "only the first move is the first");
    assert!(debounce.is_due(at(31), PATIENCE));
    debounce.postpone(at(31));
    assert!(!debounce.is_due(at(60), PATIENCE));
    assert!(debounce.is_due(at(61), PATIENCE));
    debounce.settle();
    assert!(!debounce.is_due(at(10_000), PATIENCE));
    assert!(debounce.moved(at(10_000)));
}

proptest! {
    #[test]
    fn no_move_is_forgotten_and_looks_are_rare(
        mut moves in prop::collection::vec(0_u64..2000, 1..300),
        quiet in 0_u64..60,
        max_delay in 0_u64..400,
    ) {
        moves.sort_unstable();
        let patience = Patience { quiet: at(quiet), max_delay: at(max_delay) };
        let wait = quiet.min(max_delay);
        let looks = looks(&moves, 3000, patience);
        for moved in &moves {
            let latency = looks.iter().find(|look| *look >= moved).map(|look| look - moved);
            prop_assert!(latency.is_some_and(|latency| latency <= max_delay), "{moved}: {latency:?}");
        }
        for pair in looks.windows(2) {
            prop_assert!(pair[1] - pair[0] > wait.saturating_sub(1), "{pair:?}");
        }
        for look in &looks {
            let since = moves.iter().filter(|moved| *moved <= look).max();
            let first = looks.iter().filter(|before| *before < look).max();
            let first = moves.iter().find(|moved| first.is_none_or(|before| *moved > before));
            let (since, first) = (look - since.unwrap(), look - first.unwrap());
            prop_assert!(since >= quiet || first >= max_delay, "{look}: {since} {first}");
        }
    }
}

const KEEP: &str = "CREATE TABLE kept AS SELECT * FROM event_participation";
const LOSS: &str = "DELETE FROM event_participation WHERE id % 10 < 7";
const BACK: &str = "DELETE FROM event_participation; INSERT INTO event_participation SELECT * FROM kept";

impl World {
    async fn held(&self) -> HashSet<Table> {
        self.queue.state().guarded().await.unwrap().into_keys().collect()
    }

    /// Executes a scheduled run, whatever its outcome.
    async fn night(&self) {
        self.queue.enqueue(NewRun::new(Trigger::Schedule, reports::tables(&[], &[]))).await.unwrap();
        self.work().await;
    }
}

#[tokio::test]
async fn a_source_that_comes_back_exactly_releases_what_was_held() {
    let mut world = World::settled().await;
    world.vms(KEEP).await;
    world.vms(LOSS).await;
    world.pass(MINUTE).await;
    world.night().await;
    let held = world.held().await;
    assert!(held.len() > 5, "{held:?}");
    assert!(world.pass(MINUTE).await.is_empty(), "as long as the rows are gone, nothing is asked for");
    assert_eq!(world.held().await, held);

    world.vms(BACK).await;
    let released = tables(&world.pass(MINUTE).await);
    assert_eq!(released.into_iter().collect::<HashSet<_>>(), held);
    assert!(world.held().await.is_empty());
    assert!(world.pass(10 * MINUTE).await.is_empty(), "and once is enough");
}

#[tokio::test]
async fn a_list_that_is_whole_again_releases_its_table() {
    let mut world = World::settled().await;
    let limits = LossLimits { max_loss: 0.6, min_rows: 5 };
    world.live.send_modify(|live| {
        *live = Arc::new(RefreshConfig { guard: Some(limits), ..RefreshConfig::clone(live) });
    });
    world.vms(KEEP).await;
    world.vms("UPDATE event_participation SET volunteer_id = 1 WHERE volunteer_id % 10 > 0").await;
    world.pass(MINUTE).await;
    let held = world.held().await;
    assert!(!held.is_empty());
    for _ in 0..3 {
        world.vms("UPDATE contact SET notes = 'called'").await;
        assert!(world.pass(MINUTE).await.is_empty(), "what is held is not asked for over and over");
        world.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(world.held().await, held);

    world.vms(BACK).await;
    let released: HashSet<Table> = tables(&world.pass(MINUTE).await).into_iter().collect();
    assert!(released.is_superset(&held), "{released:?}");
    assert!(world.held().await.is_empty());
}

#[tokio::test]
async fn what_is_released_and_fails_is_asked_for_again_each_hour() {
    let mut world = World::settled().await;
    world.vms(KEEP).await;
    world.vms(LOSS).await;
    world.pass(MINUTE).await;
    world.night().await;
    world
        .vms(
            "CREATE TRIGGER broken BEFORE UPDATE ON organization_summary_cache \
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        .await;
    world.vms(BACK).await;
    assert_eq!(world.pass(10 * MINUTE).await.len(), 1);
    assert_eq!(world.held().await, [Table::OrganizationSummaryCache].into());
    world.vms("DROP TRIGGER broken").await;
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(tables(&world.pass(MINUTE).await), [Table::OrganizationSummaryCache]);
    assert!(world.held().await.is_empty());
}

const WIPE: &str = "DELETE FROM organization_summary_cache";

#[tokio::test]
async fn a_stopped_scheduler_keeps_the_watcher_from_asking() {
    let mut world = World::settled().await;
    world.queue.state().set_scheduler_state(SchedulerState::Stopped).await.unwrap();
    world.vms(WIPE).await;
    assert!(world.pass(10 * MINUTE).await.is_empty());
    world.queue.state().set_scheduler_state(SchedulerState::Running).await.unwrap();
    assert_eq!(world.pass(MINUTE).await.len(), 1, "nothing is forgotten");
}

#[tokio::test]
async fn a_start_that_mended_everything_leaves_nothing_to_ask_for() {
    let mut world = World::settled().await;
    world.queue.state().set_scheduler_state(SchedulerState::Stopped).await.unwrap();
    world.vms(WIPE).await;
    assert!(world.pass(10 * MINUTE).await.is_empty());
    world.refresh().await;
    world.queue.state().set_scheduler_state(SchedulerState::Running).await.unwrap();
    assert!(world.pass(MINUTE).await.is_empty());
}

#[tokio::test]
async fn watching_is_switched_off_and_on_by_a_reload() {
    let mut world = World::settled().await;
    let switch = |world: &World, enabled| {
        let mut config = world.configs.borrow().as_ref().clone();
        config.watch.enabled = enabled;
        world.configs.send_replace(Arc::new(config));
    };
    switch(&world, false);
    world.vms(WIPE).await;
    assert!(world.pass(10 * MINUTE).await.is_empty());
    switch(&world, true);
    assert_eq!(world.pass(MINUTE).await.len(), 1, "what happened meanwhile is noticed");
}
