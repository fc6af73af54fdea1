use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{Table, Trigger};

use super::world::{MINUTE, World, tables};
use crate::jobs::NewRun;
use crate::refresh::{RefreshConfig, plan};
use crate::store::LossLimits;

const KEEP: &str = "CREATE TABLE kept AS SELECT * FROM event_participation";
const LOSS: &str = "DELETE FROM event_participation WHERE id % 10 < 7";
const BACK: &str = "DELETE FROM event_participation; INSERT INTO event_participation SELECT * FROM kept";

impl World {
    async fn held(&self) -> HashSet<Table> {
        self.queue.state().guarded().await.unwrap().into_keys().collect()
    }

    /// Executes a scheduled run, whatever its outcome.
    async fn night(&self) {
        self.queue.enqueue(NewRun::new(Trigger::Schedule, plan::tables(&[], &[]))).await.unwrap();
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
