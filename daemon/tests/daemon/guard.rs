//! A source or a report that lost most of its rows overnight is not accepted until an operator confirms it.

use std::collections::BTreeMap;
use std::time::Duration;

use cached::daemon::Daemon;
use cached::jobs::NewRun;
use cached::reports;
use cached::vms::tables::spec;
use cached_proto::message::{Reply, Request};
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::RefreshRequest;
use cached_proto::verb::status::StatusRequest;
use cached_proto::words::{HealthLevel, Outcome, Table, TableState, Trigger};
use sea_orm::{ConnectionTrait, Database, DbBackend, QueryResult, Statement};

use crate::boot::{Home, ask, execute, finished};

const LOSS: &str = "DELETE FROM event_participation WHERE id % 10 < 7";

/// Returns all rows of all cache tables, without their timestamps.
pub(crate) async fn payloads(home: &Home) -> BTreeMap<String, String> {
    let db = Database::connect(format!("sqlite://{}", home.path("vms.db").display())).await.unwrap();
    let mut rows = BTreeMap::new();
    for &table in Table::ALL {
        let columns: Vec<String> =
            spec(table).payload.iter().map(|column| format!("quote({})", column.name)).collect();
        let sql = format!("SELECT id, {} FROM {table}", columns.join(" || "));
        let Ok(found) = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await else {
            continue;
        };
        for row in found {
            let id: i64 = row.try_get_by_index(0).unwrap();
            rows.insert(format!("{table} {id}"), row.try_get_by_index(1).unwrap());
        }
    }
    db.close().await.unwrap();
    assert!(rows.len() > 50);
    rows
}

pub(crate) async fn refresh(daemon: &Daemon, accept: bool) -> Run {
    asked(daemon, RefreshRequest { force: true, accept, ..RefreshRequest::default() }).await
}

pub(crate) async fn asked(daemon: &Daemon, request: RefreshRequest) -> Run {
    let Reply::Refresh(reply) = ask(daemon, Request::Refresh(request)).await else { panic!("no reply") };
    finished(daemon, reply.run).await
}

/// Starts a run as the schedule does, and waits for its end.
async fn scheduled(daemon: &Daemon) -> Run {
    let new = NewRun::new(Trigger::Schedule, reports::tables(&[], &[]));
    let run = daemon.queue().enqueue(new).await.unwrap().run;
    finished(daemon, run).await
}

pub(crate) async fn states(daemon: &Daemon) -> Vec<(TableState, Option<String>)> {
    let Reply::Status(status) = ask(daemon, Request::Status(StatusRequest { sizes: false })).await else {
        panic!("no status")
    };
    status.tables.into_iter().map(|table| (table.state, table.note)).collect()
}

fn is_held(run: &Run) -> bool {
    let worked_on = |o: &Outcome| !matches!(o, Outcome::Off | Outcome::NotApplicable | Outcome::Withheld);
    let mut outcomes = run.jobs.iter().filter_map(|job| job.outcome).filter(worked_on);
    assert_eq!(
        run.outcome == Some(Outcome::Guarded),
        outcomes.clone().all(|o| o == Outcome::Guarded),
        "{run:?}"
    );
    outcomes.all(|outcome| outcome == Outcome::Guarded)
}

#[tokio::test]
async fn a_source_that_lost_most_of_a_table_is_guarded_until_accepted() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let before = payloads(&home).await;
    execute(&home, LOSS).await;

    let run = refresh(&daemon, false).await;
    assert!(is_held(&run));
    let error = run.jobs[0].error.clone().unwrap();
    assert!(error.contains("event_participation went from 324 to 96 rows"), "{error}");
    assert_eq!(payloads(&home).await, before);
    let held = (TableState::Guarded, Some(error));
    assert!(states(&daemon).await.contains(&held));
    let Reply::Health(health) = ask(&daemon, Request::Health).await else { panic!("no health") };
    assert_eq!(health.health, HealthLevel::Degraded);
    let reason = health.reasons.iter().find(|reason| reason.code == "tables_guarded").unwrap();
    assert!(reason.message.contains("324 to 96"), "{reason:?}");
    assert!(reason.hint.contains("`cachectl refresh --accept`"), "{reason:?}");

    let run = refresh(&daemon, true).await;
    assert!(run.outcome.unwrap().is_good(), "{run:?}");
    assert_ne!(payloads(&home).await, before);
    assert!(states(&daemon).await.iter().all(|(state, _)| *state != TableState::Guarded));
    assert!(!is_held(&refresh(&daemon, false).await));
}

#[tokio::test]
async fn after_acceptance_held_tables_are_regenerated_even_if_young() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    execute(&home, LOSS).await;
    assert!(is_held(&scheduled(&daemon).await));

    let only = |tables: Vec<Table>| RefreshRequest { tables, accept: true, ..RefreshRequest::default() };
    let young = asked(&daemon, only(vec![Table::OrganizationSummaryCache])).await;
    assert_eq!((young.jobs.len(), young.jobs[0].figures.skipped), (1, 0), "{young:?}");
    // The loss has been accepted by now; the other tables of the held run are still built from the earlier
    // source.
    for job in asked(&daemon, RefreshRequest::default()).await.jobs {
        assert_eq!(job.figures.skipped == 0, job.table != Table::OrganizationSummaryCache, "{job:?}");
    }
    let again = asked(&daemon, RefreshRequest::default()).await;
    assert_eq!(again.outcome, Some(Outcome::Skipped), "{again:?}");
}

#[tokio::test]
async fn two_scheduled_runs_with_the_same_loss_accept_it() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    execute(&home, LOSS).await;
    assert!(is_held(&scheduled(&daemon).await));
    assert!(is_held(&refresh(&daemon, false).await), "only the schedule counts");
    assert!(!is_held(&scheduled(&daemon).await));
    assert!(states(&daemon).await.iter().all(|(state, _)| *state != TableState::Guarded));
}

#[tokio::test]
async fn a_source_whose_rows_return_is_no_longer_guarded() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    execute(&home, "CREATE TABLE kept AS SELECT * FROM event_participation").await;
    execute(&home, LOSS).await;
    assert!(is_held(&scheduled(&daemon).await));
    let back = "DELETE FROM event_participation; INSERT INTO event_participation SELECT * FROM kept";
    execute(&home, back).await;
    assert!(!is_held(&scheduled(&daemon).await));
}

#[tokio::test]
async fn a_guard_that_is_switched_off_holds_nothing() {
    let mut home = Home::lived_in().await;
    home.set("guard", "enabled", "false");
    let daemon = home.boot().await;
    execute(&home, LOSS).await;
    assert!(!is_held(&refresh(&daemon, false).await));
}

#[tokio::test]
async fn a_list_of_a_past_year_does_not_lose_most_of_its_records_overnight() {
    let mut home = Home::new();
    // The sample's lists are short.
    home.set("guard", "min_rows", "5");
    let daemon = home.boot().await;
    finished(&daemon, 1).await;
    let before = payloads(&home).await;
    // No row is missing: the participations of nine volunteers in ten are merely assigned to another one.
    execute(&home, "UPDATE event_participation SET volunteer_id = 1 WHERE volunteer_id % 10 > 0").await;

    let run = scheduled(&daemon).await;
    let held: Vec<&str> = run
        .jobs
        .iter()
        .filter(|job| job.outcome == Some(Outcome::Guarded))
        .map(|job| job.error.as_deref().unwrap())
        .collect();
    assert!(!held.is_empty(), "{run:?}");
    assert!(held.iter().all(|error| error.contains(" records; the old entries are kept")), "{held:?}");
    let tables: Vec<String> = run
        .jobs
        .iter()
        .filter(|job| job.outcome == Some(Outcome::Guarded) && job.figures.rebuilt == 0)
        .map(|job| job.table.to_string())
        .collect();
    let now = payloads(&home).await;
    for (row, payload) in &before {
        if tables.iter().any(|table| row.starts_with(table.as_str())) {
            assert_eq!(now.get(row), Some(payload), "{row}");
        }
    }
    let again = scheduled(&daemon).await;
    assert!(again.outcome.unwrap().is_good(), "{again:?}");
}

/// Returns the number of rows of the district reports.
async fn district_rows(home: &Home) -> usize {
    payloads(home).await.keys().filter(|row| row.starts_with("district_")).count()
}

#[tokio::test]
async fn an_emptied_source_table_is_guarded_however_small_it_was() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let before = payloads(&home).await;
    assert!(district_rows(&home).await > 20);
    execute(&home, "DELETE FROM district").await;

    let run = refresh(&daemon, false).await;
    assert!(is_held(&run));
    let error = run.jobs[0].error.clone().unwrap();
    assert!(error.contains("district went from 6 to 0 rows"), "{error}");
    assert_eq!(payloads(&home).await, before);
    let Reply::Health(health) = ask(&daemon, Request::Health).await else { panic!("no health") };
    let codes: Vec<&str> = health.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!((health.health, codes), (HealthLevel::Degraded, vec!["tables_guarded"]));

    assert!(!is_held(&refresh(&daemon, true).await));
    assert_eq!(district_rows(&home).await, 0);
}

#[tokio::test]
async fn a_table_does_not_lose_most_of_its_entries_overnight() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let before = payloads(&home).await;
    // No row is missing, but no district is recognized any more.
    execute(&home, "UPDATE district SET salesforce_id = NULL").await;
    let districts = [Table::DistrictYearEndReports, Table::DistrictEngagementReports];

    for run in [refresh(&daemon, false).await, scheduled(&daemon).await] {
        for job in &run.jobs {
            let held = job.outcome == Some(Outcome::Guarded);
            assert_eq!(held, districts.contains(&job.table), "{job:?}");
        }
        let errors = run.jobs.iter().filter_map(|job| job.error.as_deref());
        let shown = "to 0 entries; the old entries are kept until `cachectl refresh --accept`";
        assert!(errors.clone().all(|error| error.contains(shown)), "{run:?}");
        let now = payloads(&home).await;
        assert!(
            before
                .iter()
                .filter(|(row, _)| row.starts_with("district_"))
                .all(|kept| { now.get_key_value(kept.0) == Some(kept) })
        );
    }
    let run = scheduled(&daemon).await;
    assert!(run.outcome.unwrap().is_good(), "{run:?}");
    assert_eq!(district_rows(&home).await, 0);
}

#[tokio::test]
async fn the_loss_of_a_single_district_is_accepted() {
    let home = Home::lived_in().await;
    let daemon = home.boot().await;
    let before = district_rows(&home).await;
    let one = "DELETE FROM district WHERE id = (SELECT CAST(district_id AS INTEGER) FROM district_year_end_reports)";
    execute(&home, one).await;
    let run = refresh(&daemon, false).await;
    assert!(run.outcome.unwrap().is_good(), "{run:?}");
    let now = district_rows(&home).await;
    assert!(now < before && now > before / 2, "{now} of {before}");
}

#[tokio::test]
async fn an_accepted_loss_of_the_source_does_not_hold_its_lists() {
    let mut home = Home::new();
    // The sample's lists are short.
    home.set("guard", "min_rows", "5");
    let daemon = home.boot().await;
    finished(&daemon, 1).await;
    execute(&home, LOSS).await;
    assert!(is_held(&scheduled(&daemon).await));
    let second = scheduled(&daemon).await;
    assert!(second.outcome.unwrap().is_good(), "{second:?}");

    execute(&home, "DELETE FROM event_participation WHERE id % 100 < 95").await;
    assert!(is_held(&scheduled(&daemon).await));
    let table = vec![Table::OrganizationSummaryCache];
    let one = RefreshRequest { tables: table, accept: true, ..RefreshRequest::default() };
    assert!(asked(&daemon, one).await.outcome.unwrap().is_good());
    let others = refresh(&daemon, false).await;
    assert!(others.outcome.unwrap().is_good(), "{others:?}");
}

#[tokio::test]
async fn a_catch_up_run_just_before_the_next_slot_does_not_count_as_a_second_night() {
    let mut home = Home::lived_in().await;
    // Only the runs of this test.
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    execute(&home, LOSS).await;
    let run = async |trigger, slot: &str| {
        let slot = Some(slot.to_owned());
        let new = NewRun { slot, ..NewRun::new(trigger, reports::tables(&[], &[])) };
        let run = daemon.queue().enqueue(new).await.unwrap().run;
        finished(&daemon, run).await
    };
    assert!(is_held(&run(Trigger::CatchUp, "2026-03-09 12:00").await));
    home.clock.advance(Duration::from_mins(5));
    assert!(
        is_held(&run(Trigger::Schedule, "2026-03-10 12:05").await),
        "five minutes do not count as a night"
    );
    // On the following day; the two runs are more than half as far apart as their slots.
    home.clock.advance(Duration::from_hours(25));
    assert!(!is_held(&run(Trigger::Schedule, "2026-03-11 12:05").await));
}

/// Returns the stamps of a table's rows by their first key column.
async fn stamps(home: &Home, table: Table) -> BTreeMap<String, String> {
    let db = Database::connect(format!("sqlite://{}", home.path("vms.db").display())).await.unwrap();
    let sql = format!("SELECT {}, last_updated FROM {table}", spec(table).key[0]);
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    let stamp = |row: &QueryResult| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    let stamps = rows.iter().map(stamp).collect();
    db.close().await.unwrap();
    stamps
}

#[tokio::test]
async fn a_loss_in_one_year_holds_back_only_that_year() {
    let mut home = Home::new();
    // The sample's lists are short.
    home.set("guard", "min_rows", "5");
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    finished(&daemon, 1).await;
    let table = Table::DistrictEngagementReports;
    let (payload, stamp) = (payloads(&home).await, stamps(&home, table).await);
    let last_year = "SELECT id FROM event WHERE start_date < '2025-07-31'";
    execute(
        &home,
        &format!("UPDATE event_participation SET volunteer_id = 1 WHERE event_id IN ({last_year})"),
    )
    .await;
    home.clock.advance(Duration::from_mins(1));

    let run = scheduled(&daemon).await;
    let job = run.jobs.iter().find(|job| job.table == table).unwrap();
    let (held, written) = (job.outcome == Some(Outcome::Guarded), job.figures.verified + job.figures.rebuilt);
    let error = job.error.as_deref().unwrap();
    assert!(held && written > 0, "{job:?}");
    assert!(error.starts_with("district_engagement_reports 2425|"), "{error}");
    assert!(!error.contains("reports 2526|"), "{error}");
    let now = stamps(&home, table).await;
    let written: Vec<&String> =
        now.iter().filter(|(year, at)| stamp[*year] != **at).map(|(year, _)| year).collect();
    assert_eq!(written, ["2526", "2627"]);
    let of_table = |rows: BTreeMap<String, String>| {
        rows.into_iter().filter(|(row, _)| row.starts_with(table.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(of_table(payloads(&home).await), of_table(payload));

    let again = scheduled(&daemon).await;
    assert!(again.outcome.unwrap().is_good(), "{again:?}");
    assert!(states(&daemon).await.iter().all(|(state, _)| *state != TableState::Guarded));
}

#[tokio::test]
async fn windows_that_expire_night_by_night_are_not_guarded_as_a_loss() {
    let mut home = Home::new();
    home.set("watch", "enabled", "false");
    let daemon = home.boot().await;
    finished(&daemon, 1).await;
    // Windows are kept for a week.
    for night in 0..12 {
        home.clock.advance(Duration::from_hours(24));
        let run = scheduled(&daemon).await;
        assert!(run.outcome.unwrap().is_good(), "night {night}: {run:?}");
    }
    assert!(states(&daemon).await.iter().all(|(state, _)| *state != TableState::Guarded));
}
