//! Cache rows that other processes have written or deleted: VMS, or a second daemon with a state of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{Table, Trigger};
use chrono_tz::America::Chicago;

use super::{MINUTE, SECOND, World, tables};
use crate::clock::Clock as _;
use crate::jobs::NewRun;
use crate::reports;
use crate::reports::recruitment::Keywords;
use crate::state::EntryStamp;
use crate::watch::wipes::{SecondRefresher, second_refreshers};

/// How VMS changes a row that it writes: payload unchanged, new timestamp.
const REWRITE: &str = "last_updated = '2026-03-15 05:00:30.000000'";

#[tokio::test]
async fn a_wiped_table_is_refilled_and_no_other_is_refreshed() {
    let mut world = World::settled().await;
    let filled = world.filled().await;
    assert!(filled.len() >= 7, "{filled:?}");
    for (table, rows) in filled {
        world.vms(&format!("DELETE FROM {table}")).await;
        assert_eq!(tables(&world.pass(MINUTE).await), [table]);
        assert_eq!(world.rows(table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn a_single_lost_row_is_refilled() {
    let mut world = World::settled().await;
    world.vms("DELETE FROM organization_detail_cache WHERE id = 3").await;
    assert_eq!(tables(&world.pass(MINUTE).await), [Table::OrganizationDetailCache]);
}

#[tokio::test]
async fn a_deleted_row_that_no_report_generates_any_more_is_not_lost() {
    let mut world = World::settled().await;
    world.clock.advance(Duration::from_hours(72));
    world.refresh().await;
    assert!(world.pass(MINUTE).await.is_empty());
    let windows = "recent_volunteers_report_cache WHERE date_to = '2026-03-15'";
    assert!(world.number(&format!("SELECT count(*) FROM {windows}")).await > 30, "they are kept for a week");
    world.vms(&format!("DELETE FROM {windows}")).await;
    assert!(world.pass(MINUTE).await.is_empty());
    world.vms("DELETE FROM recent_volunteers_report_cache WHERE date_to = '2026-03-18'").await;
    assert_eq!(tables(&world.pass(MINUTE).await), [Table::RecentVolunteersReportCache]);
}

#[tokio::test]
async fn an_import_that_deletes_first_and_keeps_writing_causes_one_refresh() {
    let mut world = World::settled().await;
    let filled = world.filled().await;
    let import = async |world: &World, second: u64| {
        if second == 0 {
            for (table, _) in world.filled().await {
                world.vms(&format!("DELETE FROM {table}")).await;
            }
        }
        if second.is_multiple_of(10) {
            world.vms("UPDATE event_participation SET delivery_hours = delivery_hours + 1").await;
        }
    };
    assert!(world.pass_with(3 * MINUTE, import).await.is_empty());
    let expected: BTreeSet<Table> = filled.iter().map(|(table, _)| *table).collect();
    assert_eq!(tables(&world.pass(MINUTE).await).into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(world.filled().await, filled);
    assert!(world.pass(10 * MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_complete_row_that_vms_rewrites_is_left_to_vms() {
    let mut world = World::settled().await;
    for (table, _) in world.filled().await {
        world.vms(&format!("UPDATE {table} SET {REWRITE}")).await;
    }
    assert!(world.pass(2 * MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_recruitment_row_is_repaired_only_if_a_view_stored_another_list() {
    let mut world = World::settled().await;
    let table = Table::RecruitmentCandidatesCache;
    let longest = format!("id = (SELECT id FROM {table} ORDER BY length(candidates_data) DESC LIMIT 1)");
    // As Python spells JSON.
    let spaced = "candidates_data = replace(replace(candidates_data, '\":', '\": '), ',\"', ', \"')";
    world.vms(&format!("UPDATE {table} SET {REWRITE}, {spaced} WHERE {longest}")).await;
    assert!(world.pass(2 * MINUTE).await.is_empty(), "the same list");

    // A view with custom keywords finds other candidates.
    let fewer = "candidates_data = json_remove(candidates_data, '$[0]')";
    let later = "last_updated = '2026-03-15 05:04:30.000000'";
    world.vms(&format!("UPDATE {table} SET {later}, {fewer} WHERE {longest}")).await;
    assert_eq!(tables(&world.pass(MINUTE).await), [table]);
}

#[tokio::test]
async fn a_page_that_rewrites_all_districts_of_a_year_is_not_a_second_refresher() {
    let mut world = World::settled().await;
    let table = Table::DistrictYearEndReports;
    assert!(world.rows(table).await > 5);
    // VMS stamps them one after the other.
    world.vms(&format!("UPDATE {table} SET last_updated = '2026-03-15 05:00:30.' || (100000 + id)")).await;
    assert!(world.pass(2 * MINUTE).await.is_empty());
    let found = second_refreshers(world.queue.state(), world.clock.now(), Chicago).await.unwrap();
    assert_eq!(found, []);
}

#[tokio::test]
async fn a_recruitment_row_that_vms_overwrites_is_regenerated() {
    let mut world = World::settled().await;
    let stored = "SELECT count(*) FROM recruitment_candidates_cache WHERE candidates_data = '[]'";
    let empty = world.number(stored).await;
    let table = Table::RecruitmentCandidatesCache;
    assert!(empty < world.rows(table).await);
    world.vms(&format!("UPDATE {table} SET candidates_data = '[]', {REWRITE}")).await;
    assert_eq!(tables(&world.pass(MINUTE).await), [table]);
    assert_eq!(world.number(stored).await, empty);
}

#[tokio::test]
async fn a_row_that_vms_damages_is_repaired() {
    let mut world = World::settled().await;
    for (table, damage) in [
        (
            Table::DistrictYearEndReports,
            "report_data = json_remove(report_data, '$.program_breakdown') WHERE id = 2",
        ),
        (Table::VirtualSessionDistrictCache, "teacher_breakdown = NULL WHERE id = 2"),
        (Table::OrganizationDetailCache, "in_person_events = '[{' WHERE id = 2"),
    ] {
        world.vms(&format!("UPDATE {table} SET {REWRITE}, {damage}")).await;
        assert_eq!(tables(&world.pass(MINUTE).await), [table]);
    }
}

#[tokio::test]
async fn an_incomplete_row_in_place_of_a_deleted_one_is_repaired() {
    let mut world = World::settled().await;
    // The attendance page deletes a district's rows, and the detail page then stores a partial one.
    world
        .vms(
            "CREATE TEMP TABLE lost AS SELECT * FROM district_year_end_reports WHERE id = 2; \
             DELETE FROM district_year_end_reports WHERE id = 2; \
             INSERT INTO district_year_end_reports (school_year, host_filter, district_id, report_data, last_updated) \
             SELECT school_year, host_filter, district_id, '{\"enhanced\": {}}', '2026-03-15 05:00:30.000000' FROM lost",
        )
        .await;
    assert_eq!(tables(&world.pass(MINUTE).await), [Table::DistrictYearEndReports]);
}

#[tokio::test]
async fn rows_of_keys_that_no_report_generates_are_left_to_vms() {
    let mut world = World::settled().await;
    let insert = |year: &str| {
        format!(
            "INSERT INTO organization_summary_cache (school_year, organizations_data, last_updated) \
             VALUES ('{year}', 'broken', '2026-03-15 05:00:30.000000')"
        )
    };
    world.vms(&insert("1011")).await;
    assert!(world.pass(MINUTE).await.is_empty());
    world.vms("DELETE FROM organization_summary_cache WHERE school_year = '1011'").await;
    assert!(world.pass(MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_young_row_that_a_refresh_skipped_is_refilled_when_it_is_lost() {
    let mut world = World::settled().await.forgetful().await;
    let filled = world.filled().await;
    world.run(Trigger::Startup).await;
    assert!(world.pass(MINUTE).await.is_empty(), "nothing was lost yet");
    for (table, rows) in filled {
        let stamps = world.queue.state().stamps().load(table).await.unwrap();
        assert!(stamps.values().any(|stamp| stamp.fingerprint.is_none()), "{table}: nothing was left alone");
        world.vms(&format!("DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})")).await;
        assert_eq!(tables(&world.pass(MINUTE).await), [table]);
        assert_eq!(world.rows(table).await, rows, "{table}");
    }
}

#[tokio::test]
async fn a_row_of_vms_that_was_skipped_never_counts_as_the_daemons() {
    let world = World::settled().await.forgetful().await;
    world.run(Trigger::Startup).await;
    let table = Table::OrganizationDetailCache;
    let stamps = world.queue.state().stamps();
    assert_eq!(stamps.outdate(table).await.unwrap(), 0);
    assert!(stamps.load(table).await.unwrap().values().all(|stamp| stamp.fingerprint.is_none()));
}

#[tokio::test]
async fn a_lost_row_that_no_refresh_restores_causes_only_one_refresh() {
    let mut world = World::settled().await;
    let (table, last_updated) = (Table::OrganizationSummaryCache, "2026-03-15 02:00:00.000000".to_owned());
    let fingerprint = Some(String::new());
    let stamp = EntryStamp { row_id: 77, last_updated, fingerprint, payload: None, inputs: None };
    let stamps = vec![("1011".to_owned(), stamp)];
    world.queue.state().stamps().record(table, stamps, &[]).await.unwrap();
    world.vms("UPDATE contact SET notes = 'called'").await;
    assert!(world.pass(10 * MINUTE).await.is_empty());

    world.vms(&format!("DELETE FROM {table}")).await;
    assert_eq!(tables(&world.pass(MINUTE).await), [table], "other rows of that table still count");
    // A row that no refresh restores is not reported as missing after a restart either.
    let stamps = world.queue.state().stamps().load(table).await.unwrap();
    assert!(!stamps.contains_key("1011"), "{stamps:?}");
    let mut world = world.down("SELECT 1").await;
    assert!(world.pass(MINUTE).await.is_empty());
}

#[tokio::test]
async fn a_row_that_vms_deletes_for_good_causes_only_one_refresh() {
    let mut world = World::settled().await;
    world.vms("DELETE FROM organization WHERE id = 3; DELETE FROM organization_detail_cache WHERE organization_id = 3").await;
    assert!(tables(&world.pass(MINUTE).await).contains(&Table::OrganizationDetailCache));
    let mut world = world.down("SELECT 1").await;
    assert!(world.pass(MINUTE).await.is_empty(), "nothing is missing");
}

#[tokio::test]
async fn years_known_only_from_their_rows_are_restored_after_a_wipe() {
    let mut world = World::settled().await;
    // A user has opened VMS's pages for a past year, and the next refresh has taken these rows over.
    for (table, columns) in [
        (Table::OrganizationSummaryCache, "organizations_data"),
        (Table::FirstTimeVolunteerReportCache, "report_data"),
    ] {
        let sql = format!(
            "INSERT INTO {table} (school_year, {columns}, last_updated) \
             SELECT '2223', {columns}, last_updated FROM {table} WHERE school_year = '2526'"
        );
        world.vms(&sql).await;
    }
    world
        .vms(
            "INSERT INTO virtual_session_district_cache (virtual_year, district_name, date_from, date_to, \
             session_data, monthly_stats, school_breakdown, teacher_breakdown, summary_stats, last_updated) \
             SELECT '2022-2023', 'Somewhere', '2022-08-01', '2023-07-31', session_data, monthly_stats, \
             school_breakdown, teacher_breakdown, summary_stats, last_updated \
             FROM virtual_session_district_cache LIMIT 1",
        )
        .await;
    world.pass(MINUTE).await;
    world.refresh().await;
    assert!(world.pass(MINUTE).await.is_empty());
    let filled = world.filled().await;
    for (table, _) in &filled {
        world.vms(&format!("DELETE FROM {table}")).await;
    }
    assert_eq!(tables(&world.pass(MINUTE).await).len(), filled.len());
    assert_eq!(world.filled().await, filled);
    let past = "SELECT count(*) FROM organization_summary_cache WHERE school_year = '2223'";
    assert_eq!(world.number(past).await, 1);

    // A wipe is also detected if it happens while no daemon is running.
    let mut world = world.down("DELETE FROM organization_summary_cache").await;
    assert_eq!(tables(&world.pass(MINUTE).await), [Table::OrganizationSummaryCache]);
    assert_eq!(world.filled().await, filled);
}

#[tokio::test]
async fn events_known_only_from_their_rows_are_restored_after_a_wipe() {
    let mut world = World::settled().await;
    let table = Table::RecruitmentCandidatesCache;
    // An event beyond the range of VMS's list page, whose page a user has opened.
    world
        .vms(
            "CREATE TEMP TABLE ahead AS SELECT * FROM event LIMIT 60; \
             UPDATE ahead SET id = 90000 + id, salesforce_id = NULL, pathful_session_id = NULL, start_date = '2027-01-01 12:00:00.000000'; \
             INSERT INTO event SELECT * FROM ahead; \
             INSERT INTO recruitment_candidates_cache (event_id, candidates_data, last_updated) \
             SELECT max(id), '[]', '2026-03-15 05:00:30.000000' FROM event",
        )
        .await;
    world.pass(MINUTE).await;
    world.refresh().await;
    let rows = world.rows(table).await;
    let touched = format!("SELECT count(*) FROM {table} WHERE event_id = (SELECT max(id) FROM event)");
    assert_eq!(world.number(&touched).await, 1);
    world.vms(&format!("DELETE FROM {table}")).await;
    assert_eq!(tables(&world.pass(MINUTE).await), [table]);
    assert_eq!((world.rows(table).await, world.number(&touched).await), (rows, 1));
}

#[tokio::test]
async fn a_process_that_wipes_at_the_same_hour_of_two_days_is_reported() {
    let mut world = World::settled().await;
    let found = async |world: &World| {
        second_refreshers(world.queue.state(), world.clock.now(), Chicago).await.unwrap()
    };
    world.vms("DELETE FROM virtual_session_district_cache").await;
    world.vms("DELETE FROM organization_detail_cache WHERE id = 1").await;
    assert_eq!(world.pass(2 * MINUTE).await.len(), 1);
    assert!(found(&world).await.is_empty());

    world.clock.advance(Duration::from_hours(24));
    world.vms("DELETE FROM virtual_session_district_cache").await;
    world.vms("DELETE FROM organization_detail_cache WHERE id = 2").await;
    assert_eq!(world.pass(MINUTE).await.len(), 1);
    let found = found(&world).await;
    // The schedule's zone is five hours behind UTC, and the clock began at five. One row is not a wipe.
    let tables = vec![Table::VirtualSessionDistrictCache];
    assert_eq!(found, [SecondRefresher::Wipes { hour: 0, days: 2, tables }]);
}

/// What `invalidate_report_caches` of VMS's daily import deletes and regenerates.
const IMPORT: &str = "\
    DELETE FROM organization_summary_cache WHERE school_year = '2526'; \
    DELETE FROM organization_detail_cache WHERE school_year = '2526'; \
    DELETE FROM recent_volunteers_report_cache WHERE school_year = '2526'; \
    DELETE FROM first_time_volunteer_report_cache WHERE school_year = '2526'; \
    DELETE FROM recruitment_candidates_cache; \
    DELETE FROM dia_events_report_cache; \
    DELETE FROM virtual_session_report_cache WHERE virtual_year = '2025-2026'; \
    DELETE FROM virtual_session_district_cache WHERE virtual_year = '2025-2026'; \
    CREATE TEMP TABLE made AS SELECT * FROM district_year_end_reports WHERE school_year = '2526'; \
    DELETE FROM district_year_end_reports WHERE school_year = '2526'; \
    UPDATE made SET id = id + (SELECT max(id) + 1000 FROM made), last_updated = '2026-03-15 05:00:30.000000'; \
    INSERT INTO district_year_end_reports SELECT * FROM made; \
    DROP TABLE made";

/// What VMS's own refresher deletes.
const REFRESHER: &str = "DELETE FROM district_year_end_reports; DELETE FROM recruitment_candidates_cache";

async fn hint(world: &World) -> Option<(u32, &'static str)> {
    let found = second_refreshers(world.queue.state(), world.clock.now(), Chicago).await.unwrap();
    assert!(found.len() < 2, "{found:?}");
    found.first().map(|found| match found {
        SecondRefresher::Wipes { hour, .. } => (*hour, found.hint()),
        SecondRefresher::Rewrites { .. } => panic!("{found:?}"),
    })
}

#[tokio::test]
async fn an_import_at_the_same_hour_of_two_days_is_distinguished_from_a_refresher() {
    for (sql, expected) in [(IMPORT, "import"), (REFRESHER, "switch VMS's own refresher off")] {
        let mut world = World::settled().await;
        for day in 0..2 {
            assert_eq!(hint(&world).await, None);
            world.vms(sql).await;
            assert_eq!(world.pass(2 * MINUTE).await.len(), 1);
            if day == 0 {
                world.clock.advance(Duration::from_mins(24 * 60 - 2));
            }
        }
        let (hour, hint) = hint(&world).await.unwrap();
        assert_eq!(hour, 0);
        assert!(hint.contains(expected), "{hint}");
    }
}

#[tokio::test]
async fn a_refresher_that_runs_just_before_a_scheduled_run_is_reported() {
    let mut world = World::settled().await;
    for day in 0..2 {
        assert_eq!(hint(&world).await, None);
        world.vms(REFRESHER).await;
        world.refresh().await;
        assert!(world.pass(2 * MINUTE).await.is_empty(), "our own run has refilled it");
        if day == 0 {
            world.clock.advance(Duration::from_mins(24 * 60 - 2));
        }
    }
    assert!(hint(&world).await.unwrap().1.contains("switch VMS's own refresher off"));
}

const TABLE: Table = Table::RecruitmentCandidatesCache;

/// Lets both daemons detect changes and work, in steps; returns the number of watch runs of each.
async fn together(both: &mut [World; 2], steps: u64, step: Duration) -> [usize; 2] {
    let mut runs = [0, 0];
    for _ in 0..steps {
        both[0].clock.advance(step);
        for (world, runs) in both.iter_mut().zip(&mut runs) {
            world.watcher.tick().await.unwrap();
            *runs += world.work().await.iter().filter(|run| run.trigger == Trigger::Watch).count();
        }
    }
    runs
}

/// Two daemons that have made their first check.
async fn both() -> [World; 2] {
    let first = World::settled().await;
    let second = first.beside().await;
    let mut both = [first, second];
    together(&mut both, 2 * MINUTE.as_secs(), SECOND).await;
    both
}

async fn force(world: &World) {
    let new = NewRun { force: true, ..NewRun::new(Trigger::Manual, reports::tables(&[], &[])) };
    world.queue.enqueue(new).await.unwrap();
    assert!(world.work().await.iter().all(|run| run.outcome.unwrap().is_good()));
}

async fn rewritten(world: &World) -> BTreeMap<Table, u64> {
    let found = second_refreshers(world.queue.state(), world.clock.now(), Chicago).await.unwrap();
    match found.as_slice() {
        [] => BTreeMap::new(),
        [SecondRefresher::Rewrites { tables, .. }] => tables.clone(),
        found => panic!("{found:?}"),
    }
}

#[tokio::test]
async fn a_forced_refresh_of_one_daemon_is_reported_by_the_other_without_a_run() {
    let mut both = both().await;
    force(&both[0]).await;
    let runs = together(&mut both, 10 * MINUTE.as_secs(), SECOND).await;
    assert_eq!(runs, [0, 0], "the payloads are the same");
    let rows = u64::try_from(both[0].rows(TABLE).await).unwrap();
    assert_eq!(rewritten(&both[1]).await.get(&TABLE), Some(&rows));

    both[0].clock.advance(Duration::from_hours(25));
    assert_eq!(rewritten(&both[1]).await, BTreeMap::new(), "a day after the last write it is over");
}

#[tokio::test]
async fn two_daemons_with_different_keywords_repair_each_others_rows_at_most_once_an_hour() {
    let mut both = both().await;
    let text = include_str!("../../../data/recruitment_keywords.toml");
    let others = Keywords::parse(&text.replacen("title_match = 0.6", "title_match = 0.7", 1)).unwrap();
    both[1].live.send_modify(|config| Arc::make_mut(config).settings.keywords = others);
    let candidates = "SELECT count(DISTINCT candidates_data) FROM recruitment_candidates_cache";
    assert!(both[0].number(candidates).await > 1, "there are candidates to disagree about");
    force(&both[1]).await;
    let hours = 3;
    let runs = together(&mut both, hours * 120, Duration::from_secs(30)).await;
    for runs in runs {
        assert!((1..=usize::try_from(hours).unwrap() + 1).contains(&runs), "{runs} runs in {hours} hours");
    }
    assert!(rewritten(&both[0]).await.contains_key(&TABLE));
}
