//! Histories that once failed, kept as files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::history::play;
use crate::op::{Op, Setting};

#[derive(Debug, Serialize, Deserialize)]
struct Reproduction {
    /// The violated invariant.
    broken: String,
    setting: Setting,
    ops: Vec<Op>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/reproductions")
}

/// Stores a history and returns its path.
pub(crate) fn write(setting: Setting, ops: &[Op], broken: &str) -> String {
    let path = directory().join(format!("seed-{}.json", setting.seed));
    let kept = Reproduction { broken: broken.to_owned(), setting, ops: ops.to_vec() };
    let text = serde_json::to_string_pretty(&kept).unwrap();
    std::fs::write(&path, text + "\n").map_or_else(
        |error| format!("no file, since {} cannot be written: {error}", path.display()),
        |()| path.display().to_string(),
    )
}

/// Executes all stored histories.
pub(crate) fn run_all() {
    let Ok(files) = std::fs::read_dir(directory()) else { return };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    for file in &files {
        let kept: Reproduction = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        if let Err(broken) = play(kept.setting, &kept.ops) {
            panic!("{} fails again {broken}\n{:#?}", file.display(), kept.ops);
        }
    }
    println!("{} histories that failed once hold", files.len());
}
