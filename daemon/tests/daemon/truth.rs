//! Consistency of what the daemon reports: health, report, get, invalidate.

use std::time::Duration;

use cached::daemon::Daemon;
use cached::jobs::NewRun;
use cached::reports;
use cached_proto::fault::FaultCode;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::get::{GetReply, GetRequest, KeyPart};
use cached_proto::verb::history::Run;
use cached_proto::verb::invalidate::{InvalidateReply, InvalidateRequest};
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::verb::report::{ReportReply, ReportRequest};
use cached_proto::words::{CacheType, Outcome, Table, TableState, Trigger};

use crate::boot::{Home, ask, connect, execute, fault, finished, follow};
use crate::guard::{asked, payloads, refresh, states};
use crate::queue::Locked;

async fn last_run_failed(daemon: &Daemon) -> Option<String> {
    let Reply::Health(health) = ask(daemon, Request::Health).await else { panic!("no health") };
    let reason = health.reasons.into_iter().find(|reason| reason.code == "last_run_failed")?;
    Some(reason.message)
}

#[tokio::test]
async fn a_failed_table_stays_a_reason_until_it_has_been_refreshed() {
    const BROKEN: Table = Table::FirstTimeVolunteerReportCache;
    let mut home = Home::lived_in().await;
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    let broken = format!(
        "CREATE TRIGGER broken BEFORE UPDATE ON {BROKEN} BEGIN SELECT RAISE(ABORT, 'disk is broken'); END"
    );
    execute(&home, &broken).await;
    assert_eq!(refresh(&daemon, false).await.outcome, Some(Outcome::Failed));
    let shown = last_run_failed(&daemon).await.unwrap();
    assert!(
        shown.contains("first_time_volunteer_report_cache failed: ") && shown.contains("disk is broken"),
        "{shown}"
    );

    // Refreshing other tables does not change this.
    let types = vec![CacheType::District];
    let others = asked(&daemon, RefreshRequest { types, force: true, ..RefreshRequest::default() }).await;
    assert!(others.outcome.unwrap().is_good(), "{others:?}");
    assert_eq!(last_run_failed(&daemon).await.as_ref(), Some(&shown));
    // Its entries are young, but a run that skips them proves nothing.
    let outcomes = |run: Run| -> Vec<(Table, Outcome)> {
        let tried = run.jobs.into_iter().filter_map(|job| Some((job.table, job.outcome?)));
        tried.filter(|(_, outcome)| outcome.is_tried()).collect()
    };
    let young = asked(&daemon, RefreshRequest::default()).await;
    assert_eq!(outcomes(young), [(BROKEN, Outcome::Failed)]);
    assert_eq!(last_run_failed(&daemon).await, Some(shown));

    execute(&home, "DROP TRIGGER broken").await;
    let resolved = outcomes(asked(&daemon, RefreshRequest::default()).await);
    assert!(matches!(resolved[..], [(BROKEN, outcome)] if outcome.is_good()), "{resolved:?}");
    assert_eq!(last_run_failed(&daemon).await, None);
}

#[tokio::test]
async fn a_run_held_by_a_stopped_scheduler_is_not_reported_as_stuck() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let locked = Locked::hold(&home).await;
    let (first, _events) = follow(&daemon, true).await;
    let night = NewRun::new(Trigger::Schedule, reports::tables(&[], &[]));
    let night = daemon.queue().enqueue(night).await.unwrap().run;
    ask(&daemon, Request::StopScheduler).await;
    locked.release().await;
    finished(&daemon, first).await;
    home.clock.advance(Duration::from_mins(6));
    let Reply::Health(health) = ask(&daemon, Request::Health).await else { panic!("no health") };
    let codes: Vec<&str> = health.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["scheduler_stopped"]);
    ask(&daemon, Request::StartScheduler).await;
    finished(&daemon, night).await;
}

#[tokio::test]
async fn a_run_that_skips_every_entry_changes_no_figure_of_the_report() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let before = report(&daemon).await;
    let skipped = asked(&daemon, RefreshRequest::default()).await;
    assert_eq!(skipped.outcome, Some(Outcome::Skipped));
    let after = report(&daemon).await;
    assert_eq!((after.jobs, after.jobs_good, after.refresh), (before.jobs, before.jobs_good, before.refresh));
}

async fn report(daemon: &Daemon) -> ReportReply {
    let request = Request::Report(ReportRequest { since_seconds: 7 * 86_400 });
    match ask(daemon, request).await {
        Reply::Report(report) => report,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_report_counts_runs_and_has_no_figures_without_data() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let first = report(&daemon).await;
    assert_eq!((first.runs, first.runs_good), (1, 1));
    assert_eq!((first.success_rate, first.error_rate), (Some(1.0), Some(0.0)));
    assert!(first.refresh.is_some() && first.errors.is_empty() && !first.sizes.is_empty());
    assert_eq!(first.readiness.share, None, "no time has passed: {:?}", first.readiness);

    std::fs::rename(home.path("vms.db"), home.path("elsewhere")).unwrap();
    refresh(&daemon, false).await;
    let failed = report(&daemon).await;
    assert_eq!((failed.runs, failed.runs_good), (2, 1));
    assert!(failed.success_rate.unwrap() < 1.0 && failed.error_rate.unwrap() > 0.0);
    assert!(failed.errors.iter().all(|group| group.count == 1 && group.message.contains("does not exist")));
    std::fs::rename(home.path("elsewhere"), home.path("vms.db")).unwrap();

    // The scheduler must not add a run.
    ask(&daemon, Request::StopScheduler).await;
    home.clock.advance(Duration::from_hours(24 * 8));
    let nothing = report(&daemon).await;
    assert_eq!((nothing.runs, nothing.jobs, nothing.success_rate, nothing.refresh), (0, 0, None, None));
}

#[tokio::test]
async fn readiness_weights_each_sample_by_the_time_it_covers() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    states(&daemon).await;
    home.clock.advance(Duration::from_mins(8));
    let half = "DELETE FROM organization_summary_cache";
    execute(&home, half).await;
    states(&daemon).await;
    home.clock.advance(Duration::from_mins(1));
    let readiness = report(&daemon).await.readiness;
    let share = readiness.share.unwrap();
    assert!(share < 1.0 && share > 0.8, "{readiness:?}");
    assert!(readiness.samples >= 2 && readiness.covered > 0.99, "{readiness:?}");
}

async fn get(daemon: &Daemon, table: Table, key: &[(&str, &str)]) -> GetReply {
    match ask(daemon, get_request(table, key)).await {
        Reply::Get(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn get_request(table: Table, key: &[(&str, &str)]) -> Request {
    let part = |&(column, value): &(&str, &str)| KeyPart { column: column.into(), value: value.into() };
    Request::Get(GetRequest { table, key: key.iter().map(part).collect() })
}

#[tokio::test]
async fn get_returns_and_counts_fresh_stale_and_missing_entries() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let table = Table::OrganizationSummaryCache;
    let fresh = get(&daemon, table, &[("school_year", "2526")]).await;
    assert_eq!((fresh.state, fresh.age_seconds, fresh.run), (TableState::Fresh, Some(0.0), None));
    assert_eq!(fresh.columns[0].name, "organizations_data");
    assert!(fresh.columns[0].json && fresh.columns[0].text.as_ref().unwrap().starts_with('['));

    let unknown = get(&daemon, table, &[("school_year", "0102")]).await;
    assert_eq!((unknown.state, unknown.run), (TableState::Missing, None));
    execute(&home, "DELETE FROM organization_summary_cache WHERE school_year = '2526'").await;
    let missing = get(&daemon, table, &[("school_year", "2526")]).await;
    assert_eq!((missing.state, missing.columns.len()), (TableState::Missing, 0));
    finished(&daemon, missing.run.unwrap()).await;
    assert_eq!(get(&daemon, table, &[("school_year", "2526")]).await.state, TableState::Fresh);

    // The scheduler must not refresh the entry in the meantime.
    ask(&daemon, Request::StopScheduler).await;
    home.clock.advance(Duration::from_hours(30));
    let stale = get(&daemon, table, &[("school_year", "2526")]).await;
    assert_eq!((stale.state, stale.age_seconds), (TableState::Stale, Some(108_000.0)));
    assert_eq!(stale.columns, fresh.columns);
    let reads = report(&daemon).await.reads;
    assert_eq!((reads.hits, reads.stale, reads.misses), (2, 1, 2));
}

#[tokio::test]
async fn get_with_an_unknown_key_column_lists_the_key_columns() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let table = Table::OrganizationDetailCache;
    for (key, shown) in [
        (&[("year", "2526")][..], "its key columns are: school_year, organization_id"),
        (&[("school_year", "2526"), ("school_year", "2627")], "school_year"),
        (&[("school_year", "2526")], "organization_id="),
    ] {
        let fault = fault(connect(&daemon).await.call(&get_request(table, key)).await);
        assert_eq!(fault.code, FaultCode::BadRequest);
        assert!(format!("{} {}", fault.message, fault.hint).contains(shown), "{fault:?}");
    }
}

#[tokio::test]
async fn invalidated_entries_stay_until_a_run_has_regenerated_them() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let before = payloads(&home).await;
    let request = Request::Invalidate(InvalidateRequest { types: vec![CacheType::Organization] });
    let Reply::Invalidate(InvalidateReply { tables, entries, run, .. }) = ask(&daemon, request).await else {
        panic!("no reply")
    };
    assert!(entries > 0 && tables.iter().all(|table| table.cache_type() == CacheType::Organization));
    assert!(payloads(&home).await.keys().eq(before.keys()));
    let run = finished(&daemon, run).await;
    assert_eq!(run.jobs.iter().map(|job| job.table).collect::<Vec<_>>(), tables);
    assert!(run.outcome.unwrap().is_good(), "{run:?}");
    assert_eq!(payloads(&home).await, before);

    let nothing = Request::Invalidate(InvalidateRequest { types: Vec::new() });
    assert_eq!(fault(connect(&daemon).await.call(&nothing).await).code, FaultCode::BadRequest);
}
