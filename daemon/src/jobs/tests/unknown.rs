//! Words of another version in the state database: rows with such words are kept, shown and left alone.

use cached_proto::verb::jobs::UnknownRow;
use cached_proto::words::{HealthLevel, MaintenanceTask, SchedulerState};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

use super::*;
use crate::figures::{full_refreshes, load};

impl Daemon {
    async fn database(&self) -> sea_orm::DatabaseConnection {
        let path = self.dir.path().join("state.db");
        Database::connect(format!("sqlite://{}?mode=rw", path.display())).await.unwrap()
    }

    async fn sql(&self, sql: &str) {
        let db = self.database().await;
        db.execute_unprepared(sql).await.unwrap();
        db.close().await.unwrap();
    }

    async fn text(&self, sql: &str) -> String {
        let db = self.database().await;
        let row = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
        let text = row.try_get_by_index(0).unwrap();
        db.close().await.unwrap();
        text
    }

    /// Works on the queue until it is empty; returns the numbers of the runs that ended.
    async fn run_queued(&self) -> Vec<i64> {
        let mut ended = Vec::new();
        while let Some(claimed) = self.queue.claim().await.unwrap() {
            for index in 0..claimed.jobs.len() {
                let report = JobReport::new(claimed.jobs[index].1, Outcome::Rebuilt);
                self.work_on(&claimed, index, &report).await;
            }
            ended.push(self.ended(&claimed).await.id);
            assert!(ended.len() < 100, "the queue never ends: {ended:?}");
        }
        ended
    }
}

fn unknown(run: i64, trigger: &str) -> UnknownRow {
    let (trigger, phase) = (trigger.to_owned(), "queued".to_owned());
    UnknownRow { run, job: None, trigger, table: None, phase, outcome: None }
}

#[tokio::test]
async fn a_run_with_an_unknown_trigger_stays_queued_while_others_run() {
    let d = Daemon::new().await;
    let strange = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    d.sql("UPDATE runs SET trigger = 'comet', not_before = 1").await;
    let asked = d.queue.enqueue(manual(&[A])).await.unwrap().run;
    let d = d.restart().await;
    d.queue.recover().await.unwrap();
    assert_eq!(d.queue.unknown_count().await.unwrap(), 1);
    assert_eq!(d.run_queued().await, [asked]);
    assert_eq!(d.queue.queued_count().await.unwrap(), 0);
    assert_eq!(d.queue.claimable_since().await.unwrap(), None, "health must not consider it stuck");
    assert!(!d.queue.enqueue(NewRun::new(Trigger::Startup, vec![A])).await.unwrap().joined);

    let page = d.queue.history_page(START, None, 10).await.unwrap();
    assert_eq!(page.unknown, [unknown(strange, "comet")]);
    assert_eq!(page.runs.iter().map(|run| run.id).collect::<Vec<_>>(), [3, asked]);
    let jobs = d.queue.jobs_page(JobFilter::All, None, 10, Attempts::None).await.unwrap();
    let [job] = jobs.unknown.as_slice() else { panic!("{jobs:?}") };
    assert_eq!((job.run, job.trigger.as_str(), job.table.as_deref()), (strange, "comet", Some(A.as_str())));
    assert_eq!(jobs.jobs.len(), 2);

    assert_eq!(d.queue.prune_runs(START + TimeDelta::days(1)).await.unwrap(), 1, "the ended run");
    assert_eq!(d.text("SELECT trigger FROM runs WHERE id = 1").await, "comet");
    // A person may still cancel it.
    assert_eq!(d.queue.cancel(Target::Run(strange), "uid 1").await.unwrap().cancelled.len(), 1);
    assert_eq!(d.text("SELECT phase FROM runs WHERE id = 1").await, "cancelled");
}

#[tokio::test]
async fn a_job_of_an_unknown_table_is_cancelled_and_keeps_its_word() {
    let d = Daemon::new().await;
    let run = d.queue.enqueue(manual(&[A, B])).await.unwrap().run;
    let lone = d.queue.enqueue(NewRun { force: true, ..manual(&[A]) }).await.unwrap().run;
    d.sql("UPDATE jobs SET table_name = 'moon_report_cache' WHERE id <> 2").await;
    assert_eq!(d.run_queued().await, [run, lone]);
    let shown = d.queue.run(run).await.unwrap();
    assert_eq!((shown.outcome, shown.jobs.len()), (Some(Outcome::Rebuilt), 1));
    let page = d.queue.history_page(START, None, 10).await.unwrap();
    let words: Vec<_> = page.unknown.iter().map(|row| (row.run, row.job, row.table.as_deref())).collect();
    assert_eq!(
        words,
        [(lone, Some(3), Some("moon_report_cache")), (run, Some(1), Some("moon_report_cache"))]
    );
    let error = d.queue.job(1).await.unwrap_err().to_string();
    assert!(error.contains("\"moon_report_cache\" as jobs.table_name"), "{error}");
    assert_eq!(
        d.text("SELECT phase || ': ' || error FROM jobs WHERE id = 1").await,
        "cancelled: this version of cached does not know the table"
    );
    assert!(d.queue.retry(Target::Run(lone)).await.is_err(), "nothing that this version can retry");
    assert_eq!(d.queue.last_jobs().await.unwrap().len(), 1);
}

#[tokio::test]
async fn listings_and_figures_accept_unknown_outcomes() {
    let d = Daemon::new().await;
    for _ in 0..2 {
        d.queue.enqueue(manual(&[A])).await.unwrap();
        d.run_queued().await;
    }
    d.sql(
        "UPDATE runs SET outcome = 'molten' WHERE id = 2; UPDATE jobs SET outcome = 'molten' WHERE id = 2; \
           DROP TRIGGER attempts_end_once; UPDATE attempts SET outcome = 'molten', error = 'hot'",
    )
    .await;
    assert_eq!(d.queue.last_run().await.unwrap().unwrap().id, 1);
    assert_eq!(d.queue.last_outcome(A).await.unwrap(), Some(Outcome::Rebuilt));
    assert_eq!(d.queue.last_results().await.unwrap().iter().map(|job| job.id).collect::<Vec<_>>(), [1]);
    let (job, _) = d.queue.job(1).await.unwrap();
    let shown = (job.attempts[0].outcome, job.attempts[0].error.as_deref());
    assert_eq!(shown, (None, Some("outcome \"molten\", which this version does not know: hot")));
    let page = d.queue.jobs_page(JobFilter::All, None, 10, Attempts::None).await.unwrap();
    assert_eq!((page.jobs.len(), page.unknown[0].outcome.as_deref()), (1, Some("molten")));
    let full = full_refreshes(d.queue.state(), 1).await.unwrap();
    assert_eq!((full.total, full.good), (2, 1), "an unknown outcome does not count as good");
    let past = load(d.queue.state(), START).await.unwrap();
    assert_eq!((past.runs.len(), past.jobs.len()), (1, 1));
}

#[tokio::test]
async fn unknown_words_in_settings_slots_tasks_wipes_and_held_tables_are_kept() {
    let d = Daemon::new().await;
    d.sql(
        "INSERT INTO settings VALUES ('scheduler', 'dozing'), ('announced.command', 'feverish'); \
         INSERT INTO slots VALUES ('nightly', '1970-01-01 02:00', 'dreamt', NULL, 0); \
         INSERT INTO chores (task, slot, queued) VALUES ('polish', '1970-01-01 02:00', 0), ('analyze', '1970-01-01 02:00', 0); \
         INSERT INTO chores (task, slot, queued, ended, error) VALUES ('sweep', '1970-01-01 02:00', 0, 1, 'why'); \
         INSERT INTO wipes VALUES ('1970-01-02', 3, 'moon_report_cache'); \
         INSERT INTO rewrites VALUES (0, 'moon_report_cache', 9); \
         INSERT INTO guarded (table_name, reason, since) VALUES ('moon_report_cache', 'why', 0); \
         INSERT INTO sources VALUES ('dia_events_report_cache', 'event', 1, 'another hash', 0)",
    )
    .await;
    let state = d.queue.state();
    assert_eq!(state.scheduler_state().await.unwrap(), SchedulerState::Running);
    assert_eq!(state.announced("command").await.unwrap(), HealthLevel::Healthy);
    assert_eq!(d.queue.slot("nightly", "1970-01-01 02:00").await.unwrap(), None);
    let newest = d.queue.newest_slot("nightly", "1970-01-01 02:00").await.unwrap();
    assert_eq!(newest.as_deref(), Some("1970-01-01 02:00"), "its decision is final");
    assert_eq!(state.due_task().await.unwrap().unwrap().task, MaintenanceTask::Analyze);
    assert!(state.failed_tasks().await.unwrap().is_empty());
    assert!(state.wipes(START.date_naive()).await.unwrap().is_empty());
    assert!(state.rewrites(START).await.unwrap().is_empty());
    assert!(state.guarded().await.unwrap().is_empty());
    assert!(state.sources(Table::DiaEventsReportCache).await.unwrap().is_empty());
    let rows = "SELECT (SELECT value FROM settings WHERE key = 'scheduler') || (SELECT decision FROM slots) || \
                (SELECT task FROM chores WHERE id = 1) || (SELECT table_name FROM guarded)";
    assert_eq!(d.text(rows).await, "dozingdreamtpolishmoon_report_cache", "every row stays as it was");
}

/// The longest texts that errors have, with as much to escape as there can be.
#[tokio::test]
async fn a_page_ends_before_it_exceeds_the_limit_of_an_answer() {
    let d = Daemon::new().await;
    for _ in 0..3 {
        d.queue.enqueue(manual(&[A, B])).await.unwrap();
        d.run_queued().await;
    }
    d.sql("UPDATE jobs SET error = replace(hex(zeroblob(100000)), '00', '\"\\')").await;
    let (mut runs, mut jobs, mut before) = (Vec::new(), Vec::new(), None);
    loop {
        let page = d.queue.history_page(START, before, 500).await.unwrap();
        assert!(cached_present::json::pretty(&page).unwrap().len() < 1024 * 1024);
        runs.extend(page.runs.into_iter().map(|run| run.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(runs, [3, 2, 1]);
    loop {
        let page = d.queue.jobs_page(JobFilter::All, before, 500, Attempts::Newest).await.unwrap();
        assert!(cached_present::json::pretty(&page).unwrap().len() < 1024 * 1024);
        jobs.extend(page.jobs.into_iter().map(|job| job.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(jobs, [6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn consecutive_pages_have_no_gap_and_come_to_an_end() {
    let d = Daemon::new().await;
    for _ in 0..5 {
        d.queue.enqueue(manual(&[A, B])).await.unwrap();
        d.run_queued().await;
    }
    let (mut runs, mut jobs, mut before) = (Vec::new(), Vec::new(), None);
    loop {
        let page = d.queue.history_page(START, before, 2).await.unwrap();
        runs.extend(page.runs.into_iter().map(|run| run.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(runs, [5, 4, 3, 2, 1]);
    loop {
        let page = d.queue.jobs_page(JobFilter::All, before, 5, Attempts::None).await.unwrap();
        jobs.extend(page.jobs.into_iter().map(|job| job.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(jobs, (1..=10).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn unfinished_jobs_are_counted_and_their_tables_named_without_reading_the_jobs() {
    let d = Daemon::new().await;
    let policy =
        RetryPolicy { attempts: 3, base_delay: Duration::from_secs(2), max_delay: Duration::from_secs(2) };
    d.queue.enqueue(manual(&[A, B])).await.unwrap();
    let claimed = d.claim().await;
    d.begin(&claimed, 0).await.unwrap();
    d.end(&claimed, 0, &JobReport::new(A, Outcome::Failed), Ending::Failed(policy)).await;
    d.begin(&claimed, 1).await.unwrap();
    let catch_up = NewRun { slot: Some("1970-01-01 02:00".into()), ..NewRun::new(Trigger::CatchUp, vec![A]) };
    let catch_up = d.queue.enqueue(catch_up).await.unwrap().run;
    assert_eq!(d.queue.unfinished().await.unwrap(), Unfinished { pending: 1, running: 1, retrying: 1 });
    assert_eq!(d.queue.busy_tables().await.unwrap(), [A, B].into());
    let pending = d.queue.pending_catch_ups().await.unwrap();
    assert_eq!(
        pending.iter().map(|run| (run.id, run.phase)).collect::<Vec<_>>(),
        [(catch_up, Phase::Queued)]
    );
}
