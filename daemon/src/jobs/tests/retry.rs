//! Tests of retries after a failed attempt, and of cancelling.

use cached_proto::verb::cancel::CancelReply;

use super::*;

const POLICY: RetryPolicy =
    RetryPolicy { attempts: 3, base_delay: Duration::from_secs(8), max_delay: Duration::from_secs(10) };

fn locked() -> JobReport {
    let figures = JobFigures { seconds: 0.5, ..JobFigures::default() };
    JobReport { figures, error: Some("locked".into()), ..JobReport::new(A, Outcome::Failed) }
}

impl Daemon {
    async fn fail(&self, claimed: &Claimed, index: usize) -> Option<Duration> {
        self.begin(claimed, index).await.unwrap();
        self.end(claimed, index, &locked(), Ending::Failed(POLICY)).await
    }

    /// Claims the first job, lets it fail and gives the run back.
    async fn fail_once(&self) -> Duration {
        let claimed = self.claim().await;
        let pause = self.fail(&claimed, 0).await.unwrap();
        assert!(matches!(self.queue.settle(&claimed.lease).await.unwrap(), Settled::Waits(_)));
        pause
    }
}

#[tokio::test]
async fn a_paused_job_continues_after_its_pause_without_counting_as_failed() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let half_a_minute = Duration::from_secs(30);
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    let pause = d.end(&claimed, 0, &JobReport::new(A, Outcome::Mixed), Ending::Paused(half_a_minute)).await;
    assert_eq!(pause, Some(half_a_minute));
    assert!(matches!(d.queue.settle(&claimed.lease).await.unwrap(), Settled::Waits(_)));
    d.clock.advance(Duration::from_secs(29));
    assert!(d.queue.claim().await.unwrap().is_none(), "not before its time");
    d.clock.advance(Duration::from_secs(1));
    let claimed = d.claim().await;
    assert_eq!(claimed.run, run);
    assert_eq!(d.begin(&claimed, 0).await.unwrap().number, 2);
    d.end(&claimed, 0, &JobReport::new(A, Outcome::Verified), Ending::Done).await;
    assert_eq!(d.ended(&claimed).await.outcome, Some(Outcome::Verified));
    let counted = d.queue.state().counters().await.unwrap();
    assert_eq!((counted[counters::ATTEMPTS], counted.get(counters::RETRIES)), (2, None));
}

#[tokio::test]
async fn a_failed_job_is_retried_after_a_pause_until_its_attempts_are_used_up() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    for longest in [8, 10] {
        let pause = d.fail_once().await;
        assert!(pause > Duration::ZERO && pause <= Duration::from_secs(longest), "{pause:?}");
        assert!(d.queue.claim().await.unwrap().is_none(), "not before its time");
        let (job, not_before) = d.queue.job(1).await.unwrap();
        assert_eq!((job.phase, job.outcome, job.error.as_deref()), (Phase::Queued, None, Some("locked")));
        assert_eq!(not_before, Some(d.clock.now() + TimeDelta::from_std(pause).unwrap()));
        assert_eq!(d.queue.queued_count().await.unwrap(), 1);
        d.clock.advance(pause);
    }
    let claimed = d.claim().await;
    assert_eq!(claimed.run, run);
    assert_eq!(d.fail(&claimed, 0).await, None, "three attempts were allowed");
    let ended = d.ended(&claimed).await;
    assert_eq!(ended.outcome, Some(Outcome::Failed));
    let attempts = &ended.jobs[0].attempts;
    assert_eq!(attempts.len(), 3);
    assert!(
        attempts.iter().all(|a| a.outcome == Some(Outcome::Failed) && a.error.as_deref() == Some("locked"))
    );
    assert!(attempts.iter().all(|attempt| (attempt.seconds - 0.5).abs() < 1e-9), "{attempts:?}");
    assert!(attempts.is_sorted_by(|a, b| a.snapshot < b.snapshot), "each attempt has its own snapshot");
    let listed = async |attempts| {
        let page = d.queue.jobs_page(JobFilter::All, None, 1, attempts).await.unwrap();
        page.jobs[0].attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>()
    };
    assert_eq!(listed(Attempts::Newest).await, [3], "its number is the count of attempts");
    assert_eq!((listed(Attempts::None).await, listed(Attempts::All).await), (vec![], vec![1, 2, 3]));
    let counted = d.queue.state().counters().await.unwrap();
    assert_eq!((counted[counters::ATTEMPTS], counted[counters::RETRIES]), (3, 2));
    assert_eq!((counted["jobs.failed"], counted["runs.manual.failed"]), (1, 1));
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    assert_eq!(d.end(&claimed, 0, &locked(), Ending::Done).await, None);
    assert_eq!(d.ended(&claimed).await.outcome, Some(Outcome::Failed));
}

#[tokio::test]
async fn other_jobs_and_runs_continue_while_a_job_waits_for_its_retry() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let other = d.queue.enqueue(NewRun::new(Trigger::Schedule, vec![B])).await.unwrap().run;
    let claimed = d.claim().await;
    let pause = d.fail(&claimed, 0).await.unwrap();
    d.work_on(&claimed, 1, &JobReport::new(B, Outcome::Rebuilt)).await;
    assert!(matches!(d.queue.settle(&claimed.lease).await.unwrap(), Settled::Waits(_)));

    let meanwhile = d.claim().await;
    assert_eq!(meanwhile.run, other);
    d.work_on(&meanwhile, 0, &JobReport::new(B, Outcome::Verified)).await;
    d.ended(&meanwhile).await;

    d.clock.advance(pause);
    let again = d.claim().await;
    assert_eq!((again.run, again.jobs.as_slice()), (run, &claimed.jobs[..1]));
    d.work_on(&again, 0, &JobReport::new(A, Outcome::Verified)).await;
    let ended = d.ended(&again).await;
    assert_eq!((ended.outcome, ended.jobs[0].error.as_deref()), (Some(Outcome::Mixed), None));
}

#[tokio::test]
async fn a_pause_survives_a_restart() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let pause = d.fail_once().await;
    let d = d.restart().await;
    assert_eq!(d.queue.recover().await.unwrap(), 0);
    assert!(d.queue.claim().await.unwrap().is_none());
    d.clock.advance(pause);
    assert_eq!(d.begin(&d.claim().await, 0).await.unwrap().number, 2);
}

#[tokio::test]
async fn a_pause_set_by_a_clock_that_was_ahead_ends_when_the_clock_is_corrected() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    d.clock.set(START + TimeDelta::days(30));
    d.fail_once().await;
    d.clock.set(START);
    assert_eq!(d.claim().await.jobs.len(), 1);
}

#[tokio::test]
async fn may_be_due_returns_when_the_next_attempt_is_due() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let pause = d.fail_once().await;
    let queue = d.queue.clone();
    let waiting = tokio::spawn(async move { queue.may_be_due().await.unwrap() });
    d.clock.sleeping(1).await;
    assert!(!waiting.is_finished());
    d.clock.advance(pause);
    waiting.await.unwrap();
    assert_eq!(d.claim().await.jobs.len(), 1);
}

#[tokio::test]
async fn retrying_a_waiting_job_ends_its_pause() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    d.fail_once().await;
    let reply = d.queue.retry(Target::Job(1)).await.unwrap();
    assert_eq!((reply.runs.as_slice(), reply.tables.as_slice()), (&[run][..], &[A][..]));
    assert_eq!(d.claim().await.run, run);
}

#[tokio::test]
async fn retrying_a_failed_run_queues_a_new_run_and_keeps_the_old_one() {
    let d = Daemon::new().await;
    let night = NewRun { exact: true, ..NewRun::new(Trigger::Watch, vec![A, B]) };
    d.queue.enqueue(night).await.unwrap();
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &locked()).await;
    d.work_on(&claimed, 1, &JobReport::new(B, Outcome::Rebuilt)).await;
    let old = d.ended(&claimed).await;
    let good = d.queue.retry(Target::Job(old.jobs[1].id)).await;
    assert!(matches!(good, Err(QueueError::NothingToRetry(_))), "{good:?}");

    let reply = d.queue.retry(Target::Job(old.jobs[0].id)).await.unwrap();
    assert_eq!(reply.tables, [A]);
    assert_eq!(d.queue.retry(Target::Run(old.id)).await.unwrap(), reply, "an identical retry joins");
    assert_eq!(d.queue.retry_failed().await.unwrap(), reply);
    let again = d.claim().await;
    assert_eq!(
        (again.request.trigger, again.request.force, again.request.exact),
        (Trigger::Manual, true, true)
    );
    d.work_on(&again, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.ended(&again).await;
    assert_eq!(d.queue.run(old.id).await.unwrap(), old);
    assert!(d.queue.retry_failed().await.unwrap().runs.is_empty(), "there is no failed job left");
    assert!(matches!(d.queue.retry(Target::Job(99)).await, Err(QueueError::NoSuchJob(99))));
}

#[tokio::test]
async fn a_job_that_skips_every_entry_does_not_supersede_a_failed_one() {
    let d = Daemon::new().await;
    for outcome in [Outcome::Failed, Outcome::Skipped] {
        d.queue.enqueue(manual(&[A])).await.unwrap();
        let claimed = d.claim().await;
        d.work_on(&claimed, 0, &JobReport::new(A, outcome)).await;
        d.ended(&claimed).await;
    }
    assert_eq!(d.queue.last_jobs().await.unwrap()[0].outcome, Some(Outcome::Skipped));
    let results = d.queue.last_results().await.unwrap();
    assert_eq!(results.iter().map(|job| job.outcome).collect::<Vec<_>>(), [Some(Outcome::Failed)]);
    assert_eq!(d.queue.last_outcome(A).await.unwrap(), Some(Outcome::Failed));
    assert_eq!(d.queue.last_outcome(B).await.unwrap(), None);
    assert_eq!(d.queue.retry_failed().await.unwrap().tables, [A]);
}

#[tokio::test]
async fn an_attempt_that_has_ended_never_changes() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    d.fail_once().await;
    let tx = d.queue.state().begin().await.unwrap();
    let change = sea_orm::ConnectionTrait::execute_unprepared(&tx, "UPDATE attempts SET error = NULL").await;
    assert!(change.unwrap_err().to_string().contains("history"));
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_its_run_with_its_last_job() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let (_, mut following) = d.queue.subscribe(run).await.unwrap();
    let reply = d.queue.cancel(Target::Job(1), "user 7").await.unwrap();
    assert_eq!(reply, CancelReply { cancelled: vec![1], stopping: vec![] });
    assert_eq!(d.queue.run(run).await.unwrap().phase, Phase::Queued);
    d.queue.cancel(Target::Job(2), "user 7").await.unwrap();
    let ended = d.queue.run(run).await.unwrap();
    assert_eq!((ended.phase, ended.outcome), (Phase::Cancelled, None));
    assert!(d.queue.claim().await.unwrap().is_none());

    for job in [1, 2] {
        let Some(Progress::JobDone(done)) = next_event(&mut following).await.unwrap() else {
            panic!("no end of {job}")
        };
        assert_eq!((done.id, done.phase, done.outcome), (job, Phase::Cancelled, None));
    }
    assert_eq!(next_event(&mut following).await.unwrap(), Some(Progress::RunDone(ended)));
    let counted = d.queue.state().counters().await.unwrap();
    assert_eq!((counted["jobs.cancelled"], counted["runs.manual.cancelled"]), (2, 1));
}

#[tokio::test]
async fn cancelling_a_run_stops_its_running_job_and_the_others_never_begin() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let claimed = d.claim().await;
    let begun = d.begin(&claimed, 0).await.unwrap();
    assert!(!begun.cancel.is_cancelled());
    let reply = d.queue.cancel(Target::Run(run), "user 7").await.unwrap();
    assert_eq!(reply, CancelReply { cancelled: vec![2], stopping: vec![1] });
    assert!(begun.cancel.is_cancelled());
    assert!(d.begin(&claimed, 1).await.is_none());
    let figures = JobFigures { rebuilt: 3, ..JobFigures::default() };
    let stopped =
        JobReport { figures, error: Some("cancelled".into()), ..JobReport::new(A, Outcome::Failed) };
    d.end(&claimed, 0, &stopped, Ending::Cancelled).await;
    let ended = d.ended(&claimed).await;
    assert_eq!((ended.phase, ended.outcome), (Phase::Cancelled, None));
    for job in &ended.jobs {
        assert_eq!(job.error.as_deref(), Some("cancelled by user 7"));
    }
    let job = &ended.jobs[0];
    assert_eq!(
        (job.phase, job.outcome, job.figures.rebuilt),
        (Phase::Cancelled, None, 3),
        "the entries written until then are reported"
    );
    assert_eq!((job.attempts[0].outcome, job.attempts[0].error.as_deref()), (None, Some("cancelled")));
}

#[tokio::test]
async fn a_partly_cancelled_run_ends_with_the_outcome_of_its_finished_jobs() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.queue.cancel(Target::Job(2), "user 7").await.unwrap();
    let ended = d.ended(&claimed).await;
    assert_eq!((ended.phase, ended.outcome), (Phase::Done, Some(Outcome::Rebuilt)));
    let retried = d.queue.retry(Target::Run(ended.id)).await.unwrap();
    assert_eq!(retried.tables, [B], "a cancelled table can be retried");
}

#[tokio::test]
async fn a_cancelled_job_that_fails_before_it_stops_is_not_retried() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A])).await.unwrap();
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    d.queue.cancel(Target::Job(1), "user 7").await.unwrap();
    let policy =
        RetryPolicy { attempts: 3, base_delay: Duration::from_secs(1), max_delay: Duration::from_secs(1) };
    let failed = JobReport::new(A, Outcome::Failed);
    assert_eq!(d.end(&claimed, 0, &failed, Ending::Failed(policy)).await, None);
    assert_eq!(d.ended(&claimed).await.outcome, Some(Outcome::Failed));
}

#[tokio::test]
async fn an_ended_or_unknown_target_cannot_be_cancelled() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    d.queue.cancel(Target::Run(run), "user 7").await.unwrap();
    assert!(matches!(d.queue.cancel(Target::Job(1), "user 7").await, Err(QueueError::Over(Target::Job(1)))));
    assert!(matches!(d.queue.cancel(Target::Run(run), "user 7").await, Err(QueueError::Over(_))));
    assert!(matches!(d.queue.cancel(Target::Job(9), "user 7").await, Err(QueueError::NoSuchJob(9))));
    assert!(matches!(d.queue.cancel(Target::Run(9), "user 7").await, Err(QueueError::NoSuchRun(9))));
}
