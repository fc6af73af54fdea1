//! No file may grow any more: the effect of a quota, and that of a full disk where the test may not mount
//! one.

use std::process::Command;

use cached_tests::binary::run;
use cached_tests::daemon::{Daemon, socket};

use crate::scene::{QUIET, Scene, change_source, healthy, rows, told};

/// Makes every write of a process fail, or none.
fn limit(daemon: &Daemon, bytes: &str) {
    let pid = daemon.pid().to_string();
    let ran = run(Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// Starts the daemon with SIGXFSZ ignored, so that a refused write returns an error instead of killing it.
fn start(scene: &Scene) -> Daemon {
    let cached = scene.command(QUIET);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(cached.get_program()).args(cached.get_args());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let daemon = Daemon::launch(command, &socket(scene.golden.directory()));
    daemon.idle();
    healthy(&daemon);
    daemon
}

pub(crate) fn scenario() {
    let scene = Scene::new();
    let vms = scene.vms();
    let daemon = start(&scene);
    change_source(&vms);
    let before = rows(&vms);

    limit(&daemon, "0");
    let refused = daemon.ctl(&["refresh", "--force"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("in the state database"), "{refused:?}");
    told(&daemon, "log_unwritable", &["cache_manager.log"]);
    // Health regularly stores a sample, and reports when that fails.
    told(&daemon, "state_unwritable", &[&scene.state.to_string_lossy(), "disk I/O error"]);
    assert_eq!(rows(&vms), before);

    limit(&daemon, "unlimited");
    assert_eq!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
    assert_ne!(rows(&vms), before);
    healthy(&daemon);
}

#[test]
fn nothing_can_be_written_and_nothing_is_lost() {
    scenario();
}
