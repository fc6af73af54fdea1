//! The real binaries, run as an operator runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Path of a binary of this workspace, beside the test that runs.
///
/// `cargo test` and `cargo nextest run` build the binaries of the whole workspace, because their packages have
/// integration tests of their own.
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join(name);
    assert!(binary.exists(), "{} is not built; run the tests of the whole workspace", binary.display());
    binary
}

/// `cached` with an environment that holds nothing of the developer's own.
pub fn cached() -> Command {
    clean(Command::new(path("cached")))
}

/// `cachectl` with an environment that holds nothing of the developer's own.
pub fn cachectl() -> Command {
    clean(Command::new(path("cachectl")))
}

fn clean(mut command: Command) -> Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // Root's own default is the system's log directory.
    command.env("CACHED_LOG_DIR", "");
    // Many daemons at a time cannot share a port.
    command.env("CACHED_HTTP_LISTEN", "");
    command
}

/// What a command printed, for assertions.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    ran(&command.output().unwrap())
}

/// Reads a command's output.
pub fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
