use std::time::Duration;

use cached_proto::words::{Outcome, Table, Trigger};

use super::world::{MINUTE, SECOND, World, tables};
use crate::jobs::NewRun;
use crate::refresh::plan;

/// A change that affects several tables.
const CHANGE: &str = "UPDATE organization SET name = name || ' again' WHERE id = 1";
/// Makes every update of that table fail for as long as the trigger exists.
const BREAK: &str = "CREATE TRIGGER broken BEFORE UPDATE ON organization_summary_cache \
     BEGIN SELECT RAISE(ABORT, 'broken'); END";
const MEND: &str = "DROP TRIGGER broken";
const TABLE: Table = Table::OrganizationSummaryCache;

/// Advances the clock by hours; returns the tables of the watcher's runs.
async fn hours(world: &mut World, hours: u32) -> Vec<Vec<Table>> {
    let mut runs = Vec::new();
    for _ in 0..hours * 60 {
        world.clock.advance(Duration::from_secs(59));
        runs.extend(world.pass(SECOND).await);
    }
    runs
}

#[tokio::test]
async fn what_failed_for_good_is_asked_again_each_hour_until_it_succeeds() {
    let mut world = World::settled().await;
    world.vms(BREAK).await;
    world.vms(CHANGE).await;
    assert!(tables(&world.pass(MINUTE).await).contains(&TABLE));
    assert!(world.pass(MINUTE).await.is_empty(), "not at once");

    let runs = hours(&mut world, 4).await;
    assert!((3..=4).contains(&runs.len()), "{runs:?}");
    assert!(runs.iter().all(|tables| *tables == [TABLE]), "only what failed: {runs:?}");

    world.vms(MEND).await;
    assert_eq!(tables(&hours(&mut world, 2).await), [TABLE]);
    let shown = format!("SELECT count(*) FROM {TABLE} WHERE organizations_data LIKE '% again%'");
    assert!(world.number(&shown).await > 0, "the figure shows");
    assert!(hours(&mut world, 3).await.is_empty(), "once is enough");
}

#[tokio::test]
async fn what_failed_and_is_not_wanted_any_more_is_let_be() {
    let mut world = World::settled().await;
    world.vms(BREAK).await;
    world.vms(CHANGE).await;
    assert_eq!(world.pass(MINUTE).await.len(), 1);
    world.vms("UPDATE organization SET name = replace(name, ' again', '') WHERE id = 1").await;
    world.vms(MEND).await;
    // The tables that were refreshed with the change are refreshed back.
    assert_eq!(world.pass(MINUTE).await.len(), 1);
    assert!(hours(&mut world, 3).await.is_empty());
}

#[tokio::test]
async fn what_failed_while_the_database_was_away_is_done_when_it_is_back() {
    let mut world = World::settled().await;
    let rows = world.rows(TABLE).await;
    world.vms(&format!("DELETE FROM {TABLE}")).await;
    std::fs::rename(world.database(), world.path("gone.db")).unwrap();
    world.watcher.tick().await.unwrap_err();
    world.queue.enqueue(NewRun::new(Trigger::Startup, plan::tables(&[], &[]))).await.unwrap();
    assert_eq!(world.work().await[0].outcome, Some(Outcome::Failed));

    std::fs::rename(world.path("gone.db"), world.database()).unwrap();
    world.watcher.tick().await.unwrap();
    let runs = world.work().await;
    assert_eq!(runs.iter().map(|run| run.trigger).collect::<Vec<_>>(), [Trigger::Startup]);
    assert_eq!(world.rows(TABLE).await, rows);
    assert!(world.pass(10 * MINUTE).await.is_empty(), "nothing is left to do");
}

#[tokio::test]
async fn a_database_that_was_away_while_nothing_failed_is_just_back() {
    let mut world = World::settled().await;
    std::fs::rename(world.database(), world.path("gone.db")).unwrap();
    world.watcher.tick().await.unwrap_err();
    std::fs::rename(world.path("gone.db"), world.database()).unwrap();
    assert_eq!(world.watcher.tick().await.unwrap(), None);
    assert!(world.work().await.is_empty());
}

#[tokio::test]
async fn a_move_that_was_noticed_while_the_state_failed_is_not_forgotten() {
    let mut world = World::settled().await;
    world.clock.advance(Duration::from_hours(1));
    world.state("ALTER TABLE jobs RENAME TO away").await;
    world.vms(&format!("DELETE FROM {TABLE}")).await;
    world.watcher.tick().await.unwrap_err();
    world.state("ALTER TABLE away RENAME TO jobs").await;
    assert_eq!(tables(&world.pass(MINUTE).await), [TABLE]);
}
