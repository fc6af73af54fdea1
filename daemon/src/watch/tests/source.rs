//! Changes of the source, and refreshes that fail.

use std::collections::BTreeSet;
use std::time::Duration;

use cached_proto::words::{Outcome, Table, Trigger};
use chrono::Utc;
use sea_orm::ConnectionTrait as _;

use super::{MAX_DELAY, MINUTE, QUIET, SECOND, World, other, tables};
use crate::jobs::NewRun;
use crate::reports;
use crate::reports::REPORTS;
use crate::snapshot::{self, ReadDepth, Source, SourceSet, source_hash};
use crate::vms::Vms;

/// One row's change that figures depend on.
const CHANGE: &str = "UPDATE event_participation SET delivery_hours = delivery_hours + 1.5 WHERE id = \
     (SELECT min(id) FROM event_participation WHERE delivery_hours > 0)";

#[tokio::test]
async fn an_update_by_plain_sql_refreshes_the_tables_that_depend_on_it_and_no_others() {
    let mut world = World::settled().await;
    let expected = world.made_of(Source::EventParticipation).await;
    assert!(!expected.is_empty() && expected.len() < world.filled().await.len());
    world.vms(CHANGE).await;
    assert!(world.pass(QUIET).await.is_empty(), "it is not quiet yet");
    assert_eq!(tables(&world.pass(SECOND).await), expected);
    assert!(world.pass(10 * MINUTE).await.is_empty(), "our own writing is not a change");
}

#[tokio::test]
async fn a_change_of_what_no_report_reads_is_no_reason() {
    let mut world = World::settled().await;
    world.vms("INSERT INTO bug_reports (type, description, page_url, submitted_by_id) VALUES ('BUG', 'x', '/', 1)")
        .await;
    world.vms("UPDATE contact SET notes = 'called'").await;
    assert!(world.pass(2 * MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_storm_costs_one_refresh_for_each_longest_delay_and_one_at_its_end() {
    let mut world = World::settled().await;
    let storm = 2 * MAX_DELAY + MINUTE;
    let vms = other(&world.database()).await;
    let change = async |_: &World, _| {
        vms.execute_unprepared(CHANGE).await.unwrap();
    };
    let runs = world.pass_with(storm, change).await;
    vms.close().await.unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(world.pass(QUIET).await.len(), 1);
    assert!(world.pass(10 * MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_restart_notices_what_changed_meanwhile() {
    let mut world = World::settled().await.down(CHANGE).await;
    let expected = world.made_of(Source::EventParticipation).await;
    assert_eq!(tables(&world.pass(MINUTE).await), expected);
    let mut world = world.down("SELECT 1").await;
    assert!(world.pass(MINUTE).await.is_empty(), "and once is enough");
}

#[tokio::test]
async fn what_somebody_else_refreshed_meanwhile_is_no_reason_any_more() {
    let mut world = World::settled().await;
    world.vms(CHANGE).await;
    world.refresh().await;
    assert!(world.pass(2 * MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_replaced_file_is_compared_with_the_old_one() {
    let mut world = World::settled().await;
    let restored = world.path("restored.db");
    std::fs::copy(world.database(), &restored).unwrap();
    std::fs::rename(&restored, world.database()).unwrap();
    assert!(world.pass(MINUTE).await.is_empty(), "the same again is no change");

    std::fs::copy(world.database(), &restored).unwrap();
    other(&restored).await.execute_unprepared(CHANGE).await.unwrap();
    std::fs::rename(&restored, world.database()).unwrap();
    let expected = world.made_of(Source::EventParticipation).await;
    assert_eq!(tables(&world.pass(MINUTE).await), expected);
}

#[tokio::test]
async fn a_file_that_vanishes_is_waited_for() {
    let mut world = World::settled().await;
    let expected = world.made_of(Source::EventParticipation).await;
    world.vms(CHANGE).await;
    std::fs::rename(world.database(), world.path("gone.db")).unwrap();
    for _ in 0..60 {
        world.clock.advance(SECOND);
        let error = world.watcher.tick().await.unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
    std::fs::rename(world.path("gone.db"), world.database()).unwrap();
    assert_eq!(tables(&world.pass(MINUTE).await), expected);
}

#[tokio::test]
async fn a_locked_database_is_looked_at_later() {
    let mut world = World::settled().await;
    let expected = world.made_of(Source::EventParticipation).await;
    let locking = other(&world.database()).await;
    locking.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
    locking.execute_unprepared(CHANGE).await.unwrap();
    assert!(world.pass(10 * MINUTE).await.is_empty());
    locking.execute_unprepared("COMMIT").await.unwrap();
    locking.close().await.unwrap();
    assert_eq!(tables(&world.pass(MINUTE).await), expected);
}

#[tokio::test]
async fn the_hash_of_a_source_is_that_of_the_snapshot() {
    let world = World::settled().await;
    world.vms("UPDATE event SET title = CAST(title AS BLOB) WHERE id = (SELECT min(id) FROM event)").await;
    let sources: SourceSet = REPORTS.iter().flat_map(|report| report.sources()).copied().collect();
    let vms = Vms::open(&world.database()).await.unwrap();
    let snapshot =
        snapshot::load(&vms, &sources, &[], ReadDepth::Stamps, chrono::DateTime::<Utc>::UNIX_EPOCH);
    let snapshot = snapshot.await.unwrap();
    let mut different = BTreeSet::new();
    for source in sources {
        let hash = source_hash(&vms.begin_read().await.unwrap(), source).await.unwrap();
        assert_eq!(hash, snapshot.sources[&source].hash, "{source:?}");
        different.insert(hash);
    }
    assert!(different.len() > 10, "hashes that are all alike say nothing");
}

/// A change that affects several tables.
const SEVERAL: &str = "UPDATE organization SET name = name || ' again' WHERE id = 1";
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
    world.vms(SEVERAL).await;
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
    world.vms(SEVERAL).await;
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
    world.queue.enqueue(NewRun::new(Trigger::Startup, reports::tables(&[], &[]))).await.unwrap();
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
