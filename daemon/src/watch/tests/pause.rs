use std::sync::Arc;

use cached_proto::words::SchedulerState;

use super::world::{MINUTE, World};

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
