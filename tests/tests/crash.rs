//! `kill -9` at any moment of a refresh leaves every row whole: old or new, never missing, and a group never
//! half of each.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use cached::vms::tables::Table;
use cached_tests::binary::run;
use cached_tests::golden::Golden;
use cached_tests::vms::{Other, Rows};

const TABLES: [Table; 2] = [Table::DistrictYearEndReports, Table::DistrictEngagementReports];

/// Kills in each journal mode.
const KILLS: u32 = 20;

struct Expected {
    old: BTreeMap<Table, Rows>,
    new: BTreeMap<Table, Rows>,
}

#[test]
fn a_rollback_journal_survives_kills() {
    survives("DELETE");
}

#[test]
fn a_write_ahead_log_survives_kills() {
    survives("WAL");
}

#[expect(clippy::disallowed_methods, reason = "a real process is killed in real time")]
fn survives(journal: &str) {
    let golden = Golden::unpack("tiny1");
    Other::open(&golden.database()).execute(&format!("PRAGMA journal_mode = {journal}"));
    assert_eq!(run(golden.refresh().args(["district", "--force"])).code, Some(0));
    let old = rows(&golden);
    Other::open(&golden.database()).execute("UPDATE event_participation SET delivery_hours = 9");

    let whole = golden.copy();
    let began = Instant::now();
    assert_eq!(run(whole.refresh().args(["district", "--force"])).code, Some(0));
    let duration = began.elapsed();
    let expected = Expected { old, new: rows(&whole) };
    assert_ne!(expected.old, expected.new, "the change does not show, so a lost one would not either");

    for kill in 0..KILLS {
        let copy = golden.copy();
        let mut refresh = copy.refresh();
        let mut child = refresh
            .args(["district", "--force"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Spread evenly over a whole refresh, so that every step of it is hit by some kill.
        thread::park_timeout(duration * kill / KILLS + Duration::from_millis(1));
        child.kill().unwrap();
        child.wait().unwrap();
        check(&copy, &expected, kill);
        let again = run(copy.refresh().args(["district", "--force"]));
        assert_eq!(again.code, Some(0), "{again:?}");
        assert_eq!(rows(&copy), expected.new, "after kill {kill} the next refresh did not complete the work");
    }
}

fn rows(golden: &Golden) -> BTreeMap<Table, Rows> {
    let vms = Other::open(&golden.database());
    TABLES.into_iter().map(|table| (table, vms.rows(table))).collect()
}

fn check(copy: &Golden, expected: &Expected, kill: u32) {
    let vms = Other::open(&copy.database());
    assert_eq!(vms.texts("PRAGMA integrity_check"), ["ok"]);
    for table in TABLES {
        let found = vms.rows(table);
        let (old, new) = (&expected.old[&table], &expected.new[&table]);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            old.keys().collect::<Vec<_>>(),
            "kill {kill}: rows of {table}"
        );
        let mut groups: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
        for (key, payload) in &found {
            assert!(*payload == old[key] || *payload == new[key], "kill {kill}: {table} {key} is torn");
            if old[key] != new[key] {
                // A district group is a school year, the first part of the key.
                let group = key.split(' ').next().unwrap();
                groups.entry(group).or_default().push(*payload == new[key]);
            }
        }
        for (group, renewed) in groups {
            let whole = renewed.iter().all(|&new| new) || renewed.iter().all(|&new| !new);
            assert!(whole, "kill {kill}: {table} {group} is half old, half new");
        }
    }
}
