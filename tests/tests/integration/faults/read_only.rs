//! VMS's database is readable but not writable.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cached_tests::binary::run;
use cached_tests::daemon::{Daemon, socket};
use cached_tests::wait;

use super::mounts::{bind, private, remount};
use super::scene::{QUIET, Rows, Scene, await_reason, change_source, healthy, rows};

/// User id of an unprivileged user: `nobody` on Debian and its derivatives.
const NOBODY: u32 = 65_534;

#[test]
fn a_read_only_file_system_is_reported_and_recovers() {
    let scenario = || {
        let scene = Scene::new();
        let directory = scene.directory("disk");
        bind(&directory);
        let scene = scene.move_database(&directory);
        let daemon = scene.start(QUIET);
        let before = changed(&scene);

        remount(&directory, "ro");
        refused(
            &daemon,
            &scene,
            "database_unreachable",
            &[&scene.database, Path::new("Read-only file system")],
        );
        remount(&directory, "rw");
        recovered(&daemon, &scene, &before);
    };
    private("faults::read_only::a_read_only_file_system_is_reported_and_recovers", scenario, modes);
}

#[test]
fn missing_permissions_are_reported_and_recover() {
    modes();
}

/// Mode bits do not apply to root, so a daemon started by root runs as another user here.
fn modes() {
    let scene = Scene::new();
    let directory = scene.directory("disk");
    let scene = scene.move_database(&directory);
    mode(&scene.database, 0o666);
    mode(&directory, 0o777);
    let daemon = start(&scene);
    let before = changed(&scene);

    mode(&scene.database, 0o444);
    refused(&daemon, &scene, "database_unreachable", &[&scene.database, Path::new("Permission denied")]);
    mode(&scene.database, 0o666);
    recovered(&daemon, &scene, &before);

    // A database with a write-ahead log cannot even be read where that log cannot be made. It exists as long as the daemon
    // reads something, as it does now and then.
    let before = changed(&scene);
    let log = PathBuf::from(format!("{}-wal", scene.database.display()));
    wait::until("no process has the log open", || {
        mode(&directory, 0o555);
        if !log.exists() {
            return Some(());
        }
        mode(&directory, 0o777);
        // Whoever closes it last removes it.
        drop(rows(&scene.vms()));
        None
    });
    refused(&daemon, &scene, "database_unreachable", &[&scene.database, Path::new("and its directory")]);
    mode(&directory, 0o777);
    recovered(&daemon, &scene, &before);

    // SQLite does not wait for readers before it changes the mode.
    wait::until("the daemon reads nothing", || scene.vms().try_execute("PRAGMA journal_mode = DELETE").ok());
    let before = changed(&scene);
    mode(&directory, 0o555);
    refused(&daemon, &scene, "database_unwritable", &[&directory, Path::new("cannot be written")]);
    mode(&directory, 0o777);
    recovered(&daemon, &scene, &before);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn start(scene: &Scene) -> Daemon {
    let command = scene.command(QUIET);
    if !rustix::process::geteuid().is_root() {
        return ready(Daemon::launch(command, &socket(scene.golden.directory())));
    }
    // Other users may not read the directory where the binaries are built.
    let home = scene.golden.directory();
    let binary = home.join("cached");
    fs::copy(command.get_program(), &binary).unwrap();
    let owned = run(Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(home));
    assert_eq!(owned.code, Some(0), "{owned:?}");
    let mut nobody = Command::new("setpriv");
    nobody.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}")).arg("--clear-groups");
    nobody.arg(binary).args(command.get_args());
    nobody.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    ready(Daemon::launch(nobody, &socket(scene.golden.directory())))
}

fn ready(daemon: Daemon) -> Daemon {
    daemon.idle();
    healthy(&daemon);
    daemon
}

/// Changes the source, so that a refresh has something to write; returns the rows that must not be lost.
fn changed(scene: &Scene) -> Rows {
    let vms = scene.vms();
    change_source(&vms);
    rows(&vms)
}

fn refused(daemon: &Daemon, scene: &Scene, code: &str, parts: &[&Path]) {
    let refresh = daemon.ctl(&["refresh", "--force"]);
    assert_eq!(refresh.code, Some(1), "{refresh:?}");
    let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    await_reason(daemon, code, &parts);
    await_reason(daemon, "last_run_failed", &[&scene.database.to_string_lossy()]);
}

fn recovered(daemon: &Daemon, scene: &Scene, before: &Rows) {
    assert_eq!(&rows(&scene.vms()), before);
    assert_eq!(daemon.ctl(&["retry", "--failed"]).code, Some(0));
    daemon.idle();
    assert_ne!(&rows(&scene.vms()), before);
    healthy(daemon);
}
