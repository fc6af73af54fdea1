//! External changes to the cache tables are repaired automatically, without a request and without a schedule
//! in between.

use std::collections::BTreeMap;
use std::time::Instant;

use cached::vms::tables::Table;
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::vms::{Other, Rows};
use cached_tests::wait;

const IMPATIENT: &str =
    "[watch]\npoll = \"20ms\"\nquiet = \"200ms\"\nmax_delay = \"2s\"\n[cache]\ndistrict_grace = \"1s\"\n";

/// Returns the tables that a daemon fills by default.
fn tables() -> impl Iterator<Item = Table> {
    Table::ALL.iter().copied().filter(|table| *table != Table::OrganizationReports)
}

fn rows(vms: &Other) -> BTreeMap<Table, Rows> {
    tables().map(|table| (table, vms.rows(table))).collect()
}

#[expect(clippy::disallowed_methods, reason = "a real process is waited for in real time")]
fn timed(what: &str, recovered: impl FnMut() -> Option<()>) {
    let began = Instant::now();
    wait::until(what, recovered);
    println!("{what} after {:.2?}", began.elapsed());
}

#[test]
fn every_wiped_cache_table_is_refilled() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, IMPATIENT);
    daemon.idle();
    let vms = Other::open(&golden.database());
    let before = rows(&vms);
    assert!(before.values().all(|rows| !rows.is_empty()));
    for table in tables() {
        vms.execute(&format!("DELETE FROM {table}"));
    }
    let keys = |rows: &BTreeMap<Table, Rows>| -> Vec<(Table, Vec<String>)> {
        rows.iter().map(|(table, rows)| (*table, rows.keys().cloned().collect())).collect()
    };
    timed("all wiped tables are refilled", || (keys(&rows(&vms)) == keys(&before)).then_some(()));
    daemon.idle();
    let runs = daemon.json(&["history"]);
    assert_eq!(runs["runs"][0]["trigger"], "watch", "{runs}");
    assert_eq!(daemon.json(&["health"])["health"], "healthy");
}

#[test]
fn an_update_by_plain_sql_reaches_the_reports() {
    let golden = Golden::unpack("tiny1");
    let vms = Other::open(&golden.database());
    let participation = vms.number(
        "SELECT max(p.id) FROM event_participation p JOIN event e ON e.id = p.event_id \
         JOIN volunteer_organization o ON o.volunteer_id = p.volunteer_id \
         WHERE p.status = 'Attended' AND e.status = 'COMPLETED' AND e.type = 'CAREER_FAIR'",
    );
    // Within one of the years that reports cover, whenever this test runs.
    vms.execute(&format!(
        "UPDATE event SET start_date = strftime('%Y-%m-%d 12:00:00.000000', 'now', '-40 days') \
         WHERE id = (SELECT event_id FROM event_participation WHERE id = {participation})"
    ));
    let daemon = Daemon::start(&golden, IMPATIENT);
    daemon.idle();
    let table = Table::RecentVolunteersReportCache;
    let reported = || vms.rows(table).values().any(|payload| payload.contains("4321"));
    assert!(!reported());

    vms.execute(&format!("UPDATE event_participation SET delivery_hours = 4321 WHERE id = {participation}"));
    timed("a changed participation is in the reports", || reported().then_some(()));
    daemon.idle();
    let run = daemon.json(&["history"])["runs"][0].clone();
    assert_eq!(run["trigger"], "watch", "{run}");
    let refreshed: Vec<&str> =
        run["jobs"].as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert!(refreshed.contains(&table.as_str()), "{run}");
    assert!(
        !refreshed.contains(&Table::VirtualSessionReportCache.as_str()),
        "it does not depend on hours: {run}"
    );
}
