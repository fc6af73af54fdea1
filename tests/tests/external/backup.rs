//! Backups of VMS's database: who gets one, where it is written, and that the daemon writes nothing with its own rights
//! on behalf of a client.
//!
//! Tests that need two users need root; without it they print a notice and pass.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cached_tests::binary::{self, Ran, cachectl, path, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;
use cached_tests::wait;

/// User and group ids without an account on any machine: they have no names.
const DAEMON: u32 = 54_102;
const MEMBER: u32 = 54_104;
const MEMBERS: u32 = 54_105;
const KEEPERS: u32 = 54_106;

/// A text that users without access to VMS's database must not see.
const SECRET: &str = "scrypt:32768:8:1$SALT$THE-HASH-OF-A-PASSWORD";

const HEADER: &[u8] = b"SQLite format 3\0";

const QUIET: &str = "[watch]\nenabled = false\n";

/// A daemon of a user of its own, and a member of the group of its socket who has a directory.
struct Site {
    golden: Golden,
    daemon: Daemon,
}

impl Site {
    /// Returns `None` without root. `prefix` starts the daemon in an environment of its own.
    fn new(configuration: &str, prefix: &[&str]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can become two users");
            return None;
        }
        let golden = Golden::unpack("tiny1");
        let top = golden.directory().to_owned();
        Other::open(&golden.database())
            .execute(&format!("CREATE TABLE secrets AS SELECT '{SECRET}' AS password_hash"));
        fs::set_permissions(&top, Permissions::from_mode(0o755)).unwrap();
        for (name, owner, mode) in
            [("instance", DAEMON, 0o700), ("daemon", DAEMON, 0o755), ("member", MEMBER, 0o700)]
        {
            fs::create_dir(top.join(name)).unwrap();
            fs::set_permissions(top.join(name), Permissions::from_mode(mode)).unwrap();
            chown(top.join(name), Some(owner), Some(owner)).unwrap();
        }
        let database = top.join("instance/vms.db");
        fs::rename(golden.database(), &database).unwrap();
        chown(&database, Some(DAEMON), Some(DAEMON)).unwrap();
        // The build may be in a directory that only its owner can enter.
        for program in ["cached", "cachectl"] {
            fs::hard_link(path(program), top.join(program))
                .or_else(|_| fs::copy(path(program), top.join(program)).map(drop))
                .unwrap();
        }
        let file = top.join("cached.toml");
        let own = |name: &str| top.join("daemon").join(name).display().to_string();
        fs::write(
            &file,
            format!(
                "[database]\nurl = \"{}\"\n[state]\nurl = \"{}\"\n[log]\ndir = \"{}\"\n[http]\nlisten = \"\"\n{QUIET}\
                 [socket]\npath = \"{}\"\nwrite_group = \"{MEMBERS}\"\n{configuration}",
                database.display(),
                own("state.db"),
                own("log"),
                own("cached.sock"),
            ),
        )
        .unwrap();
        let inner = become_user(DAEMON, &[MEMBERS]);
        let mut command = match prefix {
            [] => Command::new(inner.get_program()),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(inner.get_program());
                command
            }
        };
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(inner.get_args()).arg(top.join("cached")).args(["run", "--config"]).arg(file);
        let daemon = Daemon::launch(command, Path::new(&own("cached.sock")));
        daemon.idle();
        Some(Self { golden, daemon })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.golden.directory().join(name)
    }

    /// Runs the client as a user, with a umask that excludes all others.
    fn client(&self, user: u32, groups: &[u32], arguments: &[&str]) -> Ran {
        let mut command = become_user(user, groups);
        run(command.arg(self.path("cachectl")).args(arguments).arg("--socket").arg(self.daemon.socket()))
    }
}

fn become_user(user: u32, groups: &[u32]) -> Command {
    let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
    let mut command = Command::new("setpriv");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args([format!("--reuid={user}"), format!("--regid={user}")]);
    command.arg(match groups.join(",") {
        none if none.is_empty() => "--clear-groups".to_owned(),
        groups => format!("--groups={groups}"),
    });
    command.args(["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    command
}

fn names(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_whole(copy: &Path) -> bool {
    let copy = Other::open(copy);
    copy.texts("PRAGMA integrity_check") == ["ok"] && copy.texts("SELECT * FROM secrets") == [SECRET]
}

/// The member of the group writes nothing with the daemon's rights: not where only the daemon may write, and no
/// copy where the member may.
#[test]
fn a_member_of_the_write_group_gets_no_backup_at_any_path() {
    let Some(site) = Site::new("", &[]) else { return };
    let (log, state) = (site.path("daemon/log"), site.path("daemon"));
    let before = (names(&log), names(&state));
    let planted = log.join("cache_manager_20261128.log");
    let ran = site.client(MEMBER, &[MEMBERS], &["maintenance", "backup", planted.to_str().unwrap()]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for target in ["-".to_owned(), site.path("member/copy.db").display().to_string()] {
        let ran = site.client(MEMBER, &[MEMBERS], &["maintenance", "backup", &target]);
        assert!(ran.code == Some(4) && ran.stderr.contains("credentials"), "{target}: {ran:?}");
        assert_eq!(ran.stdout, "", "{target}");
    }
    assert_eq!((names(&log), names(&state)), before);
    assert_eq!(names(&site.path("member")), [""; 0]);
    let ran = site.client(MEMBER, &[MEMBERS], &["logs", "-n", "100000"]);
    assert!(ran.code == Some(0) && !ran.stdout.contains("scrypt"), "{ran:?}");
    // Who has read is in the log.
    let ran = site.client(MEMBER, &[MEMBERS], &["logs"]);
    assert!(ran.stdout.contains(&format!("The log is read by user {MEMBER}")), "{ran:?}");
}

/// As when the copy had come into the log's directory in some other way.
#[test]
fn a_database_with_the_name_of_a_log_is_not_shown_by_logs() {
    let Some(site) = Site::new("", &[]) else { return };
    let log = site.path("daemon/log");
    for (name, owner) in [("cache_manager_20260101.log", DAEMON), ("cache_manager_20260102.log", MEMBER)] {
        fs::copy(site.path("instance/vms.db"), log.join(name)).unwrap();
        chown(log.join(name), Some(owner), Some(owner)).unwrap();
    }
    for arguments in [&["logs", "-n", "100000"][..], &["logs", "--since", "9999d"]] {
        let ran = site.client(MEMBER, &[MEMBERS], arguments);
        assert!(
            !ran.stdout.contains("scrypt") && !ran.stdout.contains("SQLite format"),
            "{arguments:?}: {ran:?}"
        );
        assert_eq!(ran.code, Some(1), "{arguments:?}: what is left out is reported: {ran:?}");
        assert!(ran.stderr.contains("cache_manager_20260101.log"), "{arguments:?}: {ran:?}");
        assert!(ran.stdout.contains("starts, process"), "{arguments:?}: the log itself is shown: {ran:?}");
    }
}

#[test]
fn a_member_of_the_backup_group_gets_a_backup_that_it_owns() {
    let Some(site) = Site::new(&format!("backup_group = \"{KEEPERS}\"\n"), &[]) else { return };
    let copy = site.path("member/copy.db");
    let arguments = ["maintenance", "backup", copy.to_str().unwrap()];
    assert_eq!(site.client(MEMBER, &[MEMBERS], &arguments).code, Some(4));
    let ran = site.client(MEMBER, &[MEMBERS, KEEPERS], &arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let found = copy.metadata().unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (MEMBER, 0o600));
    assert!(is_whole(&copy));
}

/// Replaces every unfinished file of a directory with an empty one that every user may read.
const SWAP: &str = "cd \"$1\" && while :; do for f in .*.unfinished; do \
    [ -f \"$f\" ] && mv \"$f\" \"stolen.$$\" 2>/dev/null && : >\"$f\" && chmod 666 \"$f\" 2>/dev/null; done; done";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_owner_of_a_directory_gets_no_byte_of_a_backup_that_root_writes_there() {
    let Some(site) = Site::new("", &[]) else { return };
    let directory = site.path("member");
    let mut swap = become_user(MEMBER, &[]);
    let _swap = Running(swap.args(["sh", "-c", SWAP, "sh"]).arg(&directory).spawn().unwrap());
    for attempt in 0..5 {
        let copy = directory.join(format!("copy{attempt}.db"));
        let ran = site.client(0, &[], &["maintenance", "backup", copy.to_str().unwrap()]);
        if ran.code == Some(0) {
            assert!(is_whole(&copy) && copy.metadata().unwrap().uid() == 0, "{ran:?}");
        } else {
            assert!(ran.code == Some(1) && ran.stderr.contains("error: "), "{ran:?}");
        }
        for entry in directory.read_dir().unwrap().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            let mut start = Vec::new();
            File::open(entry.path()).unwrap().take(HEADER.len() as u64).read_to_end(&mut start).unwrap();
            assert!(start != HEADER || (found.uid(), found.mode() & 0o777) == (0, 0o600), "{entry:?}");
        }
    }
}

/// As in a service with `PrivateTmp=`.
#[test]
fn a_backup_is_written_in_the_mount_namespace_of_the_client() {
    let private = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        "mount -t tmpfs tmpfs /var/tmp && exec \"$@\"",
        "sh",
    ];
    let Some(site) = Site::new("", &private) else { return };
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    let copy = directory.path().join("copy.db");
    let ran = site.client(0, &[], &["maintenance", "backup", copy.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(is_whole(&copy));
}

/// Starts a daemon of this user on a database of some MB.
fn started(configuration: &str) -> (Golden, Daemon) {
    let golden = Golden::unpack("tiny1");
    Other::open(&golden.database()).execute(&format!(
        "PRAGMA journal_mode = WAL; CREATE TABLE secrets AS SELECT '{SECRET}' AS password_hash; \
         CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8) \
         SELECT randomblob(1000000) AS data FROM n"
    ));
    let daemon = Daemon::start(&golden, &format!("{QUIET}{configuration}"));
    daemon.idle();
    (golden, daemon)
}

fn backup(daemon: &Daemon, target: &str) -> Command {
    let mut command = cachectl();
    command.args(["maintenance", "backup", target, "--socket"]).arg(daemon.socket());
    command
}

/// Whether the daemon has a copy, under a name or without one.
fn has_copy(golden: &Golden, daemon: &Daemon) -> bool {
    let open = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().flatten();
    let mut open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    names(golden.directory()).iter().any(|name| name.contains("vms-copy"))
        || open.any(|file| file.to_string_lossy().contains("vms-copy"))
}

/// Runs a backup once the daemon has ended the one before: it lets go of the copy first, and of the only place
/// for a backup a moment later.
fn next_backup(command: &mut Command) -> Ran {
    wait::until("the daemon has ended the backup before", || {
        let ran = run(command);
        (!ran.stderr.contains("a backup is being sent")).then_some(ran)
    })
}

#[test]
fn a_backup_to_standard_output_prints_its_messages_on_standard_error() {
    let (golden, daemon) = started("");
    let copy = golden.directory().join("piped.db");
    let mut command = backup(&daemon, "-");
    let child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    fs::write(&copy, output.stdout).unwrap();
    assert!(output.status.success() && is_whole(&copy));
    let printed = String::from_utf8(output.stderr).unwrap();
    let report: serde_json::Value = serde_json::from_str(&printed[printed.find('{').unwrap()..]).unwrap();
    assert_eq!((&report["chore"], &report["file"]), (&"backup".into(), &serde_json::Value::Null));
    let sum = run(Command::new("sha256sum").arg(&copy));
    assert_eq!(sum.stdout.split(' ').next(), report["sha256"].as_str());
    assert_eq!(report["items"][0]["bytes"], copy.metadata().unwrap().len());
}

#[test]
fn a_backup_to_a_full_disk_is_an_error_and_leaves_no_file() {
    let (golden, daemon) = started("");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let client = backup(&daemon, "-").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let ran = binary::ran("the client of a full disk", client);
    assert!(ran.code == Some(1) && ran.stderr.contains("standard output cannot be written"), "{ran:?}");
    wait::until("the daemon has forgotten the copy", || (!has_copy(&golden, &daemon)).then_some(()));
    let limited = "ulimit -f 1000; trap '' XFSZ; exec \"$@\"";
    let copy = golden.directory().join("copy.db");
    let inner = backup(&daemon, copy.to_str().unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", limited, "sh"]).arg(inner.get_program()).args(inner.get_args());
    let ran = next_backup(&mut command);
    assert!(ran.code == Some(1) && ran.stderr.contains("cannot be written"), "{ran:?}");
    assert!(!names(golden.directory()).iter().any(|name| name.contains("copy.db")), "{ran:?}");
    wait::until("the daemon has forgotten the copy", || (!has_copy(&golden, &daemon)).then_some(()));
}

#[test]
fn a_client_killed_during_a_backup_leaves_no_copy_and_blocks_no_other_work() {
    let (golden, daemon) = started("");
    // It does not read, so the daemon cannot send everything.
    let mut client = backup(&daemon, "-");
    let mut client = client.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = [0; HEADER.len()];
    client.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(first, HEADER);
    assert!(has_copy(&golden, &daemon));
    // Slow clients do not fill the disk with copies, and keep the daemon from nothing else.
    let second = run(&mut backup(&daemon, "-"));
    assert!(second.code == Some(1) && second.stderr.contains("a backup is being sent"), "{second:?}");
    daemon.json(&["maintenance", "analyze"]);
    client.kill().unwrap();
    client.wait().unwrap();
    wait::until("the daemon has forgotten the copy", || (!has_copy(&golden, &daemon)).then_some(()));
    let copy = golden.directory().join("copy.db");
    let ran = next_backup(&mut backup(&daemon, copy.to_str().unwrap()));
    assert!(ran.code == Some(0) && is_whole(&copy), "{ran:?}");
    assert_eq!(daemon.health()["health"], "healthy");
}

#[test]
fn an_interrupted_client_removes_its_unfinished_file() {
    let (golden, daemon) = started("");
    let copy = golden.directory().join("copy.db");
    let unfinished = || names(golden.directory()).iter().any(|name| name.ends_with(".unfinished"));
    // The daemon does not answer.
    daemon.signal(rustix::process::Signal::STOP);
    let mut client = backup(&daemon, copy.to_str().unwrap());
    let client = client.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait::until("the client has its file", || unfinished().then_some(()));
    let pid = rustix::process::Pid::from_raw(i32::try_from(client.id()).unwrap()).unwrap();
    wait::until("the client listens for signals", || {
        let status = fs::read_to_string(format!("/proc/{}/status", client.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim().to_owned();
        (u64::from_str_radix(&caught, 16).unwrap() & (1 << 14) != 0).then_some(())
    });
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ran = binary::ran("the client", client);
    daemon.signal(rustix::process::Signal::CONT);
    assert!(ran.code == Some(1) && ran.stderr.contains("interrupted"), "{ran:?}");
    assert!(!unfinished() && !copy.exists());
}
