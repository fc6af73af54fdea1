//! One target, by the name in `CACHED_FUZZ`, for libFuzzer.
#![no_main]

use std::sync::LazyLock;

use cached_tests::fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("CACHED_FUZZ").expect("CACHED_FUZZ names a target");
    TARGETS.into_iter().find(|(known, _)| *known == name).expect("there is such a target").1
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
