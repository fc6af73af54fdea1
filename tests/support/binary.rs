//! Runs the real binaries as an operator does.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use crate::wait;

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

/// Runs a command to its end, and stops it after a timeout. Its output is always captured; to send it elsewhere, see
/// [`ran`].
pub fn run(command: &mut Command) -> Ran {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    ran(&format!("{command:?}"), child.unwrap())
}

/// Waits for the end of a process, and returns what it wrote to its pipes.
pub fn ran(what: &str, mut child: Child) -> Ran {
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let code = end(what, &mut child).code();
    let text = |pipe: Option<JoinHandle<String>>| pipe.map(|pipe| pipe.join().unwrap()).unwrap_or_default();
    Ran { code, stdout: text(stdout), stderr: text(stderr) }
}

/// Waits for the end of a process; one that does not end is stopped.
pub fn end(what: &str, child: &mut Child) -> ExitStatus {
    let ended = wait::within_timeout(|| child.try_wait().unwrap());
    ended.unwrap_or_else(|| {
        // It may have ended at this moment.
        let _ = child.kill();
        panic!("timed out: the end of {what}")
    })
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
