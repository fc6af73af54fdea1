//! Every cache table equals what VMS itself computed from the same database.

use cached_tests::binary::run;
use cached_tests::golden::Golden;

const DISTRICT: &[&str] = &["--tables", "district_year_end_reports,district_engagement_reports"];

fn equals(set: &str, exact: bool) {
    let golden = Golden::unpack(set);
    let mut refresh = golden.refresh();
    refresh.args(["--force", "district"]);
    if exact {
        refresh.arg("--exact");
    }
    let ran = run(&mut refresh);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut arguments = DISTRICT.to_vec();
    if !exact {
        arguments.push("--fixed");
    }
    golden.judge(&arguments);
}

#[test]
fn tiny_exact() {
    equals("tiny1", true);
}

#[test]
fn tiny_fixed() {
    equals("tiny1", false);
}

#[test]
fn small_exact() {
    equals("small3", true);
}

#[test]
fn small_fixed() {
    equals("small3", false);
}

/// The medium database takes too long for a test build on every commit; `.ci/full` asks for it.
fn asked_for_everything() -> bool {
    std::env::var_os("CACHED_FULL_TESTS").is_some()
}

#[test]
fn medium_exact() {
    if asked_for_everything() {
        equals("medium4", true);
    }
}

#[test]
fn medium_fixed() {
    if asked_for_everything() {
        equals("medium4", false);
    }
}
