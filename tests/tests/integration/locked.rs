//! Another process holds VMS's write lock.

use std::thread;
use std::time::Duration;

use cached::vms::tables::Table;
use cached_tests::binary::run;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;

#[test]
fn a_lock_of_five_seconds_is_waited_for() {
    let golden = Golden::unpack("tiny1");
    let vms = Other::open(&golden.database());
    vms.execute("BEGIN IMMEDIATE");
    let refresh = thread::spawn({
        let mut refresh = golden.refresh();
        move || run(refresh.args(["district", "--force"]))
    });
    // The duration is part of the scenario: an import that writes for five seconds.
    thread::park_timeout(Duration::from_secs(5));
    assert!(!refresh.is_finished(), "nothing was waited for: {:?}", refresh.join());
    vms.execute("COMMIT");
    let ran = refresh.join().unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!vms.rows(Table::DistrictYearEndReports).is_empty());
}

#[test]
fn a_lock_that_outlasts_the_busy_timeout_fails_with_all_old_rows_intact() {
    let golden = Golden::unpack("tiny1");
    assert_eq!(run(golden.refresh().args(["district", "--force"])).code, Some(0));
    let vms = Other::open(&golden.database());
    vms.execute("UPDATE event_participation SET delivery_hours = 9");
    let before = vms.rows(Table::DistrictYearEndReports);
    vms.execute("BEGIN IMMEDIATE");
    let mut refresh = golden.refresh();
    refresh.args(["--table", "district_year_end_reports", "--force"]).env("CACHED_RETRY_ATTEMPTS", "1");
    let ran = run(&mut refresh);
    vms.execute("COMMIT");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("stayed locked by another process"), "{ran:?}");
    assert_eq!(vms.rows(Table::DistrictYearEndReports), before);
}
