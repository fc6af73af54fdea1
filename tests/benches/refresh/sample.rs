//! The databases that are measured.

use std::path::Path;

use cached::demo::{DemoOptions, generate};
use cached_tests::golden::Golden;
use tempfile::TempDir;

/// A database, before and after its first refresh.
pub(crate) struct Sample {
    name: &'static str,
    directory: TempDir,
}

/// The medium database, and the demonstration's at ten times its size.
pub(crate) fn all() -> Vec<Sample> {
    let golden = Golden::unpack("medium4");
    let medium = Sample::of("medium4: 8,000 events, 15,000 volunteers", |path| {
        std::fs::copy(golden.database(), path).unwrap();
    });
    let demo = Sample::of("demo --scale 10: 3,000 events, 10,000 volunteers", |path| {
        let options = DemoOptions { scale: 10, seed: 1, now: super::pieces::now() };
        runtime().block_on(generate(path, &options)).unwrap();
    });
    vec![medium, demo]
}

impl Sample {
    fn of(name: &'static str, make: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        make(&directory.path().join("vms.db"));
        let refreshed = directory.path().join("refreshed");
        std::fs::create_dir(&refreshed).unwrap();
        std::fs::copy(directory.path().join("vms.db"), refreshed.join("vms.db")).unwrap();
        super::pieces::run("refresh", &refreshed);
        Self { name, directory }
    }

    pub(crate) fn name(&self) -> &str {
        self.name
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
