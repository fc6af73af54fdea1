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
#[ignore = "minutes in a build without optimisation; .ci/full runs it"]
fn medium_exact() {
    equals("medium4", true);
}

#[test]
#[ignore = "minutes in a build without optimisation; .ci/full runs it"]
fn medium_fixed() {
    equals("medium4", false);
}
