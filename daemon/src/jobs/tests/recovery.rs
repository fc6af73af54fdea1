//! Tests of leases, of recovery after the death of a worker, and of the counters.

use cached_proto::lock::WriteLock;

use super::*;
use crate::figures::{Histogram, longest_lock};
use crate::vms::{LockHolds, LockMeter};

#[tokio::test]
async fn recovery_puts_back_exactly_the_runs_of_the_dead_process() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let waiting = d.queue.enqueue(manual(&[B])).await.unwrap().run;
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
    let interrupted = claimed.jobs[1].0;
    d.begin(&claimed, 1).await.unwrap();

    let d = d.restart().await;
    assert_eq!(d.queue.recover().await.unwrap(), 1);
    assert_eq!(d.queue.recover().await.unwrap(), 0, "once is enough");
    let again = d.claim().await;
    assert_eq!(
        (again.run, again.jobs.as_slice()),
        (run, &[(interrupted, B)][..]),
        "before what waited behind it"
    );
    assert_eq!(d.begin(&again, 0).await.unwrap().number, 2);
    d.end(&again, 0, &JobReport::new(B, Outcome::Verified), Ending::Done).await;
    let done = d.ended(&again).await;
    assert_eq!(done.outcome, Some(Outcome::Mixed));
    let attempts = &done.jobs[1].attempts;
    assert_eq!(attempts[0].outcome, Some(Outcome::Failed));
    assert_eq!(attempts[0].error.as_deref(), Some("interrupted by a stop of the daemon"));
    assert_eq!((attempts[1].outcome, done.jobs[1].error.as_deref()), (Some(Outcome::Verified), None));
    assert_eq!(d.claim().await.run, waiting);
}

#[tokio::test]
async fn a_run_interrupted_after_its_last_job_only_gets_its_verdict() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Skipped)).await;
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    let again = d.claim().await;
    assert_eq!(again.jobs, []);
    assert_eq!(d.ended(&again).await.outcome, Some(Outcome::Skipped));
}

/// Claims a run, begins its first job, and restarts as after a kill.
async fn killed(d: Daemon) -> Daemon {
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    d
}

#[tokio::test]
async fn a_job_that_kills_its_worker_twice_is_set_aside_with_its_history() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let d = killed(killed(d).await).await;

    let claimed = d.claim().await;
    assert_eq!(claimed.jobs.iter().map(|job| job.1).collect::<Vec<_>>(), [B], "the other tables continue");
    d.work_on(&claimed, 0, &JobReport::new(B, Outcome::Rebuilt)).await;
    let run = d.ended(&claimed).await;
    let poison = &run.jobs[0];
    assert_eq!((poison.phase, poison.outcome), (Phase::Done, Some(Outcome::Failed)));
    assert!(poison.error.as_ref().unwrap().contains("cachectl retry"), "{poison:?}");
    let errors: Vec<_> = poison.attempts.iter().map(|attempt| attempt.error.as_deref().unwrap()).collect();
    assert_eq!(errors, ["interrupted by a stop of the daemon"; 2]);
    assert_eq!(run.outcome, Some(Outcome::Failed));
    let counted = d.queue.state().counters().await.unwrap();
    assert_eq!((counted[counters::KILLS], counted["jobs.failed"], counted["runs.manual.failed"]), (2, 1, 1));
}

#[tokio::test]
async fn a_cancelled_job_is_not_put_back_after_a_kill() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    d.queue.cancel(Target::Run(run), "user 7").await.unwrap();
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    let again = d.claim().await;
    assert_eq!(again.jobs, []);
    let run = d.ended(&again).await;
    assert_eq!((run.phase, run.jobs[0].phase), (Phase::Cancelled, Phase::Cancelled));
}

#[tokio::test]
async fn only_the_holder_of_the_lease_writes_results() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    let stranger = Lease { token: "guessed".into(), ..claimed.lease.clone() };
    let report = JobReport::new(A, Outcome::Rebuilt);
    let job = claimed.jobs[0].0;
    let refused = [
        d.queue.finish_attempt(&stranger, job, &report, Ending::Done).await.map(drop),
        d.queue.start_attempt(&stranger, job, None).await.map(drop),
        d.queue.settle(&stranger).await.map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(QueueError::LeaseLost(_))), "{result:?}");
    }
    d.end(&claimed, 0, &report, Ending::Done).await;
    assert_eq!(d.ended(&claimed).await.outcome, Some(Outcome::Rebuilt));
    let late = d.queue.settle(&claimed.lease).await;
    assert!(matches!(late, Err(QueueError::LeaseLost(_))), "it ended with the run: {late:?}");
}

#[tokio::test]
async fn a_job_that_another_worker_has_taken_over_no_longer_counts_as_stopping() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    let (begun, job) = (d.begin(&claimed, 0).await.unwrap(), claimed.jobs[0].0);
    d.queue.cancel(Target::Job(job), "user 7").await.unwrap();
    assert!(begun.cancel.is_cancelled() && d.queue.is_stopping(job));
    let lost = Lease { token: "another".into(), ..claimed.lease.clone() };
    let report = JobReport::new(A, Outcome::Rebuilt);
    let refused = d.queue.finish_attempt(&lost, job, &report, Ending::Cancelled).await;
    assert!(matches!(refused, Err(QueueError::LeaseLost(_))), "{refused:?}");
    drop(begun);
    assert!(!d.queue.is_stopping(job));
}

#[tokio::test]
async fn a_late_result_of_a_run_that_was_claimed_again_is_refused() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let first = d.claim().await;
    d.begin(&first, 0).await.unwrap();
    d.queue.release().await.unwrap();
    let second = d.claim().await;
    assert_eq!((second.run, &second.jobs), (first.run, &first.jobs));
    assert_ne!(second.lease, first.lease);
    let report = JobReport::new(A, Outcome::Rebuilt);
    let late = d.queue.finish_attempt(&first.lease, first.jobs[0].0, &report, Ending::Done).await;
    assert!(matches!(late, Err(QueueError::LeaseLost(_))));
    assert_eq!(d.begin(&second, 0).await.unwrap().number, 2);
}

#[tokio::test]
async fn a_claimed_run_is_not_claimed_again_however_long_it_takes() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    d.clock.advance(Duration::from_hours(100));
    assert!(d.queue.claim().await.unwrap().is_none());
    d.end(&claimed, 0, &JobReport::new(A, Outcome::Rebuilt), Ending::Done).await;
    assert_eq!(d.ended(&claimed).await.outcome, Some(Outcome::Rebuilt));
}

#[tokio::test]
async fn a_run_interrupted_by_a_stop_counts_against_no_job() {
    let mut d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    for _ in 0..3 {
        d.queue.record_stop().await.unwrap();
        d = killed(d).await;
    }
    let d = killed(d).await;
    assert_eq!(d.claim().await.jobs.len(), 1, "a single death sets no job aside");
}

fn held(millis: &[u64]) -> LockHolds {
    let clock = ManualClock::new(START);
    let mut meter = LockMeter::new(&clock);
    for &millis in millis {
        let granted = meter.granted();
        clock.advance(Duration::from_millis(millis));
        meter.released(granted);
    }
    meter.holds()
}

#[tokio::test]
async fn lock_holds_of_all_attempts_and_tables_are_counted() {
    let policy = RetryPolicy { attempts: 2, base_delay: Duration::ZERO, max_delay: Duration::ZERO };
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    let failed = JobReport { holds: held(&[30]), ..JobReport::new(A, Outcome::Failed) };
    d.end(&claimed, 0, &failed, Ending::Failed(policy)).await;
    let none = JobReport::new(B, Outcome::Skipped);
    d.work_on(&claimed, 1, &none).await;
    assert!(matches!(d.queue.settle(&claimed.lease).await.unwrap(), Settled::Waits(_)));

    let claimed = d.claim().await;
    let rebuilt = JobReport { holds: held(&[10, 12_000]), ..JobReport::new(A, Outcome::Rebuilt) };
    d.work_on(&claimed, 0, &rebuilt).await;
    let run = d.ended(&claimed).await;
    let all = WriteLock { count: 3, seconds: 12.04, longest: 12.0 };
    assert_eq!((run.jobs[0].write_lock, run.jobs[1].write_lock), (all, WriteLock::default()));
    assert_eq!(run.write_lock, all);

    let d = d.restart().await;
    let counters = d.queue.state().counters().await.unwrap();
    let histogram = Histogram::of(&counters, counters::Measured::WriteLock);
    let up_to = |millis| {
        let bucket = histogram.buckets.iter().find(|bucket| bucket.at_most == Duration::from_millis(millis));
        bucket.unwrap().count
    };
    assert_eq!(
        [5, 10, 25, 50, 10_000].map(up_to),
        [0, 1, 1, 2, 2],
        "each bound counts all that is within it"
    );
    assert_eq!((histogram.count, histogram.total), (3, Duration::from_millis(12_040)));
    let longest = longest_lock(d.queue.state()).await.unwrap();
    assert!((longest - 12.0).abs() < 1e-9, "{longest}");
}

#[tokio::test]
async fn durations_are_counted_by_table_and_by_run() {
    use counters::Measured::{Refresh, Run};
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    for (index, (table, outcome, seconds)) in
        [(A, Outcome::Rebuilt, 0.05), (B, Outcome::Off, 0.2)].into_iter().enumerate()
    {
        let figures = JobFigures { seconds, ..JobFigures::default() };
        d.work_on(&claimed, index, &JobReport { figures, ..JobReport::new(table, outcome) }).await;
    }
    d.clock.advance(Duration::from_secs(700));
    d.ended(&claimed).await;
    let counters = d.queue.state().counters().await.unwrap();
    let [a, b, run] = [Refresh(A), Refresh(B), Run].map(|measured| Histogram::of(&counters, measured));
    assert_eq!((a.buckets[0].count, a.count, a.total), (1, 1, Duration::from_millis(50)));
    assert_eq!((b.count, b.total), (0, Duration::ZERO), "a table that is off is not worked on");
    let last = run.buckets.last().unwrap();
    assert_eq!((last.count, run.count, run.total.as_secs()), (0, 1, 700), "longer than all bounds");
}
