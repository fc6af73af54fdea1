use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::jobs::JobFilter;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::*;
use crate::clock::ManualClock;

const START: DateTime<Utc> = DateTime::UNIX_EPOCH;
const A: Table = Table::DistrictYearEndReports;
const B: Table = Table::OrganizationDetailCache;

struct Daemon {
    dir: TempDir,
    clock: Arc<ManualClock>,
    queue: Queue,
}

impl Daemon {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let queue = Self::open(&dir, &clock).await;
        Self { dir, clock, queue }
    }

    async fn open(dir: &TempDir, clock: &Arc<ManualClock>) -> Queue {
        let state = State::open(&dir.path().join("state.db"), clock.now()).await.unwrap();
        Queue::new(state, clock.clone())
    }

    /// The process dies without a word, and another one starts.
    async fn restart(self) -> Self {
        let Self { dir, clock, queue } = self;
        drop(queue);
        let queue = Self::open(&dir, &clock).await;
        Self { dir, clock, queue }
    }

    async fn work_on(&self, job: i64, report: &JobReport) {
        self.queue.start_attempt(job, Some(self.clock.now())).await.unwrap();
        self.queue.finish_attempt(job, report).await.unwrap();
    }
}

fn manual(tables: &[Table]) -> NewRun {
    NewRun::new(Trigger::Manual, tables.to_vec())
}

#[tokio::test]
async fn a_run_goes_from_the_queue_through_its_jobs_to_a_verdict() {
    let d = Daemon::new().await;
    let new = NewRun { force: true, accept: true, exact: true, as_of: Some(START), ..manual(&[B, A]) };
    let run = d.queue.enqueue(new).await.unwrap().run;
    assert_eq!(d.queue.queued_count().await.unwrap(), 1);

    d.clock.advance(Duration::from_secs(5));
    let claimed = d.queue.claim().await.unwrap().unwrap();
    assert_eq!((claimed.run, claimed.trigger, claimed.queued), (run, Trigger::Manual, START));
    assert!(claimed.force && claimed.accept && claimed.exact && claimed.as_of == Some(START));
    assert_eq!(claimed.jobs.iter().map(|j| j.1).collect::<Vec<_>>(), [B, A], "in working order");
    assert_eq!(d.queue.current_run().await.unwrap().unwrap().id, run);
    assert!(d.queue.claim().await.unwrap().is_none(), "claimed once only");

    let snapshot = d.clock.now();
    assert_eq!(d.queue.start_attempt(claimed.jobs[0].0, Some(snapshot)).await.unwrap(), 1);
    d.clock.advance(Duration::from_secs(2));
    let report = JobReport {
        entries: 9,
        rebuilt: 1,
        verified: 2,
        skipped: 3,
        pruned: 4,
        failed: 5,
        warnings: 6,
        bytes: 7,
        seconds: 1.5,
        error: Some("disk full".into()),
        ..JobReport::new(B, Outcome::Failed)
    };
    d.queue.finish_attempt(claimed.jobs[0].0, &report).await.unwrap();
    assert!(matches!(d.queue.finish_run(run).await, Err(QueueError::Unfinished { jobs: 1, .. })));
    d.work_on(claimed.jobs[1].0, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.clock.set(START - TimeDelta::days(1));
    let done = d.queue.finish_run(run).await.unwrap();

    assert_eq!((done.phase, done.outcome), (Phase::Done, Some(Outcome::Failed)));
    assert!((done.seconds - 2.0).abs() < 1e-9, "a set wall clock must not falsify {}", done.seconds);
    let job = &done.jobs[0];
    assert_eq!((job.table, job.phase, job.outcome), (B, Phase::Done, Some(Outcome::Failed)));
    assert_eq!([job.entries, job.rebuilt, job.verified, job.skipped], [9, 1, 2, 3]);
    assert_eq!([job.pruned, job.failed, job.warnings, job.bytes], [4, 5, 6, 7]);
    assert_eq!((job.seconds, job.error.as_deref()), (1.5, Some("disk full")));
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(job.attempts[0].snapshot, Some(snapshot.into()));
    assert_eq!(job.attempts[0].ended, Some((snapshot + TimeDelta::seconds(2)).into()));
    assert_eq!(d.queue.last_run().await.unwrap(), Some(done));
    assert_eq!(d.queue.current_run().await.unwrap(), None);
    assert_eq!(d.queue.queued_count().await.unwrap(), 0);
}

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
        NewRun::new(Trigger::Startup, vec![A]),
    ];
    for other in others {
        let asked = format!("{other:?}");
        assert!(!d.queue.enqueue(other).await.unwrap().joined, "{asked}");
    }
    assert_eq!(d.queue.enqueue(manual(&[A])).await.unwrap(), Enqueued { run: first.run, joined: true });
    assert_eq!(d.queue.claim().await.unwrap().unwrap().run, first.run);
    let later = d.queue.enqueue(manual(&[A])).await.unwrap();
    assert!(!later.joined, "what has begun may have read the source before this request");

    assert!(d.queue.cancel_queued(later.run).await.unwrap());
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
async fn a_run_needs_a_table() {
    let d = Daemon::new().await;
    assert!(matches!(d.queue.enqueue(manual(&[])).await, Err(QueueError::NoTables)));
    assert_eq!(d.queue.queued_count().await.unwrap(), 0, "nothing half queued");
}

#[tokio::test]
async fn what_a_dead_process_left_is_put_back_and_only_that() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let waiting = d.queue.enqueue(manual(&[B])).await.unwrap().run;
    let claimed = d.queue.claim().await.unwrap().unwrap();
    d.work_on(claimed.jobs[0].0, &JobReport::new(A, Outcome::Rebuilt)).await;
    let interrupted = claimed.jobs[1].0;
    d.queue.start_attempt(interrupted, None).await.unwrap();

    let d = d.restart().await;
    assert_eq!(d.queue.recover().await.unwrap(), 1);
    assert_eq!(d.queue.recover().await.unwrap(), 0, "once is enough");
    let again = d.queue.claim().await.unwrap().unwrap();
    assert_eq!(
        (again.run, again.jobs.as_slice()),
        (run, &[(interrupted, B)][..]),
        "before what waited behind it"
    );
    assert_eq!(d.queue.start_attempt(interrupted, None).await.unwrap(), 2);
    d.queue.finish_attempt(interrupted, &JobReport::new(B, Outcome::Verified)).await.unwrap();
    let done = d.queue.finish_run(run).await.unwrap();
    assert_eq!(done.outcome, Some(Outcome::Mixed));
    let attempts = &done.jobs[1].attempts;
    assert_eq!(attempts[0].outcome, Some(Outcome::Failed));
    assert_eq!(attempts[0].error.as_deref(), Some("interrupted by a stop of the daemon"));
    assert_eq!((attempts[1].outcome, done.jobs[1].error.as_deref()), (Some(Outcome::Verified), None));
    assert_eq!(d.queue.claim().await.unwrap().unwrap().run, waiting);
}

#[tokio::test]
async fn a_run_interrupted_after_its_last_job_only_needs_its_verdict() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.queue.claim().await.unwrap().unwrap();
    d.work_on(claimed.jobs[0].0, &JobReport::new(A, Outcome::Skipped)).await;
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    let again = d.queue.claim().await.unwrap().unwrap();
    assert_eq!(again.jobs, []);
    assert_eq!(d.queue.finish_run(again.run).await.unwrap().outcome, Some(Outcome::Skipped));
}

#[tokio::test]
async fn an_attempt_ends_once_and_only_after_it_began() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let job = d.queue.claim().await.unwrap().unwrap().jobs[0].0;
    let report =
        JobReport { snapshot: Some(START + TimeDelta::hours(1)), ..JobReport::new(A, Outcome::Rebuilt) };
    assert!(matches!(d.queue.finish_attempt(job, &report).await, Err(QueueError::NotStarted(_))));
    d.work_on(job, &report).await;
    assert!(matches!(d.queue.finish_attempt(job, &report).await, Err(QueueError::NotStarted(_))));
    assert!(matches!(d.queue.start_attempt(job + 1, None).await, Err(QueueError::NoSuchJob(_))));
    let job = d.queue.jobs(JobFilter::All, 1).await.unwrap().remove(0);
    assert_eq!(
        job.attempts[0].snapshot,
        report.snapshot.map(Into::into),
        "the snapshot it was computed from in the end"
    );
}

#[tokio::test]
async fn a_job_that_lost_is_queued_behind_what_waits_and_once() {
    let d = Daemon::new().await;
    d.queue.enqueue(NewRun { force: true, ..manual(&[A, B]) }).await.unwrap();
    let waiting = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let lost = d.queue.claim().await.unwrap().unwrap().jobs[1].0;
    let again = d.queue.enqueue_again(lost).await.unwrap();
    assert!(!again.joined && again.run > waiting);
    assert!(d.queue.enqueue_again(lost).await.unwrap().joined);
    assert_eq!(d.queue.claim().await.unwrap().unwrap().run, waiting);
    let claimed = d.queue.claim().await.unwrap().unwrap();
    assert_eq!((claimed.run, claimed.trigger, claimed.force), (again.run, Trigger::Watch, true));
    assert_eq!(claimed.jobs[0].1, B);
}

#[tokio::test]
async fn a_follower_sees_the_snapshot_first_and_then_every_change() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let other = d.queue.enqueue(manual(&[B])).await.unwrap().run;
    let claimed = d.queue.claim().await.unwrap().unwrap();
    d.work_on(claimed.jobs[0].0, &JobReport::new(A, Outcome::Rebuilt)).await;

    let (snapshot, mut following) = d.queue.subscribe(run).await.unwrap();
    assert_eq!(snapshot.jobs.iter().map(|j| j.phase).collect::<Vec<_>>(), [Phase::Done, Phase::Queued]);
    assert!(d.queue.cancel_queued(other).await.unwrap());
    d.work_on(claimed.jobs[1].0, &JobReport::new(B, Outcome::Verified)).await;
    let done = d.queue.finish_run(run).await.unwrap();

    let Some(Progress::JobStarted(started)) = following.next().await.unwrap() else { panic!("no start") };
    assert_eq!((started.table, started.phase), (B, Phase::Running));
    let Some(Progress::JobDone(ended)) = following.next().await.unwrap() else { panic!("no end") };
    assert_eq!((ended.table, ended.outcome), (B, Some(Outcome::Verified)));
    assert_eq!(following.next().await.unwrap(), Some(Progress::RunDone(done)));
    assert_eq!(following.next().await.unwrap(), None);
}

/// Wherever a follower comes in, snapshot and events together show every job's end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_falls_between_snapshot_and_events() {
    let d = Daemon::new().await;
    for _ in 0..20 {
        let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
        let queue = d.queue.clone();
        let worker = tokio::spawn(async move {
            for (job, table) in queue.claim().await.unwrap().unwrap().jobs {
                queue.start_attempt(job, None).await.unwrap();
                queue.finish_attempt(job, &JobReport::new(table, Outcome::Rebuilt)).await.unwrap();
            }
            queue.finish_run(run).await.unwrap();
        });
        let (snapshot, mut following) = d.queue.subscribe(run).await.unwrap();
        let mut ended: Vec<_> =
            snapshot.jobs.iter().filter(|j| j.phase == Phase::Done).map(|j| j.table).collect();
        while let Some(event) = following.next().await.unwrap() {
            if let Progress::JobDone(job) = event {
                ended.push(job.table);
            }
        }
        worker.await.unwrap();
        assert!(ended.contains(&A) && ended.contains(&B), "{ended:?}");
    }
}

#[tokio::test]
async fn following_a_run_that_has_ended_ends_at_once() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    d.queue.cancel_queued(run).await.unwrap();
    let (snapshot, mut following) = d.queue.subscribe(run).await.unwrap();
    assert_eq!(snapshot.phase, Phase::Cancelled);
    assert_eq!(following.next().await.unwrap(), Some(Progress::RunDone(snapshot)));
    assert_eq!(following.next().await.unwrap(), None);
    assert!(matches!(d.queue.subscribe(run + 1).await, Err(QueueError::NoSuchRun(_))));
}

#[tokio::test]
async fn a_follower_that_falls_behind_is_told_so() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let (_, mut following) = d.queue.subscribe(run).await.unwrap();
    let event = Progress::RunDone(d.queue.run(run).await.unwrap());
    for _ in 0..=EVENTS {
        d.queue.announce(event.clone());
    }
    assert_eq!(following.next().await, Err(FellBehind { missed: 1 }));
}

#[tokio::test]
async fn work_that_comes_after_an_empty_claim_is_not_missed() {
    let d = Daemon::new().await;
    let mut work = d.queue.work();
    assert!(d.queue.claim().await.unwrap().is_none());
    d.queue.enqueue(manual(&[A])).await.unwrap();
    assert!(work.arrived().await);
    assert!(d.queue.claim().await.unwrap().is_some());
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_what_is_wanted() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.queue.claim().await.unwrap().unwrap();
    d.work_on(claimed.jobs[0].0, &JobReport::new(A, Outcome::Guarded)).await;
    d.work_on(claimed.jobs[1].0, &JobReport::new(B, Outcome::Withheld)).await;
    d.queue.enqueue(manual(&[B])).await.unwrap();
    let listed = async |filter, limit| {
        let jobs = d.queue.jobs(filter, limit).await.unwrap();
        jobs.into_iter().map(|j| (j.table, j.phase)).collect::<Vec<_>>()
    };
    assert_eq!(listed(JobFilter::All, 2).await, [(B, Phase::Queued), (B, Phase::Done)]);
    assert_eq!(listed(JobFilter::Failed, 10).await, [(A, Phase::Done)]);
    assert_eq!(listed(JobFilter::Running, 10).await, [(B, Phase::Queued)]);
}

#[tokio::test]
async fn history_survives_a_restart_until_it_is_pruned() {
    let d = Daemon::new().await;
    for _ in 0..2 {
        d.queue.enqueue(manual(&[A])).await.unwrap();
        let claimed = d.queue.claim().await.unwrap().unwrap();
        d.work_on(claimed.jobs[0].0, &JobReport::new(A, Outcome::Rebuilt)).await;
        d.queue.finish_run(claimed.run).await.unwrap();
        d.clock.advance(Duration::from_hours(24));
    }
    let waiting = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let before = d.queue.history(START, 10).await.unwrap();
    let d = d.restart().await;
    assert_eq!(d.queue.history(START, 10).await.unwrap(), before);
    assert_eq!(before.iter().map(|r| r.id).collect::<Vec<_>>(), [waiting, waiting - 1, waiting - 2]);
    assert_eq!(d.queue.history(START + TimeDelta::hours(1), 10).await.unwrap().len(), 2);
    assert_eq!(d.queue.history(START, 1).await.unwrap().len(), 1);

    assert_eq!(d.queue.prune_history(START + TimeDelta::hours(1)).await.unwrap(), 1);
    assert_eq!(d.queue.history(START, 10).await.unwrap().len(), 2);
    assert_eq!(
        d.queue.prune_history(d.clock.now() + TimeDelta::days(1)).await.unwrap(),
        1,
        "what waits is not past"
    );
    assert_eq!(d.queue.jobs(JobFilter::All, 10).await.unwrap().len(), 1, "jobs go with their run");
}
