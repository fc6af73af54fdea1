//! Which requests share a run.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn an_identical_request_joins_one_that_still_waits_and_no_other() {
    let d = Daemon::new().await;
    let first = d.queue.enqueue(manual(&[A])).await.unwrap();
    assert!(!first.joined);
    let others = [
        manual(&[A, B]),
        NewRun { force: true, ..manual(&[A]) },
        NewRun { accept: true, ..manual(&[A]) },
        NewRun { exact: true, ..manual(&[A]) },
        NewRun { as_of: Some(START), ..manual(&[A]) },
    ];
    for other in others {
        let asked = format!("{other:?}");
        assert!(!d.queue.enqueue(other).await.unwrap().joined, "{asked}");
    }
    assert_eq!(d.queue.enqueue(manual(&[A])).await.unwrap(), Enqueued { run: first.run, joined: true });
    assert_eq!(d.claim().await.run, first.run);
    let later = d.queue.enqueue(manual(&[A])).await.unwrap();
    assert!(!later.joined, "what has begun may have read the source before this request");

    d.queue.cancel(Target::Run(later.run), "user 7").await.unwrap();
    assert!(!d.queue.enqueue(manual(&[A])).await.unwrap().joined, "nobody joins what was cancelled");
}

#[tokio::test]
async fn requests_that_come_together_make_one_run() {
    let d = Daemon::new().await;
    let ask = |_| {
        let queue = d.queue.clone();
        tokio::spawn(async move { queue.enqueue(manual(&[A])).await.unwrap() })
    };
    let tasks: Vec<_> = (0..20).map(ask).collect();
    let mut fresh = 0;
    for task in tasks {
        fresh += u32::from(!task.await.unwrap().joined);
    }
    assert_eq!(fresh, 1);
    assert_eq!(d.queue.queued_count().await.unwrap(), 1);
}

#[tokio::test]
async fn what_the_daemon_asks_of_itself_is_done_by_whatever_does_more() {
    let d = Daemon::new().await;
    let all = d.queue.enqueue(NewRun::new(Trigger::Watch, vec![A, B])).await.unwrap().run;
    for narrower in [Trigger::Watch, Trigger::TopUp, Trigger::Startup] {
        let joined = d.queue.enqueue(NewRun::new(narrower, vec![B])).await.unwrap();
        assert_eq!(joined, Enqueued { run: all, joined: true }, "{narrower}");
    }
    let job = d.queue.run(all).await.unwrap().jobs[1].id;
    d.queue.cancel(Target::Job(job), "user 7").await.unwrap();
    let later = d.queue.enqueue(NewRun::new(Trigger::TopUp, vec![B])).await.unwrap();
    assert!(!later.joined, "the table that was called off would not be made");
}

#[tokio::test]
async fn who_joins_a_run_does_not_wait_longer_than_for_one_of_their_own() {
    let d = Daemon::new().await;
    let night = d.queue.enqueue(NewRun::new(Trigger::Schedule, vec![A, B])).await.unwrap().run;
    let top_up =
        d.queue.enqueue(NewRun::new(Trigger::TopUp, vec![Table::DiaEventsReportCache])).await.unwrap();
    assert_eq!(d.queue.enqueue(NewRun::new(Trigger::Watch, vec![A])).await.unwrap().run, night);
    assert_eq!(d.claim().await.run, night);
    assert_eq!(d.claim().await.run, top_up.run);
}

/// Asks for a run, or lets a worker begin one.
fn step() -> impl Strategy<Value = Option<NewRun>> {
    let tables = prop::sample::subsequence(vec![A, B, Table::DiaEventsReportCache], 1..=3);
    let trigger =
        prop::sample::select(vec![Trigger::Manual, Trigger::Startup, Trigger::Watch, Trigger::TopUp]);
    let new = (trigger, tables, any::<[bool; 2]>()).prop_map(|(trigger, tables, [force, accept])| NewRun {
        force,
        accept,
        ..NewRun::new(trigger, tables)
    });
    prop::option::weighted(0.8, new)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever is asked for in whatever order: each table is made by a run that begins after it was asked for, as
    /// thoroughly as that.
    #[test]
    fn no_request_is_lost(steps in prop::collection::vec(step(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let d = Daemon::new().await;
            let mut owed: Vec<(i64, NewRun)> = Vec::new();
            for new in steps.into_iter().chain(std::iter::repeat_n(None, 12)) {
                if let Some(new) = new {
                    owed.push((d.queue.enqueue(new.clone()).await.unwrap().run, new));
                } else if let Some(claimed) = d.queue.claim().await.unwrap() {
                    let made: Vec<Table> = claimed.jobs.iter().map(|job| job.1).collect();
                    for (_, new) in owed.extract_if(.., |(run, _)| *run == claimed.run) {
                        assert!(new.tables.iter().all(|table| made.contains(table)), "{new:?}: {made:?}");
                        assert!(claimed.force >= new.force && claimed.accept >= new.accept, "{new:?}");
                    }
                }
            }
            assert!(owed.is_empty(), "{owed:?}");
        });
    }
}
