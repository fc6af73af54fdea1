mod order;
mod recovery;
mod retry;
mod unknown;

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::cancel::Target;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{JobFigures, JobFilter};
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::*;
use crate::clock::ManualClock;
use crate::directory::directory;
use crate::rng::ManualRng;

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
        let dir = directory();
        let clock = Arc::new(ManualClock::new(START));
        let queue = Self::open(&dir, &clock).await;
        Self { dir, clock, queue }
    }

    async fn open(dir: &TempDir, clock: &Arc<ManualClock>) -> Queue {
        let state = State::open(&dir.path().join("state.db"), clock.now()).await.unwrap();
        Queue::new(state, clock.clone()).with_rng(Arc::new(ManualRng::default()))
    }

    /// Simulates a kill of the process and the start of another one.
    async fn restart(self) -> Self {
        let Self { dir, clock, queue } = self;
        drop(queue);
        let queue = Self::open(&dir, &clock).await;
        Self { dir, clock, queue }
    }

    async fn claim(&self) -> Claimed {
        self.queue.claim().await.unwrap().unwrap()
    }

    async fn begin(&self, claimed: &Claimed, index: usize) -> Option<Begun> {
        let job = claimed.jobs[index].0;
        self.queue.start_attempt(&claimed.lease, job, Some(self.clock.now())).await.unwrap()
    }

    async fn end(
        &self,
        claimed: &Claimed,
        index: usize,
        report: &JobReport,
        ending: Ending,
    ) -> Option<Duration> {
        let job = claimed.jobs[index].0;
        self.queue.finish_attempt(&claimed.lease, job, report, ending).await.unwrap()
    }

    async fn work_on(&self, claimed: &Claimed, index: usize, report: &JobReport) {
        self.begin(claimed, index).await.unwrap();
        self.end(claimed, index, report, Ending::Done).await;
    }

    async fn ended(&self, claimed: &Claimed) -> Run {
        match self.queue.settle(&claimed.lease).await.unwrap() {
            Settled::Ended(run) => run,
            waits @ Settled::Waits(_) => panic!("{waits:?}"),
        }
    }
}

fn manual(tables: &[Table]) -> NewRun {
    NewRun::new(Trigger::Manual, tables.to_vec())
}

#[tokio::test]
async fn a_claimed_run_ends_with_a_verdict_after_all_its_jobs() {
    let d = Daemon::new().await;
    let new = NewRun { force: true, accept: true, exact: true, as_of: Some(START), ..manual(&[B, A]) };
    let run = d.queue.enqueue(new).await.unwrap().run;
    assert_eq!(d.queue.queued_count().await.unwrap(), 1);

    d.clock.advance(Duration::from_secs(5));
    let claimed = d.claim().await;
    assert_eq!((claimed.run, claimed.request.trigger, claimed.queued), (run, Trigger::Manual, START));
    assert!(
        claimed.request.force
            && claimed.request.accept
            && claimed.request.exact
            && claimed.request.as_of == Some(START)
    );
    assert_eq!(claimed.jobs.iter().map(|j| j.1).collect::<Vec<_>>(), [B, A], "in working order");
    assert_eq!(d.queue.current_run().await.unwrap().unwrap().id, run);
    assert!(d.queue.claim().await.unwrap().is_none(), "claimed once only");

    let snapshot = d.clock.now();
    assert_eq!(d.begin(&claimed, 0).await.unwrap().number, 1);
    d.clock.advance(Duration::from_secs(2));
    let figures = JobFigures {
        entries: 9,
        rebuilt: 1,
        verified: 2,
        skipped: 3,
        pruned: 4,
        failed: 5,
        warnings: 6,
        bytes: 7,
        seconds: 1.5,
    };
    let report = JobReport { figures, error: Some("disk full".into()), ..JobReport::new(B, Outcome::Failed) };
    let early = d.queue.settle(&claimed.lease).await;
    assert!(matches!(early, Err(QueueError::Unfinished { jobs: 1, .. })), "{early:?}");
    d.end(&claimed, 0, &report, Ending::Done).await;
    d.work_on(&claimed, 1, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.clock.set(START - TimeDelta::days(1));
    let done = d.ended(&claimed).await;

    assert_eq!((done.phase, done.outcome), (Phase::Done, Some(Outcome::Failed)));
    assert!((done.seconds - 2.0).abs() < 1e-9, "a set wall clock must not falsify {}", done.seconds);
    let job = &done.jobs[0];
    assert_eq!((job.table, job.phase, job.outcome), (B, Phase::Done, Some(Outcome::Failed)));
    assert_eq!((job.figures, job.error.as_deref()), (figures, Some("disk full")));
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(job.attempts[0].snapshot, Some(snapshot.into()));
    assert_eq!(job.attempts[0].ended, Some((snapshot + TimeDelta::seconds(2)).into()));
    assert_eq!(d.queue.last_run().await.unwrap(), Some(done));
    assert_eq!(d.queue.current_run().await.unwrap(), None);
    assert_eq!(d.queue.queued_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_run_needs_a_table() {
    let d = Daemon::new().await;
    assert!(matches!(d.queue.enqueue(manual(&[])).await, Err(QueueError::NoTables)));
    assert_eq!(d.queue.queued_count().await.unwrap(), 0, "no incomplete run is queued");
}

#[tokio::test]
async fn an_attempt_can_only_end_after_it_began_and_only_once() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    let (lease, job) = (&claimed.lease, claimed.jobs[0].0);
    let report =
        JobReport { snapshot: Some(START + TimeDelta::hours(1)), ..JobReport::new(A, Outcome::Rebuilt) };
    let early = d.queue.finish_attempt(lease, job, &report, Ending::Done).await;
    assert!(matches!(early, Err(QueueError::NotStarted(_))), "{early:?}");
    d.work_on(&claimed, 0, &report).await;
    let twice = d.queue.finish_attempt(lease, job, &report, Ending::Done).await;
    assert!(matches!(twice, Err(QueueError::NotStarted(_))), "{twice:?}");
    assert!(d.begin(&claimed, 0).await.is_none(), "an ended job does not begin again");
    let unknown = d.queue.start_attempt(lease, job + 1, None).await;
    assert!(matches!(unknown, Err(QueueError::NoSuchJob(_))), "{unknown:?}");
    let job = d.queue.jobs(JobFilter::All, 1).await.unwrap().remove(0);
    assert_eq!(
        job.attempts[0].snapshot,
        report.snapshot.map(Into::into),
        "the snapshot that it was finally computed from"
    );
}

/// Returns the next event of a run.
async fn next_event(following: &mut Following) -> Result<Option<Progress>, FellBehind> {
    tokio::time::timeout(Duration::from_mins(1), following.next()).await.expect("no event arrives")
}

#[tokio::test]
async fn a_follower_sees_the_snapshot_first_and_then_every_change() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let other = d.queue.enqueue(manual(&[B])).await.unwrap().run;
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Rebuilt)).await;

    let (snapshot, mut following) = d.queue.subscribe(run).await.unwrap();
    assert_eq!(snapshot.jobs.iter().map(|j| j.phase).collect::<Vec<_>>(), [Phase::Done, Phase::Queued]);
    d.queue.cancel(Target::Run(other), "user 7").await.unwrap();
    d.work_on(&claimed, 1, &JobReport::new(B, Outcome::Verified)).await;
    let done = d.ended(&claimed).await;

    let Some(Progress::JobStarted(started)) = next_event(&mut following).await.unwrap() else {
        panic!("no start")
    };
    assert_eq!((started.table, started.phase), (B, Phase::Running));
    let Some(Progress::JobDone(ended)) = next_event(&mut following).await.unwrap() else { panic!("no end") };
    assert_eq!((ended.table, ended.outcome), (B, Some(Outcome::Verified)));
    assert_eq!(next_event(&mut following).await.unwrap(), Some(Progress::RunDone(done)));
    assert_eq!(next_event(&mut following).await.unwrap(), None);
}

/// At whatever point a follower subscribes, snapshot and events together show the end of every job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_falls_between_snapshot_and_events() {
    let d = Daemon::new().await;
    for _ in 0..20 {
        let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
        let queue = d.queue.clone();
        let worker = tokio::spawn(async move {
            let Claimed { jobs, lease, .. } = queue.claim().await.unwrap().unwrap();
            for (job, table) in jobs {
                queue.start_attempt(&lease, job, None).await.unwrap();
                let report = JobReport::new(table, Outcome::Rebuilt);
                queue.finish_attempt(&lease, job, &report, Ending::Done).await.unwrap();
            }
            queue.settle(&lease).await.unwrap();
        });
        let (snapshot, mut following) = d.queue.subscribe(run).await.unwrap();
        let mut ended: Vec<_> =
            snapshot.jobs.iter().filter(|j| j.phase == Phase::Done).map(|j| j.table).collect();
        while let Some(event) = next_event(&mut following).await.unwrap() {
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
    d.queue.cancel(Target::Run(run), "user 7").await.unwrap();
    let (snapshot, mut following) = d.queue.subscribe(run).await.unwrap();
    assert_eq!(snapshot.phase, Phase::Cancelled);
    assert_eq!(next_event(&mut following).await.unwrap(), Some(Progress::RunDone(snapshot)));
    assert_eq!(next_event(&mut following).await.unwrap(), None);
    assert!(matches!(d.queue.subscribe(run + 1).await, Err(QueueError::NoSuchRun(_))));
}

#[tokio::test]
async fn a_follower_that_falls_behind_gets_an_error() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let (_, mut following) = d.queue.subscribe(run).await.unwrap();
    let event = Progress::RunDone(d.queue.run(run).await.unwrap());
    for _ in 0..=EVENTS {
        d.queue.announce(event.clone());
    }
    assert_eq!(next_event(&mut following).await, Err(FellBehind { missed: 1 }));
}

#[tokio::test]
async fn work_that_is_queued_after_an_empty_claim_is_not_missed() {
    let d = Daemon::new().await;
    let mut work = d.queue.work();
    assert!(d.queue.claim().await.unwrap().is_none());
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let arrived = tokio::time::timeout(Duration::from_mins(1), work.arrived()).await;
    assert!(arrived.expect("the work is not announced"));
    assert!(d.queue.claim().await.unwrap().is_some());
}

#[tokio::test]
async fn jobs_are_filtered_and_listed_newest_first() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Guarded)).await;
    d.work_on(&claimed, 1, &JobReport::new(B, Outcome::Withheld)).await;
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
        let claimed = d.claim().await;
        d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
        d.ended(&claimed).await;
        d.clock.advance(Duration::from_hours(24));
    }
    let waiting = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let before = d.queue.history(START, 10).await.unwrap();
    let d = d.restart().await;
    assert_eq!(d.queue.history(START, 10).await.unwrap(), before);
    assert_eq!(before.iter().map(|r| r.id).collect::<Vec<_>>(), [waiting, waiting - 1, waiting - 2]);
    assert_eq!(d.queue.history(START + TimeDelta::hours(1), 10).await.unwrap().len(), 2);
    assert_eq!(d.queue.history(START, 1).await.unwrap().len(), 1);

    assert_eq!(d.queue.prune_runs(START + TimeDelta::hours(1)).await.unwrap(), 1);
    assert_eq!(d.queue.history(START, 10).await.unwrap().len(), 2);
    assert_eq!(
        d.queue.prune_runs(d.clock.now() + TimeDelta::days(1)).await.unwrap(),
        1,
        "waiting jobs are not pruned"
    );
    assert_eq!(d.queue.jobs(JobFilter::All, 10).await.unwrap().len(), 1, "jobs go with their run");
}
