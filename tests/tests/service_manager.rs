//! The real daemon under a stand-in for systemd that passes the socket and receives notifications.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cached_tests::binary::{Ran, cachectl, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::wait;
use rustix::process::{Pid, Signal, kill_process};

/// Script that creates a socket of the kind that the first argument names, at the path in the second, and
/// executes the daemon with it.
const PARENT: &str = "
import os, socket, sys
kind, path, *daemon = sys.argv[1:]
made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == 'datagram' else socket.SOCK_STREAM)
made.bind(path)
if kind not in ('datagram', 'deaf'):
    made.listen(8)
os.dup2(made.fileno(), 3)
os.set_inheritable(3, True)
pid = 1 if kind == 'another' else os.getpid()
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(pid), LISTEN_FDNAMES='control')
os.execv(daemon[0], daemon)
";

/// A daemon that is killed when the test is over.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap(), signal).unwrap();
    }

    fn ended(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn passed(golden: &Golden, kind: &str) -> (Command, PathBuf) {
    let socket = golden.directory().join("passed.sock");
    let daemon = Daemon::command(golden, "");
    let mut parent = Command::new("python3");
    parent.args(["-c", PARENT, kind]).arg(&socket).arg(daemon.get_program()).args(daemon.get_args());
    parent.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    (parent, socket)
}

fn silent(command: &mut Command) -> Running {
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

fn ping(socket: &Path) -> Ran {
    run(cachectl().args(["ping", "--socket"]).arg(socket))
}

fn answers(socket: &Path) {
    wait::until("the daemon answers", || (ping(socket).code == Some(0)).then_some(()));
}

#[test]
fn a_passed_socket_is_served_and_left_where_it_is() {
    let golden = Golden::unpack("tiny1");
    let (mut parent, socket) = passed(&golden, "stream");
    let mut daemon = silent(&mut parent);
    answers(&socket);
    assert!(!golden.directory().join("cached.sock").exists(), "it made a socket of its own, too");
    let before = std::fs::symlink_metadata(&socket).unwrap().permissions().mode();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended(), Some(0));
    assert_eq!(std::fs::symlink_metadata(&socket).unwrap().permissions().mode(), before);
}

#[test]
fn a_socket_that_was_meant_for_another_process_is_not_taken() {
    let golden = Golden::unpack("tiny1");
    let (mut parent, passed) = passed(&golden, "another");
    let _daemon = silent(&mut parent);
    answers(&golden.directory().join("cached.sock"));
    // No process accepts there: the connection waits in the backlog until the client gives up.
    assert!(passed.exists());
}

#[test]
fn what_is_no_listening_stream_socket_is_refused_with_what_the_unit_needs() {
    for kind in ["datagram", "deaf"] {
        let golden = Golden::unpack("tiny1");
        let ran = run(&mut passed(&golden, kind).0);
        assert_eq!(ran.code, Some(2), "{kind}: {ran:?}");
        assert!(ran.stderr.contains("ListenStream="), "{kind}: {ran:?}");
    }
}

/// Waits for a notification that contains this line; others may come before it.
fn told(manager: &UnixDatagram, line: &str) -> String {
    let mut buffer = [0; 4096];
    wait::until(line, || {
        let size = manager.recv(&mut buffer).ok()?;
        let message = String::from_utf8_lossy(&buffer[..size]).into_owned();
        message.lines().any(|found| found.starts_with(line)).then_some(message)
    })
}

#[test]
fn the_service_manager_hears_of_start_reload_life_and_stop() {
    let golden = Golden::unpack("tiny1");
    let path = golden.directory().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut command = Daemon::command(&golden, "");
    let mut daemon = silent(command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000"));
    told(&manager, "READY=1");
    assert_eq!(
        ping(&golden.directory().join("cached.sock")).code,
        Some(0),
        "ready before clients can connect"
    );
    told(&manager, "WATCHDOG=1");
    daemon.signal(Signal::HUP);
    let reloading = told(&manager, "RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    told(&manager, "READY=1");
    told(&manager, "WATCHDOG=1");
    daemon.signal(Signal::TERM);
    let stopping = told(&manager, "STOPPING=1");
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC="), "{stopping}");
    assert_eq!(daemon.ended(), Some(0));
}

#[test]
fn a_socket_that_another_daemon_serves_is_not_stolen() {
    let golden = Golden::unpack("tiny1");
    let socket = golden.directory().join("cached.sock");
    let _other = UnixListener::bind(&socket).unwrap();
    let ran = run(&mut Daemon::command(&golden, ""));
    assert_eq!(ran.code, Some(2), "{ran:?}");
}
