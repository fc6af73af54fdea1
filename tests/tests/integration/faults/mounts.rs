//! File systems private to a test: the test runs itself again in a private mount namespace, which ends with
//! it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cached_tests::binary::run;
use cached_tests::wait;

/// Environment variable that is set in the namespace.
const INSIDE: &str = "CACHED_TESTS_PRIVATE_MOUNTS";

/// Arguments of `unshare`: as root, or as an ordinary user who is root in a namespace of their own.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// Runs a scenario where mounting is permitted. `name` is that of the test. Where it is not, prints a notice
/// that is always visible and runs the substitute.
pub(crate) fn private(name: &str, scenario: impl FnOnce(), substitute: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return scenario();
    }
    let Some(unshare) = WAYS.into_iter().find_map(way) else {
        // Not printed by a macro: that output is shown for failed tests only.
        let notice = format!(
            "\nNOT TESTED: {name} needs a private mount namespace, which this machine does not allow; \
             its substitute runs instead\n"
        );
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        return substitute();
    };
    let mut again = unshare();
    again.arg(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    let again = run(&mut again);
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
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Enough space for any refresh.
    const ROOMY: &'static str = "size=256m";

    pub(crate) fn mount(at: &Path) -> Self {
        mount(&["-t", "tmpfs", "-o", Self::ROOMY, "tmpfs"], at);
        Self(at.to_owned())
    }

    /// A disk with space for any refresh, but for few files.
    pub(crate) fn with_inodes(at: &Path, inodes: u32) -> Self {
        mount(&["-t", "tmpfs", "-o", &format!("{},nr_inodes={inodes}", Self::ROOMY), "tmpfs"], at);
        Self(at.to_owned())
    }

    /// Creates files until not another one can be, and returns them.
    pub(crate) fn use_up_inodes(&self) -> Vec<PathBuf> {
        let names = (0..).map(|number| self.0.join(format!("file-{number}")));
        names.take_while(|path| std::fs::File::create_new(path).is_ok()).collect()
    }

    /// Fills the disk until not another page fits.
    pub(crate) fn fill(&self) {
        wait::until("the disk is full", || {
            let found = rustix::fs::statvfs(&self.0).unwrap();
            let used = (found.f_blocks - found.f_bfree) * found.f_frsize;
            // The remount is refused while another process writes.
            let mut remount = Command::new("mount");
            run(remount.args(["-o", &format!("remount,size={used}")]).arg(&self.0));
            (rustix::fs::statvfs(&self.0).unwrap().f_bavail == 0).then_some(())
        });
    }

    pub(crate) fn make_room(&self) {
        mount(&["-o", &format!("remount,{}", Self::ROOMY)], &self.0);
    }
}

/// Bind-mounts a directory, so that it can be made read-only for every user.
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
