use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use rustix::process::{Pid, Signal, kill_process};

use super::receiver::PATIENCE;
use super::rig::config;
use crate::clock::ManualClock;
use crate::describe::describe;
use crate::notify::command::start;
use crate::notify::error::NotifyError;

const LIMIT: Duration = Duration::from_secs(10);

/// Runs a `sh` script, in which `F` stands for the path of a file.
async fn sh(script: &str, file: &Path, clock: &ManualClock) -> Result<(), NotifyError> {
    let script = script.replace('F', "\"$1\"");
    let line = format!("/bin/sh -c '{script}' sh \"{}\"", file.display());
    let config = config(&[("command", &line)]);
    start(config.notify.command.as_ref().unwrap(), "first\nsecond\n", LIMIT, clock).await
}

struct Place {
    dir: tempfile::TempDir,
    clock: ManualClock,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("notify").tempdir().unwrap();
        Self { dir, clock: ManualClock::new(DateTime::UNIX_EPOCH) }
    }

    async fn sh(&self, script: &str) -> Result<(), NotifyError> {
        sh(script, &self.dir.path().join("out"), &self.clock).await
    }

    fn out(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap_or_default()
    }

    /// Returns the process id that the script has written.
    async fn pid(&self) -> i32 {
        let written = async {
            loop {
                if let Some(pid) = self.out().strip_suffix('\n') {
                    return pid.parse().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("the script writes no process id")
    }
}

/// Whether a process is running; a zombie does not count.
fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn the_text_is_standard_input() {
    let place = Place::new();
    place.sh("cat > F").await.unwrap();
    assert_eq!(place.out(), "first\nsecond\n");
}

#[tokio::test]
async fn a_command_that_does_not_read_is_fine() {
    Place::new().sh("exec 0<&-; exit 0").await.unwrap();
}

#[tokio::test]
async fn nothing_of_our_environment_is_passed_on() {
    let place = Place::new();
    place.sh("env > F").await.unwrap();
    let out = place.out();
    let mut names: Vec<&str> = out.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // Variables that the shell sets itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["LANG", "PATH"]);
}

#[tokio::test]
async fn an_error_says_what_the_command_said_on_one_line() {
    let error = Place::new().sh("echo no route >&2; echo to host >&2; exit 3").await.unwrap_err();
    let told = describe(&error);
    assert!(told.starts_with("/bin/sh ended with exit status: 3 (no route\\nto host); "), "{told}");
}

#[tokio::test]
async fn an_error_is_short_whatever_the_command_says() {
    let error = Place::new().sh("head -c 200000 /dev/zero | tr \"\\000\" x >&2; exit 1").await.unwrap_err();
    assert!(describe(&error).len() < 500);
}

#[tokio::test]
async fn what_cannot_be_started_says_so() {
    let config = config(&[("command", "/nonexistent/mail root")]);
    let clock = ManualClock::new(DateTime::UNIX_EPOCH);
    let error = start(config.notify.command.as_ref().unwrap(), "", LIMIT, &clock).await.unwrap_err();
    assert!(matches!(error, NotifyError::Start { .. }), "{error}");
    assert!(error.to_string().starts_with("/nonexistent/mail cannot be started"), "{error}");
}

#[tokio::test]
async fn after_the_timeout_it_is_killed_with_its_children() {
    let place = Place::new();
    let wait = async {
        let child = place.pid().await;
        assert!(lives(child));
        place.clock.advance(LIMIT);
        child
    };
    let (ended, child) = tokio::join!(place.sh("sleep 1000 & echo $! > F; wait"), wait);
    assert!(matches!(ended, Err(NotifyError::TimedOut { limit: LIMIT, .. })), "{ended:?}");
    let dying = async {
        while lives(child) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, dying).await.expect("the child lives on");
}

#[tokio::test]
async fn what_a_command_leaves_behind_on_purpose_is_neither_waited_for_nor_killed() {
    let place = Place::new();
    place.sh("sleep 1000 & echo $! > F; exit 0").await.unwrap();
    let child = place.pid().await;
    assert!(lives(child));
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
}
