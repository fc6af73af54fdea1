//! Tests of how holds of VMS's write lock are recorded.

use cached_proto::lock::WriteLock;

use super::*;
use crate::figures::{Histogram, longest_lock};
use crate::vms::{LockHolds, LockMeter};

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
async fn those_of_all_attempts_and_tables_count() {
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
async fn how_long_refreshes_take_is_counted_by_table_and_by_run() {
    use counters::Measured::{Refresh, Run};
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    let slow = JobReport { seconds: 0.05, ..JobReport::new(A, Outcome::Rebuilt) };
    d.work_on(&claimed, 0, &slow).await;
    let off = JobReport { seconds: 0.2, ..JobReport::new(B, Outcome::Off) };
    d.work_on(&claimed, 1, &off).await;
    d.clock.advance(Duration::from_secs(700));
    d.ended(&claimed).await;
    let counters = d.queue.state().counters().await.unwrap();
    let [a, b, run] = [Refresh(A), Refresh(B), Run].map(|measured| Histogram::of(&counters, measured));
    assert_eq!((a.buckets[0].count, a.count, a.total), (1, 1, Duration::from_millis(50)));
    assert_eq!((b.count, b.total), (0, Duration::ZERO), "a table that is off is not worked on");
    let last = run.buckets.last().unwrap();
    assert_eq!((last.count, run.count, run.total.as_secs()), (0, 1, 700), "longer than all bounds");
}
