//! VMS and the daemon as two users of one database: neither may lock the other out, in either journal mode.
//!
//! Needs root for becoming two users; without it these tests print a notice and pass.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cached_tests::binary::{Ran, cachectl, path, run};
use cached_tests::golden::Golden;
use cached_tests::vms::Other;
use cached_tests::wait;

/// User ids without an account on any machine: they have no names.
const VMS: u32 = 54_001;
const DAEMON: u32 = 54_002;
const SHARED: u32 = 54_003;
const MEMBER: u32 = 54_004;

/// A page view of VMS, which writes like any other.
const WRITE: &str = "
import sqlite3, sys
vms = sqlite3.connect(sys.argv[1], timeout=20)
vms.execute('UPDATE event SET title = title WHERE id = (SELECT min(id) FROM event)')
vms.commit()
assert vms.execute('PRAGMA quick_check').fetchone()[0] == 'ok'
";

/// A database in a directory of VMS's, and a directory of the daemon's own.
struct Site {
    golden: Golden,
}

impl Site {
    /// Returns `None` without root.
    fn new(journal: &str, directory_mode: u32) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can become two users");
            return None;
        }
        let site = Self { golden: Golden::unpack("tiny1") };
        let top = site.golden.directory().to_owned();
        Other::open(&site.golden.database()).execute(&format!("PRAGMA journal_mode = {journal}"));
        fs::set_permissions(&top, Permissions::from_mode(0o755)).unwrap();
        for (name, owner, group, mode) in
            [("instance", VMS, SHARED, directory_mode), ("daemon", DAEMON, DAEMON, 0o755)]
        {
            let made = top.join(name);
            fs::create_dir(&made).unwrap();
            chown(&made, Some(owner), Some(group)).unwrap();
            fs::set_permissions(&made, Permissions::from_mode(mode)).unwrap();
        }
        let database = site.database();
        fs::rename(site.golden.database(), &database).unwrap();
        chown(&database, Some(VMS), Some(SHARED)).unwrap();
        fs::set_permissions(&database, Permissions::from_mode(0o660)).unwrap();
        // The build may be in a directory that only its owner can enter.
        let program = top.join("cached");
        fs::hard_link(path("cached"), &program)
            .or_else(|_| fs::copy(path("cached"), &program).map(drop))
            .unwrap();
        Some(site)
    }

    fn database(&self) -> PathBuf {
        self.golden.directory().join("instance/vms.db")
    }

    fn own(&self, name: &str) -> PathBuf {
        self.golden.directory().join("daemon").join(name)
    }

    fn vms_writes(&self) {
        let mut command = become_user(VMS);
        let ran = run(command.args(["python3", "-c", WRITE]).arg(self.database()));
        assert_eq!(ran.code, Some(0), "VMS is locked out: {ran:?}");
    }

    fn cached(&self, arguments: &[&str]) -> Command {
        let mut command = become_user(DAEMON);
        command.arg(self.golden.directory().join("cached")).args(arguments).env("CACHED_LOG_DIR", "");
        command.env("CACHED_DATABASE_URL", self.database()).env("CACHED_STATE_URL", self.own("state.db"));
        command.env("CACHED_SOCKET", self.own("cached.sock"));
        command
    }

    fn refreshes(&self) {
        let ran = run(&mut self.cached(&["refresh", "--force"]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    fn check(&self) -> Ran {
        run(&mut self.cached(&["check"]))
    }

    /// Runs the daemon as its user until it is killed.
    fn killed_daemon(&self, meanwhile: impl FnOnce()) {
        let mut daemon = self.cached(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let socket = self.own("cached.sock");
        wait::until("the daemon has refreshed", || {
            let ran = run(cachectl().args(["status", "--json", "--socket"]).arg(&socket));
            let status: serde_json::Value = serde_json::from_str(&ran.stdout).ok()?;
            status["last_run"].is_object().then_some(())
        });
        meanwhile();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }
}

/// Returns a command that runs as a user with a primary group of its own and the shared one, with a umask
/// that excludes all other users.
fn become_user(user: u32) -> Command {
    let mut command = Command::new("setpriv");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args([format!("--reuid={user}"), format!("--regid={user}"), format!("--groups={SHARED}")]);
    command.args(["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    command
}

fn shared(journal: &str) {
    let Some(site) = Site::new(journal, 0o2770) else { return };
    let checked = site.check();
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("2770 54001:54003"), "{checked:?}");
    site.vms_writes();
    site.refreshes();
    site.vms_writes();
    site.killed_daemon(|| site.vms_writes());
    // The files that the daemon left behind belong to it.
    site.vms_writes();
    site.refreshes();
    site.vms_writes();
}

#[test]
fn a_write_ahead_log_is_shared_through_group_and_setgid_directory() {
    shared("WAL");
}

#[test]
fn a_rollback_journal_is_shared_through_group_and_setgid_directory() {
    shared("DELETE");
}

#[test]
fn check_reports_a_directory_that_would_lock_vms_out_and_its_commands_fix_it() {
    for journal in ["WAL", "DELETE"] {
        let Some(site) = Site::new(journal, 0o770) else { return };
        let checked = site.check();
        assert_eq!(checked.code, Some(2), "{checked:?}");
        assert!(checked.stdout.contains("could not open its own database"), "{checked:?}");
        let refused = run(&mut site.cached(&["refresh"]));
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("cached check"), "{refused:?}");
        let beside = fs::read_dir(site.golden.directory().join("instance")).unwrap().count();
        assert_eq!(beside, 1, "files appeared beside the database");
        site.vms_writes();

        // As the operator would, except for accounts that do not exist and a service that is not installed.
        let commands = checked.stdout.lines().skip_while(|line| *line != "As root:").skip(1);
        for command in commands.map(str::trim).filter(|line| line.starts_with("ch")) {
            assert_eq!(run(Command::new("sh").args(["-c", command])).code, Some(0), "{command}");
        }
        let resolved = site.check();
        assert_eq!(resolved.code, Some(0), "{resolved:?}");
        site.refreshes();
        site.vms_writes();
    }
}

#[test]
fn check_names_the_command_that_opens_a_closed_directory() {
    let Some(site) = Site::new("WAL", 0o2770) else { return };
    let top = site.golden.directory();
    let home = top.join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
    let moved = home.join("vms.db");
    fs::rename(site.database(), &moved).unwrap();
    let ran = run(site.cached(&["check"]).env("CACHED_DATABASE_URL", &moved));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    // The database's own directory: only its group gets access. Root's group is not granted.
    let commands: Vec<&str> =
        ran.stdout.lines().skip_while(|line| *line != "As root:").skip(1).map(str::trim).collect();
    let home = home.display();
    let group = [
        "groupadd --force vms-data".to_owned(),
        format!("chgrp vms-data {home}"),
        format!("chmod g+rwxs {home}"),
        "usermod -aG vms-data 54002".to_owned(),
    ];
    assert_eq!(commands[..4], group, "{ran:?}");

    // Directories above it: only the daemon's user may pass, and all are listed at once.
    let below = top.join("home/VMS/instance");
    fs::create_dir_all(&below).unwrap();
    let ran = run(site.cached(&["check"]).env("CACHED_DATABASE_URL", below.join("vms.db")));
    let above = format!("setfacl -m u:54002:x {home} {home}/VMS ");
    assert!(ran.stdout.contains(&above) && !ran.stdout.contains("o+x"), "{ran:?}");
}

/// Root does not create the files that another user's daemon needs: root has every permission and would own
/// them.
#[test]
fn root_is_refused_where_the_daemons_user_works() {
    let Some(site) = Site::new("WAL", 0o2770) else { return };
    // An account that every Debian has.
    chown(site.own(""), Some(1), None).unwrap();
    let as_root = |arguments: &[&str]| {
        let mut command = cached_tests::binary::cached();
        command.args(arguments).env("CACHED_DATABASE_URL", site.database());
        command.env("CACHED_STATE_URL", site.own("state.db")).env("CACHED_LOG_DIR", site.own(""));
        run(command.env("CACHED_SOCKET", site.own("cached.sock")))
    };
    for arguments in [&["refresh"][..], &["run"]] {
        let ran = as_root(arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let instead = format!("runuser -u daemon -- cached {}", arguments[0]);
        assert!(ran.stderr.contains(&instead), "{ran:?}");
    }
    let ran = as_root(&["check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("runuser -u daemon -- cached check"), "{ran:?}");
    assert_eq!(fs::read_dir(site.own("")).unwrap().count(), 0, "root left files");
    chown(site.own(""), Some(DAEMON), None).unwrap();
    site.refreshes();
}

/// As in a service whose unit hides everything of `/proc` but processes: VMS's locks are not visible.
#[test]
fn a_vacuum_is_refused_where_the_locks_of_others_are_hidden() {
    let Some(site) = Site::new("WAL", 0o2770) else { return };
    let daemon = |prefix: &[&str]| {
        let inner = site.cached(&["run"]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command
            .arg("mount -t proc -o \"$0\" proc /proc && exec \"$@\"")
            .args(prefix)
            .arg(inner.get_program());
        command.args(inner.get_args()).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("CACHED_HTTP_LISTEN", "").stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let socket = site.own("cached.sock");
    let ctl = |arguments: &[&str]| run(cachectl().args(arguments).arg("--socket").arg(&socket));
    let vms = Other::open(&site.database());
    vms.number("SELECT count(*) FROM event");
    for (options, expected) in
        [("subset=pid", "cannot determine which processes"), ("rw", "is in use by process")]
    {
        let mut running = daemon(&[options]).spawn().unwrap();
        wait::until("the daemon has refreshed", || {
            let ran = ctl(&["status", "--json"]);
            let status: serde_json::Value = serde_json::from_str(&ran.stdout).ok()?;
            status["last_run"].is_object().then_some(())
        });
        let ran = ctl(&["maintenance", "vacuum"]);
        // Before the assertion: a failure must not leave the daemon running.
        running.kill().unwrap();
        running.wait().unwrap();
        assert!(ran.code == Some(1) && ran.stderr.contains(expected), "{options}: {ran:?}");
    }
}

/// As with cron, su, or ssh without PAM.
#[test]
fn a_client_without_a_session_finds_the_daemon_of_its_user() {
    let Some(site) = Site::new("WAL", 0o2770) else { return };
    let client = site.golden.directory().join("cachectl");
    fs::hard_link(path("cachectl"), &client)
        .or_else(|_| fs::copy(path("cachectl"), &client).map(drop))
        .unwrap();
    let home = site.own("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(DAEMON), Some(DAEMON)).unwrap();
    let mut daemon = site.cached(&["run"]);
    daemon.env_remove("CACHED_SOCKET").env("HOME", &home).env("CACHED_HTTP_LISTEN", "");
    let mut daemon = daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait::until("the client finds the daemon", || {
        let mut command = become_user(DAEMON);
        (run(command.arg(&client).arg("ping").env("HOME", &home)).code == Some(0)).then_some(())
    });
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(home.join(".local/state/cached/cached.sock").exists());
}

/// A script of a member that opens connections and forgets them.
const HOLD: &str = "
import socket, sys, time
held = []
for _ in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    held.append(one)
    try:
        one.sendall(b'VMSC' + bytes([1, 0, 2, 0]))
    except OSError:
        pass # Rejected, and closed already.
for one in held:
    one.settimeout(20)
    try:
        one.recv(10)
    except OSError:
        pass
print('held', flush=True)
time.sleep(600)
";

#[test]
fn a_member_who_holds_every_connection_it_gets_locks_out_neither_root_nor_the_daemons_user() {
    let Some(site) = Site::new("WAL", 0o2770) else { return };
    let mut daemon = site.cached(&["run"]);
    daemon.env("CACHED_HTTP_LISTEN", "").env("CACHED_SOCKET_WRITE_GROUP", SHARED.to_string());
    let daemon = daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let socket = site.own("cached.sock");
    let client = site.golden.directory().join("cachectl");
    fs::hard_link(path("cachectl"), &client)
        .or_else(|_| fs::copy(path("cachectl"), &client).map(drop))
        .unwrap();
    let ctl = |user: u32, arguments: &[&str]| {
        let mut command = if user == 0 { cachectl() } else { become_user(user) };
        if user != 0 {
            command.arg(&client);
        }
        run(command.args(arguments).arg("--socket").arg(&socket))
    };
    wait::until("the daemon answers", || (ctl(0, &["ping"]).code == Some(0)).then_some(()));
    // A second member, so that both together want all 64.
    let mut members: Vec<_> = [VMS, MEMBER]
        .map(|user| {
            let mut member = become_user(user);
            member.args(["python3", "-c", HOLD]).arg(&socket).arg("64").stdout(Stdio::piped());
            member.spawn().unwrap()
        })
        .into();
    for member in &mut members {
        let mut printed = String::new();
        BufReader::new(member.stdout.as_mut().unwrap()).read_line(&mut printed).unwrap();
        assert_eq!(printed, "held\n");
    }
    let refused = ctl(VMS, &["ping"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("too many clients"), "{refused:?}");
    for user in [0, DAEMON] {
        for arguments in [&["ping"][..], &["reload"], &["status"]] {
            let ran = ctl(user, arguments);
            assert_eq!(ran.code, Some(0), "{user} {arguments:?}: {ran:?}");
        }
    }
    for mut child in members.into_iter().chain([daemon]) {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
