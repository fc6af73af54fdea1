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
    assert_eq!(order, [first, night, second], "a night waits for one run");
}

#[tokio::test]
async fn a_slot_that_becomes_due_during_a_run_goes_next_however_much_is_asked_for_by_hand() {
    let d = Daemon::new().await;
    let forced = || NewRun { force: true, ..manual(&[A]) };
    d.queue.enqueue(forced()).await.unwrap();
    let current = d.claim().await;
    let waiting = d.queue.enqueue(forced()).await.unwrap().run;
    d.clock.advance(Duration::from_hours(2));
    let due = DueSlot {
        schedule: "nightly",
        slot: "1970-01-01 02:00",
        at: d.clock.now(),
        passed: &[],
        punctuality: Punctuality::OnTime,
        daily: true,
        work: SlotWork::Refresh(vec![A, B]),
    };
    assert_eq!(d.queue.decide(due).await.unwrap(), Some(SlotDecision::Run));
    d.work_on(&current, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.ended(&current).await;
    // A script asks again as soon as its last refresh has ended.
    assert_eq!(d.queue.enqueue(forced()).await.unwrap().run, waiting);
    let night = d.claim().await;
    assert_eq!((night.trigger, night.slot.as_deref()), (Trigger::Schedule, Some("1970-01-01 02:00")));
    assert_eq!(d.claim().await.run, waiting);
}

#[tokio::test]
async fn a_slot_that_a_manual_run_went_before_is_not_passed_over_again_after_a_restart() {
    let d = Daemon::new().await;
    let night = d.queue.enqueue(NewRun::new(Trigger::CatchUp, vec![A])).await.unwrap().run;
    let asked = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let later = d.queue.enqueue(manual(&[B])).await.unwrap().run;
    let first = d.claim().await;
    assert_eq!(first.run, asked);
    d.work_on(&first, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.ended(&first).await;
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    assert_eq!([d.claim().await.run, d.claim().await.run], [night, later]);
}

#[tokio::test]
async fn the_order_is_manual_slots_that_waited_startup_watch_top_up() {
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
    // After the first run, the slots that waited for it.
    let wanted = [
        Trigger::Manual,
        Trigger::Schedule,
        Trigger::CatchUp,
        Trigger::Startup,
        Trigger::Watch,
        Trigger::TopUp,
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
