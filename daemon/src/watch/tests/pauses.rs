//! When the watch checks and queues refreshes, and when it waits: for quiet, for the scheduler, for a source to be
//! restored.

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
use crate::watch::{Debounce, DebounceLimits};

const LIMITS: DebounceLimits =
    DebounceLimits { quiet: Duration::from_secs(30), max_delay: Duration::from_mins(5) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Polls each second until `until`; returns the times of the checks.
fn checks(changes: &[u64], until: u64, limits: DebounceLimits) -> Vec<u64> {
    let mut debounce = Debounce::default();
    let mut checks = Vec::new();
    for second in 0..until {
        if changes.contains(&second) {
            debounce.record_change(at(second));
        }
        if debounce.is_due(at(second), limits) {
            debounce.settle();
            checks.push(second);
        }
    }
    checks
}

#[test]
fn a_check_waits_for_quiet_but_no_longer_than_the_longest_delay() {
    let storm: Vec<u64> = (0..700).collect();
    for (what, changes, expected) in [
        ("nothing changes", vec![], vec![]),
        ("one change", vec![10], vec![40]),
        ("a change restarts the wait", vec![10, 35], vec![65]),
        ("two changes far apart", vec![10, 100], vec![40, 130]),
        ("a storm", storm, vec![300, 601, 729]),
    ] {
        assert_eq!(checks(&changes, 1000, LIMITS), expected, "{what}");
    }
    assert_eq!(checks(&[10, 11], 100, DebounceLimits { quiet: Duration::ZERO, ..LIMITS }), [10, 11]);
}

#[test]
fn a_check_that_failed_is_made_again_after_the_quiet_time() {
    let mut debounce = Debounce::default();
    assert!(debounce.record_change(at(0)));
    assert!(!debounce.record_change(at(1)), "the second change is not the first");
    assert!(debounce.is_due(at(31), LIMITS));
    debounce.postpone(at(31));
    assert!(!debounce.is_due(at(60), LIMITS));
    assert!(debounce.is_due(at(61), LIMITS));
    debounce.settle();
    assert!(!debounce.is_due(at(10_000), LIMITS));
    assert!(debounce.record_change(at(10_000)));
}

proptest! {
    #[test]
    fn no_change_is_forgotten_and_checks_are_rare(
        mut changes in prop::collection::vec(0_u64..2000, 1..300),
        quiet in 0_u64..60,
        max_delay in 0_u64..400,
    ) {
        changes.sort_unstable();
        let limits = DebounceLimits { quiet: at(quiet), max_delay: at(max_delay) };
        let wait = quiet.min(max_delay);
        let checks = checks(&changes, 3000, limits);
        for change in &changes {
            let latency = checks.iter().find(|check| *check >= change).map(|check| check - change);
            prop_assert!(latency.is_some_and(|latency| latency <= max_delay), "{change}: {latency:?}");
        }
        for pair in checks.windows(2) {
            prop_assert!(pair[1] - pair[0] > wait.saturating_sub(1), "{pair:?}");
        }
for check in &checks {
            let since = changes.iter().filter(|change| *change <= check).max();
            let first = checks.iter().filter(|before| *before < check).max();
            let first = changes.iter().find(|change| first.is_none_or(|before| *change > before));
            let (since, first) = (check - since.unwrap(), check - first.unwrap());
            prop_assert!(since >= quiet || first >= max_delay, "{check}: {since} {first}");
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
async fn a_source_that_is_restored_exactly_releases_the_held_tables() {
    let mut world = World::settled().await;
    world.vms(KEEP).await;
    world.vms(LOSS).await;
    world.pass(MINUTE).await;
    world.night().await;
    let held = world.held().await;
    assert!(held.len() > 5, "{held:?}");
    assert!(world.pass(MINUTE).await.is_empty(), "nothing is refreshed while the rows are gone");
    assert_eq!(world.held().await, held);

    world.vms(BACK).await;
    let released = tables(&world.pass(MINUTE).await);
    assert_eq!(released.into_iter().collect::<HashSet<_>>(), held);
    assert!(world.held().await.is_empty());
    assert!(world.pass(10 * MINUTE).await.is_empty(), "it is refreshed only once");
}

#[tokio::test]
async fn a_list_that_is_complete_again_releases_its_table() {
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
        assert!(world.pass(MINUTE).await.is_empty(), "no refresh of a held table is queued over and over");
        world.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(world.held().await, held);

    world.vms(BACK).await;
    let released: HashSet<Table> = tables(&world.pass(MINUTE).await).into_iter().collect();
    assert!(released.is_superset(&held), "{released:?}");
    assert!(world.held().await.is_empty());
}

#[tokio::test]
async fn a_released_table_that_fails_is_queued_again_each_hour() {
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
async fn a_stopped_scheduler_prevents_the_watcher_from_queueing_runs() {
    let mut world = World::settled().await;
    world.queue.state().set_scheduler_state(SchedulerState::Stopped).await.unwrap();
    world.vms(WIPE).await;
    assert!(world.pass(10 * MINUTE).await.is_empty());
    world.queue.state().set_scheduler_state(SchedulerState::Running).await.unwrap();
    assert_eq!(world.pass(MINUTE).await.len(), 1, "nothing is forgotten");
}

#[tokio::test]
async fn after_a_refresh_during_the_stop_a_start_queues_nothing() {
    let mut world = World::settled().await;
    world.queue.state().set_scheduler_state(SchedulerState::Stopped).await.unwrap();
    world.vms(WIPE).await;
    assert!(world.pass(10 * MINUTE).await.is_empty());
    world.refresh().await;
    world.queue.state().set_scheduler_state(SchedulerState::Running).await.unwrap();
    assert!(world.pass(MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_reload_switches_watching_off_and_on() {
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
    assert_eq!(world.pass(MINUTE).await.len(), 1, "changes made meanwhile are detected");
}
