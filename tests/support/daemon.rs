//! The real daemon on a golden database, controlled by the real client.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::binary::{self, Ran, cachectl, cached, run};
use crate::golden::Golden;
use crate::wait;

/// A running daemon; dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    /// Starts `cached run` on the copy and waits until its socket answers. `configuration` is added to the
    /// file.
    pub fn start(golden: &Golden, configuration: &str) -> Self {
        let daemon = Self::spawn(golden.directory(), configuration);
        daemon.answers();
        daemon
    }

    /// Starts a daemon with the given command, and waits until its socket answers.
    pub fn launch(mut command: Command, socket: &Path) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let daemon = Self { child, socket: socket.to_owned() };
        daemon.answers();
        daemon
    }

    /// Starts `cached run` on the `vms.db` of a directory, without waiting.
    pub fn spawn(directory: &Path, configuration: &str) -> Self {
        let mut command = Self::command_in(directory, configuration);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, socket: socket(directory) }
    }

    /// Waits until the daemon's socket answers.
    pub fn answers(&self) {
        // Checking for the file is cheaper than a client that is refused.
        wait::until("the daemon has its socket", || self.socket.exists().then_some(()));
        wait::until("the daemon answers", || {
            (run(cachectl().args(["ping", "--socket"]).arg(&self.socket)).code == Some(0)).then_some(())
        });
    }

    /// Returns the command that starts a daemon on the copy.
    pub fn command(golden: &Golden, configuration: &str) -> Command {
        Self::command_in(golden.directory(), configuration)
    }

    fn command_in(directory: &Path, configuration: &str) -> Command {
        let file = directory.join("cached.toml");
        // Daemons that run in parallel cannot share a port.
        let http = if configuration.contains("[http]") { "" } else { "[http]\nlisten = \"\"\n" };
        std::fs::write(
            &file,
            format!(
                "[database]\nurl = \"{}\"\n[state]\nurl = \"{}\"\n[socket]\npath = \"{}\"\n{http}[log]\ndir = \"{}\"\n{configuration}",
                directory.join("vms.db").display(),
                directory.join("state.db").display(),
                socket(directory).display(),
                directory.join("log").display(),
            ),
        )
        .unwrap();
        let mut command = cached();
        // Here the configuration file sets log directory and address.
        command
            .env_remove("CACHED_LOG_DIR")
            .env_remove("CACHED_HTTP_LISTEN")
            .args(["run", "--config"])
            .arg(file);
        command
    }

    /// Runs `cachectl` against the daemon.
    pub fn ctl(&self, arguments: &[&str]) -> Ran {
        run(cachectl().args(arguments).arg("--socket").arg(&self.socket))
    }

    /// Returns the output of `cachectl … --json`, which must succeed.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let ran = self.ctl(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Returns the daemon's health, whatever its status.
    pub fn health(&self) -> serde_json::Value {
        let ran = self.ctl(&["health", "--json"]);
        assert_ne!(ran.stdout, "", "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Returns the control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the daemon a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Stops the daemon, and returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        binary::end("the daemon that was asked to stop", &mut self.child).code()
    }

    /// Waits until no run is in progress or queued.
    pub fn idle(&self) {
        wait::until("the daemon is idle", || {
            let status = self.json(&["status"]);
            (status["current_run"].is_null() && status["queued_runs"] == 0).then_some(())
        });
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the control socket of the daemon of a directory.
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("cached.sock")
}
