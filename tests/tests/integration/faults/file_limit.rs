//! No file may grow any more: the effect of a quota, and that of a full disk where the test may not mount
//! one.

use std::process::Command;

use cached_tests::binary::run;
use cached_tests::daemon::{Daemon, socket};

use super::scene::{QUIET, Scene, await_reason, change_source, healthy, rows};

/// Makes every write of a process fail, or none.
fn limit(daemon: &Daemon, bytes: &str) {
    let pid = daemon.pid().to_string();
    let ran = run(Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// The signals that a process ignores, as the kernel shows them.
const IGNORED: &str = "/bin/grep -h SigIgn /proc/self/status";

pub(crate) fn scenario() {
    let scene = Scene::new();
    let vms = scene.vms();
    assert_eq!(scene.start(QUIET).stop(), Some(0));
    change_source(&vms);
    let before = rows(&vms);
    // A daemon without any request yet: health stores a sample at the first request, and then once a minute.
    let daemon = Daemon::launch(scene.command(QUIET), &socket(scene.golden.directory()));

    limit(&daemon, "0");
    let refused = daemon.ctl(&["refresh", "--force"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("in the state database"), "{refused:?}");
    await_reason(&daemon, "log_unwritable", &["cache_manager.log"]);
    // Health could not store its sample, and message so.
    await_reason(&daemon, "state_unwritable", &[&scene.state.to_string_lossy(), "disk I/O error"]);
    assert_eq!(rows(&vms), before);

    limit(&daemon, "unlimited");
    assert_eq!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
    assert_ne!(rows(&vms), before);
    healthy(&daemon);
}

#[test]
fn a_file_size_limit_of_zero_loses_no_row() {
    scenario();
}

#[test]
fn a_command_of_the_operator_does_not_inherit_the_ignored_signal() {
    let scene = Scene::new();
    let out = scene.golden.directory().join("ignored");
    let notify = format!("[notify]\ncommand = \"/bin/sh -c '{IGNORED} > {}'\"\n", out.display());
    let daemon =
        Daemon::launch(scene.command(&format!("{QUIET}{notify}")), &socket(scene.golden.directory()));
    let sent = daemon.ctl(&["notify", "--test"]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let line = std::fs::read_to_string(&out).unwrap();
    let ignored = u64::from_str_radix(line.trim_start_matches("SigIgn:").trim(), 16).unwrap();
    let limit = 1 << (rustix::process::Signal::XFSZ.as_raw() - 1);
    assert_eq!(ignored & limit, 0, "{line}");
}
