//! Changes of the source, and refreshes that fail or have to wait.

use std::collections::BTreeSet;
use std::time::Duration;

use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::Utc;
use sea_orm::ConnectionTrait as _;

use super::{MAX_DELAY, MINUTE, QUIET, SECOND, World, other, tables};
use crate::jobs::{NewRun, Settled, counters};
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
    assert!(world.pass(10 * MINUTE).await.is_empty(), "the daemon's own writes are not a change");
}

#[tokio::test]
async fn a_change_of_columns_that_no_report_reads_causes_no_refresh() {
    let mut world = World::settled().await;
    world.vms("INSERT INTO bug_reports (type, description, page_url, submitted_by_id) VALUES ('BUG', 'x', '/', 1)")
        .await;
    world.vms("UPDATE contact SET notes = 'called'").await;
    assert!(world.pass(2 * MINUTE).await.is_empty());
}

#[tokio::test]
async fn constant_changes_cause_one_refresh_per_longest_delay_and_one_at_the_end() {
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
async fn changes_during_a_downtime_are_detected_after_a_restart() {
    let mut world = World::settled().await.down(CHANGE).await;
    let expected = world.made_of(Source::EventParticipation).await;
    assert_eq!(tables(&world.pass(MINUTE).await), expected);
    let mut world = world.down("SELECT 1").await;
    assert!(world.pass(MINUTE).await.is_empty(), "it is refreshed only once");
}

#[tokio::test]
async fn a_change_that_another_run_has_refreshed_causes_no_further_refresh() {
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
    assert!(world.pass(MINUTE).await.is_empty(), "an identical file is not a change");

    std::fs::copy(world.database(), &restored).unwrap();
    other(&restored).await.execute_unprepared(CHANGE).await.unwrap();
    std::fs::rename(&restored, world.database()).unwrap();
    let expected = world.made_of(Source::EventParticipation).await;
    assert_eq!(tables(&world.pass(MINUTE).await), expected);
}

#[tokio::test]
async fn the_watcher_waits_for_a_file_that_has_vanished() {
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
async fn a_locked_database_is_checked_later() {
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
async fn the_source_hash_equals_that_of_the_snapshot() {
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
    assert!(different.len() > 10, "the hashes must differ to prove anything");
}

/// A change that affects several tables.
const SEVERAL: &str = "UPDATE organization SET name = name || ' again' WHERE id = 1";
/// Makes every update of that table fail for as long as the trigger exists.
const BREAK: &str = "CREATE TRIGGER broken BEFORE UPDATE ON organization_summary_cache \
     BEGIN SELECT RAISE(ABORT, 'broken'); END";
const REPAIR: &str = "DROP TRIGGER broken";
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
async fn a_table_that_failed_for_good_is_queued_again_each_hour_until_it_succeeds() {
    let mut world = World::settled().await;
    world.vms(BREAK).await;
    world.vms(SEVERAL).await;
    assert!(tables(&world.pass(MINUTE).await).contains(&TABLE));
    assert!(world.pass(MINUTE).await.is_empty(), "not at once");

    let runs = hours(&mut world, 4).await;
    assert!((3..=4).contains(&runs.len()), "{runs:?}");
    assert!(runs.iter().all(|tables| *tables == [TABLE]), "only the failed table: {runs:?}");

    world.vms(REPAIR).await;
    assert_eq!(tables(&hours(&mut world, 2).await), [TABLE]);
    let shown = format!("SELECT count(*) FROM {TABLE} WHERE organizations_data LIKE '% again%'");
    assert!(world.number(&shown).await > 0, "the figure is updated");
    assert!(hours(&mut world, 3).await.is_empty(), "it is refreshed only once");
}

#[tokio::test]
async fn a_failed_refresh_whose_reason_has_vanished_is_not_queued_again() {
    let mut world = World::settled().await;
    world.vms(BREAK).await;
    world.vms(SEVERAL).await;
    assert_eq!(world.pass(MINUTE).await.len(), 1);
    world.vms("UPDATE organization SET name = replace(name, ' again', '') WHERE id = 1").await;
    world.vms(REPAIR).await;
    // The tables that were refreshed with the change are refreshed back.
    assert_eq!(world.pass(MINUTE).await.len(), 1);
    assert!(hours(&mut world, 3).await.is_empty());
}

#[tokio::test]
async fn a_table_that_failed_while_the_database_was_missing_is_refreshed_when_it_is_back() {
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
async fn a_database_that_was_missing_while_nothing_failed_causes_no_refresh() {
    let mut world = World::settled().await;
    std::fs::rename(world.database(), world.path("gone.db")).unwrap();
    world.watcher.tick().await.unwrap_err();
    std::fs::rename(world.path("gone.db"), world.database()).unwrap();
    assert_eq!(world.watcher.tick().await.unwrap(), None);
    assert!(world.work().await.is_empty());
}

#[tokio::test]
async fn a_change_detected_while_the_state_failed_is_not_forgotten() {
    let mut world = World::settled().await;
    world.clock.advance(Duration::from_hours(1));
    world.state("ALTER TABLE jobs RENAME TO away").await;
    world.vms(&format!("DELETE FROM {TABLE}")).await;
    world.watcher.tick().await.unwrap_err();
    world.state("ALTER TABLE away RENAME TO jobs").await;
    assert_eq!(tables(&world.pass(MINUTE).await), [TABLE]);
}

/// Every connection for work is in use.
#[tokio::test]
async fn a_table_that_gets_no_state_connection_waits_instead_of_failing() {
    let world = World::settled().await.with_state_timeout(SECOND).await;
    let table = Table::FirstTimeVolunteerReportCache;
    world.queue.enqueue(NewRun { force: true, ..NewRun::new(Trigger::Manual, vec![table]) }).await.unwrap();
    let claimed = world.queue.claim().await.unwrap().unwrap();
    let mut run = world.refresher.begin(&claimed).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(world.queue.state().view().await.unwrap());
    }
    assert!(run.step().await.unwrap());
    drop(held);
    let Settled::Waits(until) = run.settle().await.unwrap() else { panic!("the run has ended") };
    let waiting = &world.queue.run(claimed.run).await.unwrap().jobs[0];
    assert_eq!((waiting.phase, waiting.outcome), (Phase::Queued, None));
    let why = waiting.error.as_deref().unwrap();
    assert!(
        why.contains("the state database is busy, and every connection for such work is in use"),
        "{why}"
    );

    world.clock.set(until);
    let runs = world.work().await;
    assert_eq!(runs.len(), 1);
    assert!(runs[0].outcome.unwrap().is_good() && runs[0].jobs[0].error.is_none(), "{runs:?}");
    let counted = world.queue.state().counters().await.unwrap();
    assert_eq!(counted.get(counters::RETRIES), None);
}
