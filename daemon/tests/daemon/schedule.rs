//! Automatic work: missed nights, entries that need an early refresh, and how both are reported.

use std::time::Duration;

use cached::clock::Clock as _;
use cached::daemon::Daemon;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::history::{HistoryRequest, Run};
use cached_proto::verb::next::{NextReply, NextRequest};
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::verb::rehearse::{RehearseReply, RehearseRequest};
use cached_proto::words::{Outcome, SlotFate, Table, Trigger};

use crate::boot::{Home, ask, connect, execute, fault, finished, queued};
use crate::passing::pass;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Disables the watch, so that only the schedule notices changes.
fn unwatched(home: &mut Home) {
    home.set("watch", "enabled", "false");
}

/// Waits for a run and its end.
async fn run(daemon: &Daemon, id: i64) -> Run {
    queued(daemon, id).await;
    finished(daemon, id).await
}

/// Advances the clock minute by minute until the run exists, and waits for its end.
async fn run_in_time(home: &Home, daemon: &Daemon, id: i64) -> Run {
    let end = home.clock.now() + 48 * HOUR;
    while daemon.queue().run(id).await.is_err() {
        assert!(home.clock.now() < end, "run {id} is not queued");
        pass(&home.clock, MINUTE).await;
    }
    finished(daemon, id).await
}

async fn runs(daemon: &Daemon) -> Vec<Run> {
    match ask(daemon, Request::History(HistoryRequest { since_seconds: 10_000_000 })).await {
        Reply::History(reply) => reply.runs,
        other => panic!("{other:?}"),
    }
}

async fn next(daemon: &Daemon, count: u32) -> NextReply {
    match ask(daemon, Request::Next(NextRequest { count })).await {
        Reply::Next(reply) => reply,
        other => panic!("{other:?}"),
    }
}

async fn rehearse(daemon: &Daemon, from: &str, days: u32) -> RehearseReply {
    match ask(daemon, Request::Rehearse(RehearseRequest { from: from.to_owned(), days })).await {
        Reply::Rehearse(reply) => reply,
        other => panic!("{other:?}"),
    }
}

async fn lose(home: &Home, table: Table) {
    execute(home, &format!("DELETE FROM {table}")).await;
}

#[tokio::test]
async fn a_night_without_a_daemon_is_caught_up_once() {
    let home = Home::lived_in().await;
    home.clock.advance(64 * HOUR);
    let daemon = home.boot().await;
    let note = next(&daemon, 2).await.notes;
    let caught_up = run(&daemon, 2).await;
    assert_eq!((caught_up.trigger, caught_up.slot.as_deref()), (Trigger::CatchUp, Some("2026-03-13 02:00")));
    // The run may have ended before health was requested.
    assert!(note.iter().all(|note| note.contains("2026-03-13 02:00 was missed; run 2")), "{note:?}");
    daemon.stop().await.unwrap();
    let daemon = home.boot().await;
    assert_eq!(runs(&daemon).await.len(), 2);
}

#[tokio::test]
async fn a_missed_night_is_not_caught_up_if_catch_up_is_off() {
    let mut home = Home::lived_in().await;
    home.set("schedule", "catch_up", "false");
    home.clock.advance(15 * HOUR);
    let daemon = home.boot().await;
    assert_eq!(runs(&daemon).await.len(), 1);
}

#[tokio::test]
async fn removed_rows_are_refilled_by_a_run_of_only_their_table() {
    let mut home = Home::lived_in().await;
    unwatched(&mut home);
    lose(&home, Table::OrganizationSummaryCache).await;
    home.clock.advance(HOUR);
    let daemon = home.boot().await;
    let filled = run_in_time(&home, &daemon, 2).await;
    assert_eq!(filled.trigger, Trigger::TopUp);
    let [job] = filled.jobs.as_slice() else { panic!("{:?}", filled.jobs) };
    assert_eq!((job.table, job.outcome), (Table::OrganizationSummaryCache, Some(Outcome::Rebuilt)));
}

#[tokio::test]
async fn entries_that_expire_before_the_night_are_topped_up() {
    let mut home = Home::lived_in().await;
    // Entries reach their age limit at noon, an hour before their renewal.
    unwatched(&mut home);
    home.set("cache", "max_cache_age_hours", "23");
    home.set("schedule", "refresh_time", "13:00");
    home.clock.advance(HOUR / 2);
    let daemon = home.boot().await;
    let daily = run_in_time(&home, &daemon, 2).await;
    assert_eq!(daily.trigger, Trigger::Schedule);
    home.clock.advance(23 * HOUR);
    let topped_up = run_in_time(&home, &daemon, 3).await;
    assert_eq!(topped_up.trigger, Trigger::TopUp);
    assert!(topped_up.jobs.iter().any(|job| job.table == Table::OrganizationSummaryCache));
    for job in &topped_up.jobs {
        assert_eq!(job.figures.skipped, 0, "{job:?}");
    }
}

#[tokio::test]
async fn entries_skipped_as_young_are_topped_up_before_they_expire() {
    let mut home = Home::lived_in().await;
    unwatched(&mut home);
    home.set("cache", "max_cache_age_hours", "23");
    home.set("cache", "refresh_after_hours", "22");
    home.set("schedule", "refresh_time", "13:00");
    home.clock.advance(HOUR / 2);
    let daemon = home.boot().await;
    assert_eq!(run_in_time(&home, &daemon, 2).await.trigger, Trigger::Schedule);
    // Just over an hour before the top-up is due, everything still counts as young.
    home.clock.advance(21 * HOUR + 5 * HOUR / 6);
    let request =
        RefreshRequest { tables: vec![Table::OrganizationSummaryCache], ..RefreshRequest::default() };
    let Reply::Refresh(asked) = ask(&daemon, Request::Refresh(request)).await else { panic!("no reply") };
    let manual = finished(&daemon, asked.run).await;
    assert_eq!(manual.outcome, Some(Outcome::Skipped), "{manual:?}");

    let renews = |run: &Run| {
        let mut tables = run.jobs.iter().map(|job| job.table);
        run.trigger == Trigger::TopUp && tables.any(|table| table == Table::OrganizationSummaryCache)
    };
    let mut id = asked.run + 1;
    let topped_up = loop {
        let run = run_in_time(&home, &daemon, id).await;
        if renews(&run) {
            break run;
        }
        id += 1;
    };
    let later = topped_up.queued.to_utc() - manual.queued.to_utc();
    assert!(later.num_minutes() < 90, "{later}");
}

#[tokio::test]
async fn a_payload_changed_in_place_is_replaced_by_the_next_nightly_run() {
    let mut home = Home::lived_in().await;
    unwatched(&mut home);
    let wrong = format!(
        "UPDATE {} SET organizations_data = replace(organizations_data, '1', '7')",
        Table::OrganizationSummaryCache
    );
    execute(&home, &wrong).await;
    let daemon = home.boot().await;
    home.clock.advance(13 * HOUR);
    let mut id = 2;
    let night = loop {
        let run = run_in_time(&home, &daemon, id).await;
        if run.trigger == Trigger::Schedule {
            break run;
        }
        id += 1;
    };
    let summary = night.jobs.iter().find(|job| job.table == Table::OrganizationSummaryCache).unwrap();
    assert!(summary.figures.rebuilt > 0, "{summary:?}");
}

#[tokio::test]
async fn missing_rows_are_refilled_only_after_the_scheduler_is_started() {
    let mut home = Home::lived_in().await;
    unwatched(&mut home);
    lose(&home, Table::OrganizationSummaryCache).await;
    let daemon = home.boot().await;
    ask(&daemon, Request::StopScheduler).await;
    let stopped = next(&daemon, 1).await;
    assert!(stopped.fires[0].note.as_ref().unwrap().contains("paused"), "{stopped:?}");
    for _ in 0..5 {
        pass(&home.clock, HOUR).await;
    }
    assert_eq!(daemon.queue().queued_count().await.unwrap(), 0);
    assert_eq!(runs(&daemon).await.len(), 1);
    ask(&daemon, Request::StartScheduler).await;
    let filled = run(&daemon, 2).await;
    assert_eq!(filled.trigger, Trigger::Startup);
    let job = filled.jobs.iter().find(|job| job.table == Table::OrganizationSummaryCache).unwrap();
    assert_eq!(job.outcome, Some(Outcome::Rebuilt));
}

#[tokio::test]
async fn a_rehearsal_lists_clock_changes_and_top_ups() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let reply = rehearse(&daemon, "2026-03-07", 2).await;
    assert_eq!((reply.notes.as_slice(), reply.timezone.as_str()), (&[][..], "America/Chicago"));
    let nights: Vec<_> = reply.decisions.iter().filter(|d| d.trigger == Trigger::Schedule).collect();
    let shown: Vec<_> = nights.iter().map(|d| (d.slot.as_deref().unwrap(), d.offset.as_str())).collect();
    assert_eq!(shown, [("2026-03-07 02:00", "-06:00"), ("2026-03-08 02:00", "-05:00")]);
    assert!(nights[1].note.as_ref().unwrap().contains("goes forward"));
    let tops: Vec<_> = reply.decisions.iter().filter(|d| d.trigger == Trigger::TopUp).collect();
    assert!(
        tops.iter()
            .any(|d| d.tables == [Table::RecentVolunteersReportCache, Table::RecruitmentCandidatesCache]),
        "{tops:?}"
    );
    assert!(reply.decisions.is_sorted_by_key(|decision| decision.at));
    assert!(reply.decisions.iter().all(|decision| decision.fate == SlotFate::Run));
}

#[tokio::test]
async fn a_rehearsal_without_vms_lists_only_the_slots() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    let reply = rehearse(&daemon, "2026-11-01", 1).await;
    assert_eq!(reply.decisions.len(), 1);
    assert!(reply.notes[0].contains("only scheduled runs"), "{:?}", reply.notes);
}

#[tokio::test]
async fn a_rehearsal_of_an_invalid_date_or_number_of_days_is_refused() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    for (from, days) in
        [("tomorrow", 1), ("2026-02-30", 1), ("9999-01-01", 1), ("2026-03-07", 0), ("2026-03-07", 401)]
    {
        let request = Request::Rehearse(RehearseRequest { from: from.to_owned(), days });
        let refused = fault(connect(&daemon).await.call(&request).await);
        assert!(!refused.hint.is_empty(), "{from} {days}: {refused:?}");
    }
}
