//! Executes histories, and shortens and keeps those that fail.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

use crate::generate::generate;
use crate::op::{Op, Setting};
use crate::world::World;

/// Executes a history from its beginning until everything is at rest; an error names the violated invariant
/// and the operation.
pub(crate) fn play(setting: Setting, ops: &[Op]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let played = runtime.block_on(AssertUnwindSafe(Box::pin(story(setting, ops))).catch_unwind());
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("it panicked: {}", text.unwrap_or_default()))
    })
}

async fn story(setting: Setting, ops: &[Op]) -> Result<(), String> {
    let mut world = Box::pin(World::begin(setting)).await?;
    for (at, &op) in ops.iter().enumerate() {
        world.apply(op).await.map_err(|broken| format!("after operation {at}, {op:?}: {broken}"))?;
    }
    world.settle().await.map_err(|broken| format!("at rest: {broken}"))
}

/// Executes the histories of seeds, up to the first failure.
pub(crate) fn try_seeds(seeds: impl Iterator<Item = u64>) {
    let (mut histories, mut operations) = (0, 0);
    for seed in seeds {
        let (setting, ops) = generate(seed);
        if let Err(broken) = play(setting, &ops) {
            let (ops, broken) = shorten(setting, ops, broken);
            let file = write(setting, &ops, &broken);
            panic!(
                "seed {seed} fails {broken}\nafter {histories} good histories; the shortest history is in {file}, and \
                 is run again by `cargo test -p cached-tests --test simulation histories_that_failed`:\n{setting:?}\n{ops:#?}"
            );
        }
        histories += 1;
        operations += ops.len();
    }
    println!("{histories} histories of {operations} operations hold");
}

/// Removes operations as long as the history fails by the same invariant.
fn shorten(setting: Setting, mut ops: Vec<Op>, mut broken: String) -> (Vec<Op>, String) {
    let invariant = |broken: &str| broken.rsplit_once(": ").map(|_| number(broken));
    let wanted = invariant(&broken);
    let mut size = ops.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + size).min(ops.len()));
            match play(setting, &fewer) {
                Err(still) if invariant(&still) == wanted => (ops, broken) = (fewer, still),
                _ => at += size,
            }
        }
        size /= 2;
    }
    (ops, broken)
}

/// Returns the number of the invariant that a message names.
fn number(broken: &str) -> Option<char> {
    let named = |part: &str| part.len() == 1 && part.chars().all(|c| c.is_ascii_digit());
    broken.split([' ', ':']).find(|part| named(part)).and_then(|part| part.chars().next())
}

/// A history that once failed, kept as a file.
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
fn write(setting: Setting, ops: &[Op], broken: &str) -> String {
    let path = directory().join(format!("seed-{}.json", setting.seed));
    let kept = Reproduction { broken: broken.to_owned(), setting, ops: ops.to_vec() };
    let text = serde_json::to_string_pretty(&kept).unwrap();
    std::fs::write(&path, text + "\n").map_or_else(
        |error| format!("no file, since {} cannot be written: {error}", path.display()),
        |()| path.display().to_string(),
    )
}

/// Executes all stored histories.
pub(crate) fn run_reproductions() {
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
