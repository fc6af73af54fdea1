//! Golden databases, with the cache tables that VMS itself computed from them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::directory::{directory, golden_set, unpacked};

/// A copy of a golden database in a directory of its own.
#[derive(Debug)]
pub struct Golden {
    set: PathBuf,
    directory: TempDir,
}

impl Golden {
    /// Unpacks the golden set of that name.
    pub fn unpack(set: &str) -> Self {
        Self { set: golden_set(set), directory: unpacked(set) }
    }

    /// Returns another copy in the current state; no process may be using this one.
    pub fn copy(&self) -> Self {
        let directory = directory();
        for name in ["vms.db", "state.db"] {
            if self.directory().join(name).exists() {
                std::fs::copy(self.directory().join(name), directory.path().join(name)).unwrap();
            }
        }
        Self { set: self.set.clone(), directory }
    }

    /// Returns the directory of the copy, for further files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the path of the database.
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("vms.db")
    }

    /// Returns the path of a state database next to it.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state.db")
    }

    /// Returns the instant at which VMS computed the expectation.
    pub fn as_of(&self) -> String {
        let meta = std::fs::read_to_string(self.set.join("expected/meta.json")).unwrap();
        let meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
        meta["as_of"].as_str().unwrap().to_owned()
    }

    /// Returns the command `cached refresh` on the copy, at the set's instant and in its time zone.
    pub fn refresh(&self) -> Command {
        let mut command = crate::binary::cached();
        command.args(["refresh", "--timezone", "UTC", "--as-of", &self.as_of()]);
        command.arg("--database").arg(self.database()).arg("--state").arg(self.state());
        command
    }

    /// Compares the copy's cache tables with the ones that VMS computed; panics with the comparison's output
    /// when they differ.
    pub fn judge(&self, arguments: &[&str]) {
        let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/compare.py");
        let output = Command::new("python3")
            .arg(judge)
            .arg(&self.set)
            .arg(self.database())
            .args(arguments)
            .output()
            .expect("python3 is needed to compare with the expectation");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains("ok  "), "the comparison compared nothing: {printed}");
    }
}
