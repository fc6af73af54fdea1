//! Tests of cancelling.

use cached_proto::verb::cancel::CancelReply;

use super::*;

#[tokio::test]
async fn what_waits_is_cancelled_at_once_and_its_run_with_its_last_job() {
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
        let Some(Progress::JobDone(done)) = heard(&mut following).await.unwrap() else {
            panic!("no end of {job}")
        };
        assert_eq!((done.id, done.phase, done.outcome), (job, Phase::Cancelled, None));
    }
    assert_eq!(heard(&mut following).await.unwrap(), Some(Progress::RunDone(ended)));
    let counted = d.queue.state().counters().await.unwrap();
    assert_eq!((counted["jobs.cancelled"], counted["runs.manual.cancelled"]), (2, 1));
}

#[tokio::test]
async fn a_running_job_is_told_and_the_rest_of_its_run_never_begins() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let claimed = d.claim().await;
    let begun = d.begin(&claimed, 0).await.unwrap();
    assert!(!begun.cancel.is_cancelled());
    let reply = d.queue.cancel(Target::Run(run), "user 7").await.unwrap();
    assert_eq!(reply, CancelReply { cancelled: vec![2], stopping: vec![1] });
    assert!(begun.cancel.is_cancelled());
    assert!(d.begin(&claimed, 1).await.is_none());
    let stopped =
        JobReport { rebuilt: 3, error: Some("cancelled".into()), ..JobReport::new(A, Outcome::Failed) };
    d.end(&claimed, 0, &stopped, Ending::Cancelled).await;
    let ended = d.ended(&claimed).await;
    assert_eq!((ended.phase, ended.outcome), (Phase::Cancelled, None));
    for job in &ended.jobs {
        assert_eq!(job.error.as_deref(), Some("cancelled by user 7"));
    }
    let job = &ended.jobs[0];
    assert_eq!(
        (job.phase, job.outcome, job.rebuilt),
        (Phase::Cancelled, None, 3),
        "what was written is told"
    );
    assert_eq!((job.attempts[0].outcome, job.attempts[0].error.as_deref()), (None, Some("cancelled")));
}

#[tokio::test]
async fn a_run_of_which_some_was_made_ends_with_that() {
    let d = Daemon::new().await;
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    d.work_on(&claimed, 0, &JobReport::new(A, Outcome::Rebuilt)).await;
    d.queue.cancel(Target::Job(2), "user 7").await.unwrap();
    let ended = d.ended(&claimed).await;
    assert_eq!((ended.phase, ended.outcome), (Phase::Done, Some(Outcome::Rebuilt)));
    let retried = d.queue.retry(Target::Run(ended.id)).await.unwrap();
    assert_eq!(retried.tables, [B], "what was called off can be had after all");
}

#[tokio::test]
async fn a_job_that_was_called_off_is_not_tried_again_when_it_fails_first() {
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
async fn what_has_ended_or_never_was_cannot_be_cancelled() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    d.queue.cancel(Target::Run(run), "user 7").await.unwrap();
    assert!(matches!(d.queue.cancel(Target::Job(1), "user 7").await, Err(QueueError::Over(Target::Job(1)))));
    assert!(matches!(d.queue.cancel(Target::Run(run), "user 7").await, Err(QueueError::Over(_))));
    assert!(matches!(d.queue.cancel(Target::Job(9), "user 7").await, Err(QueueError::NoSuchJob(9))));
    assert!(matches!(d.queue.cancel(Target::Run(9), "user 7").await, Err(QueueError::NoSuchRun(9))));
}
