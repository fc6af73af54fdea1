//! The inputs that are kept for `tests/fuzz`: what they once found stays found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use cached_tests::fuzz::{TARGETS, Target};

fn every_input(name: &str, target: Target) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut inputs = 0;
    for file in std::fs::read_dir(&corpus).unwrap() {
        let file = file.unwrap().path();
        println!("{}", file.display());
        target(&std::fs::read(file).unwrap());
        inputs += 1;
    }
    assert!(inputs > 10, "only {inputs} inputs are kept in {}", corpus.display());
}

#[test]
fn every_target_holds_for_every_kept_input() {
    for (name, target) in TARGETS {
        every_input(name, target);
    }
}
