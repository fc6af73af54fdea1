//! The databases that are measured.

use std::path::Path;

use cached::demo::{DemoOptions, generate};
use cached_tests::golden::Golden;
use tempfile::TempDir;

/// A database, before and after its first refresh.
pub(crate) struct Sample {
    name: String,
    directory: TempDir,
}

/// Sizes of the demonstration's database: from fifteen thousand source rows to one and a half million.
const SCALES: [u32; 3] = [1, 10, 100];

/// The medium database, and the demonstration's at several sizes; of these, those with `part` in their name.
pub(crate) fn all(part: &str) -> impl Iterator<Item = Sample> {
    let medium = std::iter::once("medium4".to_owned()).filter(move |name| name.contains(part));
    let medium = medium.map(|name| {
        Sample::of(name, |path| {
            std::fs::copy(Golden::unpack("medium4").database(), path).unwrap();
        })
    });
    let demos = SCALES.into_iter().map(|scale| (format!("demo --scale {scale}"), scale));
    let demos = demos.filter(move |(name, _)| name.contains(part)).map(|(name, scale)| {
        Sample::of(name, |path| {
            let options = DemoOptions { scale, seed: 1, now: super::pieces::now() };
            runtime().block_on(generate(path, &options)).unwrap();
        })
    });
    medium.chain(demos)
}

impl Sample {
    fn of(name: String, make: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        make(&directory.path().join("vms.db"));
        let refreshed = directory.path().join("refreshed");
        std::fs::create_dir(&refreshed).unwrap();
        std::fs::copy(directory.path().join("vms.db"), refreshed.join("vms.db")).unwrap();
        super::pieces::run("refresh", &refreshed);
        Self { name, directory }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A copy for one round.
    pub(crate) fn fresh(&self, refreshed: bool) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        let refreshed_directory = self.directory.path().join("refreshed");
        let from = if refreshed { &refreshed_directory } else { self.directory.path() };
        for name in ["vms.db", "state.db"] {
            if from.join(name).exists() {
                std::fs::copy(from.join(name), copy.path().join(name)).unwrap();
            }
        }
        // What the bare write copies.
        std::fs::copy(refreshed_directory.join("vms.db"), copy.path().join("written.db")).unwrap();
        copy
    }
}

/// A runtime like the daemon's.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}
