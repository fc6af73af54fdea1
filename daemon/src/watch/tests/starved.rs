//! A refresh while every connection for work is in use.

use cached_proto::words::Phase;

use super::*;
use crate::jobs::counters;

#[tokio::test]
async fn a_table_that_got_no_connection_to_the_state_waits_and_has_not_failed() {
    let world = World::settled().await.impatient(SECOND).await;
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
