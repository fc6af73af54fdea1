//! A migration that has landed never changes: files that it has made are in use.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// `HASH  FILE` as `sha256sum` prints it, for each migration that has landed. A new one gets a line of its own.
const LANDED: &str = include_str!("data/landed_migrations.txt");

#[test]
#[expect(clippy::disallowed_methods, reason = "sources of this crate")]
fn a_migration_that_has_landed_is_never_edited() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state");
    let mut there = BTreeMap::new();
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let hash: Vec<String> = Sha256::digest(std::fs::read(&path).unwrap())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            there.insert(path.file_name().unwrap().to_string_lossy().into_owned(), hash.concat());
        }
    }
    let landed: BTreeMap<String, String> = LANDED
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(hash, file)| (file.to_owned(), hash.to_owned()))
        .collect();
    assert_eq!(
        there, landed,
        "append another migration instead; a new one adds its line to landed_migrations.txt"
    );
}
