//! File systems of a test's own: the test runs itself again in a private mount namespace, which ends with it.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use cached_tests::binary::{ran, run};
use cached_tests::wait;

/// Set in the namespace.
const INSIDE: &str = "CACHED_TESTS_PRIVATE_MOUNTS";

/// As root, or as an ordinary user who is root in a namespace of their own.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// Runs a scenario where it may mount. `name` is that of the test. Where nobody may mount, it says so for everybody to
/// see and runs the substitute.
pub(crate) fn private(name: &str, scenario: impl FnOnce(), substitute: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return scenario();
    }
    let Some(unshare) = WAYS.into_iter().find_map(way) else {
        // Not by a macro: what those print is shown for failed tests only.
        let said = format!(
            "\nNOT TESTED: {name} needs a private mount namespace, which this machine does not allow; \
             its substitute runs instead\n"
        );
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return substitute();
    };
    let mut again = unshare();
    again.arg(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    let again = ran(&again.output().unwrap());
    println!("{}\n{}", again.stdout, again.stderr);
    assert!(again.stdout.contains("1 passed"), "{name} failed in its namespace, or is not its name");
}

fn way(flags: &'static [&'static str]) -> Option<impl Fn() -> Command> {
    let unshare = move || {
        let mut unshare = Command::new("unshare");
        unshare.args(flags).args(["--propagation", "private"]);
        unshare
    };
    let directory = tempfile::tempdir().unwrap();
    let mut trial = unshare();
    trial.args(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(directory.path());
    trial.output().is_ok_and(|output| output.status.success()).then_some(unshare)
}

/// A small disk at a directory.
#[derive(Debug)]
pub(crate) struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// Room for everything that a refresh may want.
    const ROOMY: &'static str = "size=256m";

    pub(crate) fn mount(at: &'a Path) -> Self {
        mount(&["-t", "tmpfs", "-o", Self::ROOMY, "tmpfs"], at);
        Self(at)
    }

    /// Not another page fits on it.
    pub(crate) fn fill(&self) {
        wait::until("the disk is full", || {
            let found = rustix::fs::statvfs(self.0).unwrap();
            let used = (found.f_blocks - found.f_bfree) * found.f_frsize;
            // Refused where somebody writes meanwhile.
            let mut remount = Command::new("mount");
            run(remount.args(["-o", &format!("remount,size={used}")]).arg(self.0));
            (rustix::fs::statvfs(self.0).unwrap().f_bavail == 0).then_some(())
        });
    }

    pub(crate) fn make_room(&self) {
        mount(&["-o", &format!("remount,{}", Self::ROOMY)], self.0);
    }
}

/// A directory that can be made read-only, whoever writes.
pub(crate) fn bind(at: &Path) {
    mount(&["--bind", &at.to_string_lossy()], at);
}

pub(crate) fn remount(at: &Path, option: &str) {
    mount(&["-o", &format!("remount,bind,{option}")], at);
}

fn mount(arguments: &[&str], at: &Path) {
    let ran = run(Command::new("mount").args(arguments).arg(at));
    assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
}
