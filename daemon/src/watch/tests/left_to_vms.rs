//! Entries that VMS writes, or may be computing, during a run.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Table, Trigger};

use super::{MINUTE, SECOND, World, execute};
use crate::clock::Clock as _;
use crate::jobs::{NewRun, Settled};
use crate::refresh::RefreshConfig;
use crate::reports::{Builder, Context, Report, Section, report};
use crate::snapshot::Source;
use crate::vms::tables::Key;
use crate::vms::time;

/// A report during whose computations VMS writes.
struct InterferedReport(Table);

/// The database, a statement for each computation in which `{n}` is the number of the computation, and how many
/// computations are interfered with.
struct Interference {
    database: PathBuf,
    sql: String,
    from: u32,
    to: u32,
}

static INTERFERENCE: Mutex<Option<Interference>> = Mutex::new(None);

impl InterferedReport {
    fn inner(&self) -> &'static dyn Report {
        report(self.0).unwrap()
    }
}

impl Report for InterferedReport {
    fn table(&self) -> Table {
        self.0
    }

    fn sources(&self) -> &'static [Source] {
        self.inner().sources()
    }

    fn key_sources(&self) -> &'static [Source] {
        self.inner().key_sources()
    }

    fn keys(&self, cx: Context<'_>) -> Vec<Key> {
        self.inner().keys(cx)
    }

    fn rules_version(&self) -> u32 {
        self.inner().rules_version()
    }

    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        self.inner().sections(cx)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        if let Some(interference) =
            INTERFERENCE.lock().unwrap().as_mut().filter(|interference| interference.from < interference.to)
        {
            interference.from += 1;
            let sql = interference.sql.replace("{n}", &format!("{:02}", interference.from));
            tokio::runtime::Handle::current().block_on(execute(&interference.database, &sql));
        }
        self.inner().builder(cx)
    }
}

fn interfered_report(table: Table) -> Option<&'static dyn Report> {
    match table {
        Table::RecruitmentCandidatesCache => Some(&InterferedReport(Table::RecruitmentCandidatesCache)),
        Table::DistrictYearEndReports => Some(&InterferedReport(Table::DistrictYearEndReports)),
        table => report(table),
    }
}

fn set(world: &World, change: impl FnOnce(&mut RefreshConfig)) {
    world.live.send_modify(|live| {
        let mut config = RefreshConfig::clone(live);
        change(&mut config);
        *live = Arc::new(config);
    });
}

fn interfere(world: &World, sql: &str, times: u32) {
    let (database, sql) = (world.database(), sql.to_owned());
    *INTERFERENCE.lock().unwrap() = Some(Interference { database, sql, from: 0, to: times });
}

fn interferences() -> u32 {
    INTERFERENCE.lock().unwrap().as_ref().map_or(0, |interference| interference.from)
}

async fn queue(world: &World, table: Table, force: bool) {
    let new = NewRun { force, ..NewRun::new(Trigger::Manual, vec![table]) };
    world.queue.enqueue(new).await.unwrap();
}

/// Refreshes one table by force, in a run that ends.
async fn force(world: &World, table: Table) -> Run {
    queue(world, table, true).await;
    ended(world.step().await)
}

fn ended(settled: Option<Settled>) -> Run {
    match settled {
        Some(Settled::Ended(run)) => run,
        other => panic!("the run has not ended: {other:?}"),
    }
}

/// The result of a run: its trigger, the outcome of its only table, and the number of skipped entries.
fn done(run: &Run) -> (Trigger, Outcome, u64) {
    let [job] = run.jobs.as_slice() else { panic!("one table: {run:?}") };
    (run.trigger, job.outcome.unwrap(), job.figures.skipped)
}

#[tokio::test]
async fn an_entry_that_vms_writes_twice_during_a_run_is_computed_again_and_then_put_off() {
    let world = World::settled().await;
    set(&world, |config| config.reports = interfered_report);
    for (table, payload, broken) in [
        (Table::RecruitmentCandidatesCache, "candidates_data", "[7]"),
        // All districts of a year are one group.
        (Table::DistrictYearEndReports, "report_data", "{}"),
    ] {
        let rows = world.rows(table).await;
        assert!(rows > 2, "{table} has {rows} rows");
        let written = format!("SELECT count(*) FROM {table} WHERE {payload} = '{broken}'");
        let rewrite = format!(
            "UPDATE {table} SET {payload} = '{broken}', last_updated = '2026-03-15 05:00:{{n}}.000000' WHERE id = 2"
        );

        // VMS writes once: the second computation replaces its row.
        interfere(&world, &rewrite, 1);
        assert_eq!(done(&force(&world, table).await).2, 0, "{table}");
        assert_eq!((interferences(), world.number(&written).await), (1, 0), "{table}");

        // VMS writes during both computations: its row is kept, and all others are written.
        interfere(&world, &rewrite, 9);
        world.clock.advance(SECOND);
        let now = time::to_text(world.clock.now().naive_utc());
        let (trigger, outcome, skipped) = done(&force(&world, table).await);
        assert!(
            outcome.is_good() && trigger == Trigger::Manual && skipped == 1,
            "{table}: {outcome} {skipped}"
        );
        assert_eq!((interferences(), world.number(&written).await), (2, 1), "{table}");
        let stamped = format!("SELECT count(*) FROM {table} WHERE last_updated = '{now}'");
        assert_eq!(world.number(&stamped).await, rows - 1, "{table}");

        // It is taken up within minutes, again and again until VMS stops writing it.
        assert!(world.step().await.is_none(), "{table} is taken up at once");
        world.clock.advance(2 * MINUTE);
        assert_eq!(done(&ended(world.step().await)).0, Trigger::Watch, "{table}");
        assert_eq!((interferences(), world.number(&written).await), (4, 1), "{table}");
        interfere(&world, "", 0);
        world.clock.advance(2 * MINUTE);
        assert_eq!(done(&ended(world.step().await)).2, 0, "{table}");
        assert_eq!(world.number(&written).await, 0, "{table}");
        world.clock.advance(10 * MINUTE);
        assert!(world.step().await.is_none(), "{table} is taken up again and again");

        // Rows that VMS removes or inserts meanwhile.
        interfere(&world, &format!("DELETE FROM {table} WHERE id = 2"), 1);
        force(&world, table).await;
        assert_eq!((interferences(), world.rows(table).await), (1, rows), "{table}");
    }
}

#[tokio::test]
async fn a_row_that_vms_inserts_meanwhile_is_replaced_by_the_next_computation() {
    let world = World::settled().await;
    let table = Table::OrganizationSummaryCache;
    world.vms("CREATE TABLE kept AS SELECT * FROM organization_summary_cache WHERE id = 2").await;
    world.vms("DELETE FROM organization_summary_cache WHERE id = 2").await;
    // VMS inserts it when the group before is written. The table has no unique constraint: only the comparison
    // within the transaction prevents a second row.
    world
        .vms(
            "CREATE TRIGGER meanwhile AFTER UPDATE ON organization_summary_cache \
             WHEN NOT EXISTS (SELECT 1 FROM organization_summary_cache WHERE id = 2) \
             BEGIN INSERT INTO organization_summary_cache SELECT * FROM kept; END",
        )
        .await;
    let rows = world.rows(table).await;
    force(&world, table).await;
    assert_eq!(world.rows(table).await, rows + 1);
}

/// A world in which half a minute is left to VMS, and one district row is lost.
async fn lost() -> World {
    let world = World::settled().await;
    set(&world, |config| config.district_grace = 30 * SECOND);
    world
        .vms(
            "CREATE TABLE kept AS SELECT * FROM district_year_end_reports WHERE id = 2; \
             DELETE FROM district_year_end_reports WHERE id = 2",
        )
        .await;
    world
}

const DISTRICTS: Table = Table::DistrictYearEndReports;

async fn until(world: &World) -> Duration {
    match world.step().await {
        Some(Settled::Waits(until)) => (until - world.queue.now()).to_std().unwrap(),
        other => panic!("the run does not wait: {other:?}"),
    }
}

#[tokio::test]
async fn a_lost_district_row_is_left_to_vms_for_half_a_minute_by_every_unforced_run() {
    for trigger in [Trigger::Manual, Trigger::Schedule, Trigger::Watch, Trigger::TopUp, Trigger::Startup] {
        let world = lost().await;
        let rows = world.rows(DISTRICTS).await;
        world.queue.enqueue(NewRun::new(trigger, vec![DISTRICTS])).await.unwrap();
        assert_eq!(until(&world).await, 30 * SECOND, "{trigger}");
        assert_eq!(world.rows(DISTRICTS).await, rows, "{trigger}: restored at once");
        world.clock.advance(29 * SECOND);
        assert!(world.step().await.is_none(), "{trigger}: restored too early");
        world.clock.advance(SECOND);
        let run = ended(world.step().await);
        assert!(run.outcome.unwrap().is_good(), "{run:?}");
        assert_eq!(world.rows(DISTRICTS).await, rows + 1, "{trigger}");
        world.clock.advance(10 * MINUTE);
        assert!(world.step().await.is_none(), "{trigger}: nothing is left to do");
    }
}

#[tokio::test]
async fn a_forced_refresh_restores_a_lost_district_row_at_once() {
    let world = lost().await;
    let rows = world.rows(DISTRICTS).await;
    force(&world, DISTRICTS).await;
    assert_eq!(world.rows(DISTRICTS).await, rows + 1);
    let other = Table::OrganizationDetailCache;
    let rows = world.rows(other).await;
    world.vms("DELETE FROM organization_detail_cache WHERE id = 2").await;
    queue(&world, other, false).await;
    ended(world.step().await);
    assert_eq!(world.rows(other).await, rows);
}

#[tokio::test]
async fn a_district_row_that_vms_inserts_during_the_wait_is_kept() {
    let world = lost().await;
    world.queue.enqueue(NewRun::new(Trigger::Manual, vec![DISTRICTS])).await.unwrap();
    until(&world).await;
    let rows = world.rows(DISTRICTS).await;
    // VMS's INSERT would fail if the row had been restored.
    world.vms("INSERT INTO district_year_end_reports SELECT * FROM kept").await;
    world.clock.advance(30 * SECOND);
    assert!(ended(world.step().await).outcome.unwrap().is_good());
    assert_eq!(world.rows(DISTRICTS).await, rows + 1);
}

#[tokio::test]
async fn a_second_lost_district_row_does_not_prolong_the_wait_of_a_job() {
    let world = lost().await;
    let rows = world.rows(DISTRICTS).await;
    queue(&world, DISTRICTS, false).await;
    until(&world).await;
    world.clock.advance(30 * SECOND);
    world.vms("DELETE FROM district_year_end_reports WHERE id = 3").await;
    let run = ended(world.step().await);
    assert_eq!(
        world.rows(DISTRICTS).await,
        rows,
        "the first is restored, the second is left to VMS: {run:?}"
    );
    world.clock.advance(2 * MINUTE);
    assert_eq!(ended(world.step().await).trigger, Trigger::Watch);
    assert_eq!(world.rows(DISTRICTS).await, rows + 1);
}

#[tokio::test]
async fn a_district_row_that_is_lost_again_is_left_to_vms_again() {
    let world = lost().await;
    force(&world, DISTRICTS).await;
    world.clock.advance(MINUTE);
    world.vms("DELETE FROM district_year_end_reports WHERE id IN (1, 3)").await;
    queue(&world, DISTRICTS, false).await;
    assert_eq!(until(&world).await, 30 * SECOND);
}
