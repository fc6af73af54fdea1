//! The real daemon under a stand-in for systemd that passes the socket and receives notifications.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
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
        wait::until("the daemon ends", || self.0.try_wait().unwrap()).code()
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
fn a_socket_passed_to_another_process_is_ignored() {
    let golden = Golden::unpack("tiny1");
    let (mut parent, passed) = passed(&golden, "another");
    let _daemon = silent(&mut parent);
    answers(&golden.directory().join("cached.sock"));
    // No process accepts there: the connection waits in the backlog until the client gives up.
    assert!(passed.exists());
}

#[test]
fn a_passed_descriptor_that_is_not_a_listening_stream_socket_is_refused_with_a_hint() {
    for kind in ["datagram", "deaf"] {
        let golden = Golden::unpack("tiny1");
        let ran = run(&mut passed(&golden, kind).0);
        assert_eq!(ran.code, Some(2), "{kind}: {ran:?}");
        assert!(ran.stderr.contains("ListenStream="), "{kind}: {ran:?}");
    }
}

/// Waits for a notification that contains this line; others may come before it.
fn notification(manager: &UnixDatagram, line: &str) -> String {
    let mut buffer = [0; 4096];
    wait::until(line, || {
        let size = manager.recv(&mut buffer).ok()?;
        let message = String::from_utf8_lossy(&buffer[..size]).into_owned();
        message.lines().any(|found| found.starts_with(line)).then_some(message)
    })
}

#[test]
fn the_service_manager_is_notified_of_start_reload_life_and_stop() {
    let golden = Golden::unpack("tiny1");
    let path = golden.directory().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    notified(&golden, &manager, path.as_os_str());
}

#[test]
fn a_service_manager_whose_socket_has_no_file_is_notified_as_well() {
    let golden = Golden::unpack("tiny1");
    let name = format!("cached-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    notified(&golden, &manager, format!("@{name}").as_ref());
}

fn notified(golden: &Golden, manager: &UnixDatagram, socket: &OsStr) {
    manager.set_nonblocking(true).unwrap();
    let mut command = Daemon::command(golden, "");
    let mut daemon = silent(command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", "300000"));
    notification(manager, "READY=1");
    assert_eq!(
        ping(&golden.directory().join("cached.sock")).code,
        Some(0),
        "ready before clients can connect"
    );
    notification(manager, "WATCHDOG=1");
    daemon.signal(Signal::HUP);
    let reloading = notification(manager, "RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    notification(manager, "READY=1");
    notification(manager, "WATCHDOG=1");
    daemon.signal(Signal::TERM);
    let stopping = notification(manager, "STOPPING=1");
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

/// Starts the daemon as process 1 of a process namespace of its own, as in a container; `None` without root.
fn contained(golden: &Golden, configuration: &str) -> Option<Running> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make a process namespace");
        return None;
    }
    let daemon = Daemon::command(golden, configuration);
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    unshare.arg(daemon.get_program()).args(daemon.get_args());
    unshare.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Some(silent(&mut unshare))
}

#[test]
fn a_client_whose_process_is_not_visible_to_the_daemon_is_served() {
    let golden = Golden::unpack("tiny1");
    let Some(_daemon) = contained(&golden, "") else { return };
    let socket = golden.directory().join("cached.sock");
    answers(&socket);
    // Known by its user, it may also change something.
    let stopped = run(cachectl().args(["stop-scheduler", "--socket"]).arg(&socket));
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
}

#[test]
fn orphans_of_an_operators_command_are_reaped_by_process_1() {
    let golden = Golden::unpack("tiny1");
    let notify = "[notify]\ncommand = \"/bin/sh -c 'sleep 1 & exit 0'\"\n";
    let Some(daemon) = contained(&golden, notify) else { return };
    let socket = golden.directory().join("cached.sock");
    answers(&socket);
    let inside = children(daemon.0.id()).pop().unwrap();
    let sent = run(cachectl().args(["notify", "--test", "--socket"]).arg(&socket));
    assert_eq!(sent.code, Some(0), "{sent:?}");
    wait::until("the left process becomes the daemon's", || (!children(inside).is_empty()).then_some(()));
    wait::until("it is reaped", || children(inside).is_empty().then_some(()));
}

/// The children of a process, those that have ended included.
fn children(parent: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent_of =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    pids.filter(is_child).collect()
}

#[test]
fn a_daemon_whose_lock_another_process_has_taken_stops_and_says_so() {
    let golden = Golden::unpack("tiny1");
    let mut daemon = silent(&mut Daemon::command(&golden, ""));
    answers(&golden.directory().join("cached.sock"));
    let state = golden.directory().join("state.db");
    std::fs::remove_file(golden.directory().join("state.db.lock")).unwrap();
    let _other = cached::state::StateLock::take(&state).unwrap();
    assert_eq!(daemon.ended(), Some(1));
    let log = std::fs::read_to_string(golden.directory().join("log/cache_manager.log")).unwrap();
    assert!(log.contains("another process works with the state by now; this one stops"), "{log}");
    assert!(log.contains("Stopped\n"), "{log}");
}
