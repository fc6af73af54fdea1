//! Runs the real binaries as an operator does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the path of a binary of this workspace, next to the running test.
///
/// `cargo test` and `cargo nextest run` build the binaries of the whole workspace, because their packages
/// have integration tests of their own.
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join(name);
    assert!(binary.exists(), "{} is not built; run the tests of the whole workspace", binary.display());
    binary
}

/// Returns a command for `cached`, without the developer's environment.
pub fn cached() -> Command {
    clean(Command::new(path("cached")))
}

/// Returns a command for `cachectl`, without the developer's environment.
pub fn cachectl() -> Command {
    clean(Command::new(path("cachectl")))
}

fn clean(mut command: Command) -> Command {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // Root's default is the system's log directory.
    command.env("CACHED_LOG_DIR", "");
    // Daemons that run in parallel cannot share a port.
    command.env("CACHED_HTTP_LISTEN", "");
    command
}

/// Exit code and output of a command, for assertions.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Exit code; `None` when a signal ended the process.
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

/// Converts a command's output.
pub fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
