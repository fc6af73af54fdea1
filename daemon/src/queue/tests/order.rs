//! Tests of the order of runs.

use super::*;
use crate::schedule::switch;

#[tokio::test]
async fn within_a_priority_who_came_first_goes_first() {
    let d = Daemon::new().await;
    let night = d.queue.enqueue(NewRun::new(Trigger::Schedule, vec![A])).await.unwrap().run;
    let first = d.queue.enqueue(manual(&[B])).await.unwrap().run;
    let second = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let order = [d.claim().await.run, d.claim().await.run, d.claim().await.run];
    assert_eq!(order, [first, second, night]);
}

#[tokio::test]
async fn the_order_is_manual_startup_catch_up_watch_top_up_schedule() {
    let d = Daemon::new().await;
    let tables = Table::ALL.iter().copied();
    let triggers = [
        Trigger::TopUp,
        Trigger::Schedule,
        Trigger::Watch,
        Trigger::Manual,
        Trigger::CatchUp,
        Trigger::Startup,
    ];
    // Each run has another table, so that none covers another.
    for (trigger, table) in triggers.into_iter().zip(tables) {
        d.queue.enqueue(NewRun::new(trigger, vec![table])).await.unwrap();
    }
    let mut order = Vec::new();
    while let Some(next) = d.queue.claim().await.unwrap() {
        order.push(next.trigger);
    }
    let wanted = [
        Trigger::Manual,
        Trigger::Startup,
        Trigger::CatchUp,
        Trigger::Watch,
        Trigger::TopUp,
        Trigger::Schedule,
    ];
    assert_eq!(order, wanted);
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_begun_while_the_scheduler_is_stopped() {
    let d = Daemon::new().await;
    let begun = d.queue.enqueue(NewRun::new(Trigger::Watch, vec![B])).await.unwrap().run;
    d.claim().await;
    d.queue.enqueue(NewRun::new(Trigger::TopUp, vec![A])).await.unwrap();
    switch::stop(&d.queue).await.unwrap();
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    let asked = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let order = [d.claim().await.run, d.claim().await.run];
    assert_eq!(order, [asked, begun], "a run in progress goes on");
    assert_eq!(d.queue.claim().await.unwrap(), None);
    switch::start(&d.queue).await.unwrap();
    let order = [d.claim().await.trigger, d.claim().await.trigger];
    assert_eq!(order, [Trigger::Startup, Trigger::TopUp], "what was held back");
}
