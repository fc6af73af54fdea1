//! Every cache table equals what VMS itself computed from the same database.

use cached_tests::binary::run;
use cached_tests::golden::Golden;

fn equals(set: &str, exact: bool) {
    let golden = Golden::unpack(set);
    let mut refresh = golden.refresh();
    refresh.arg("--force");
    if exact {
        refresh.arg("--exact");
    }
    let ran = run(&mut refresh);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    golden.judge(if exact { &[] } else { &["--fixed"] });
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

#[test]
fn first_of_august_exact() {
    equals("august1", true);
}

#[test]
fn first_of_august_fixed() {
    equals("august1", false);
}

#[test]
fn last_of_july_exact() {
    equals("july31", true);
}

#[test]
fn last_of_july_fixed() {
    equals("july31", false);
}

#[test]
fn new_years_eve_exact() {
    equals("newyear_eve", true);
}

#[test]
fn new_years_eve_fixed() {
    equals("newyear_eve", false);
}

#[test]
fn new_year_exact() {
    equals("newyear", true);
}

#[test]
fn new_year_fixed() {
    equals("newyear", false);
}

#[test]
fn doubles_exact() {
    equals("doubles", true);
}

#[test]
fn doubles_fixed() {
    equals("doubles", false);
}

#[test]
#[ignore = "minutes in a build without optimisation; .ci/full runs it"]
fn medium_exact() {
    equals("medium4", true);
}

#[test]
#[ignore = "minutes in a build without optimisation; .ci/full runs it"]
fn medium_fixed() {
    equals("medium4", false);
}
