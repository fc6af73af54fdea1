//! Another process holds VMS's write lock.

use std::thread;
use std::time::Duration;

use cached::refresh::RefreshScope;
use cached::vms::tables::Table;
use cached_tests::binary::run;
use cached_tests::golden::Golden;
use cached_tests::inside::{Inside, now};
use cached_tests::vms::Other;
use cached_tests::wait;

#[test]
fn a_lock_that_is_held_for_a_second_is_waited_for_within_one_attempt() {
    let golden = Golden::unpack("tiny1");
    assert_eq!(run(golden.refresh().args(["district", "--force"])).code, Some(0));
    let (vms, state) = (Other::open(&golden.database()), Other::open(&golden.state()));
    let before = vms.rows(Table::DistrictYearEndReports);
    vms.execute("UPDATE event_participation SET delivery_hours = 9");
    vms.execute("BEGIN IMMEDIATE");
    let refresh = thread::spawn({
        let mut refresh = golden.refresh();
        move || run(refresh.args(["--table", "district_year_end_reports", "--force"]))
    });
    wait::until("an attempt at the table begins", || {
        (state.number("SELECT count(*) FROM attempts WHERE ended IS NULL") > 0).then_some(())
    });
    // The duration is part of the scenario: a transaction of VMS's that takes a second.
    thread::park_timeout(Duration::from_secs(1));
    assert!(!refresh.is_finished(), "nothing was waited for: {:?}", refresh.join());
    vms.execute("COMMIT");
    let ran = refresh.join().unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_ne!(vms.rows(Table::DistrictYearEndReports), before);
    assert_eq!(state.number("SELECT max(number) FROM attempts"), 1, "it was tried again");
}

#[test]
fn a_lock_held_beyond_the_timeout_is_an_error_and_all_old_rows_stay() {
    let golden = Golden::unpack("tiny1");
    let inside = Inside::open(&golden.database(), &golden.state());
    for result in inside.refresh(RefreshScope::Every, now()).1 {
        assert!(result.error.is_none(), "{:?}", result.error);
    }
    let vms = Other::open(&golden.database());
    vms.execute("UPDATE event_participation SET delivery_hours = 9");
    let rows = || Table::ALL.iter().map(|&table| vms.rows(table)).collect::<Vec<_>>();
    let before = rows();
    vms.execute("BEGIN IMMEDIATE");
    let inside = inside.without_waiting();
    let (_, results) = inside.refresh(RefreshScope::Every, now());
    vms.execute("COMMIT");
    assert_eq!(rows(), before);
    for result in results {
        let error = result.error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("stayed locked by another process"), "{}: {error:?}", result.report.table);
    }
}
