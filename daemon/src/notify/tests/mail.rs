//! Mail, as a program in the place of `sendmail` gets it.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use cached_proto::words::HealthLevel::{Degraded, Healthy, Unhealthy};

use super::format::{at, kinds};
use super::{Answer, Receiver, Rig, config, machine};
use crate::clock::ManualClock;
use crate::config::Config;
use crate::describe::describe;
use crate::notify::channel::{Channel, try_all};
use crate::notify::send::NotifyError;

/// Writes a program that appends its arguments and its standard input to a file beside it, then does what `after` says.
fn sendmail(directory: &Path, after: &str) {
    let script =
        format!("#!/bin/sh\ncd '{}'\n{{ echo \"== $*\"; cat; }} >> got\n{after}\n", directory.display());
    let program = directory.join("sendmail");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
}

fn got(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("got")).unwrap_or_default()
}

#[tokio::test]
async fn each_kind_of_notice_is_a_mail_as_recorded() {
    let dir = tempfile::tempdir().unwrap();
    sendmail(dir.path(), "");
    let config = config(&[("mail", "office@example.org, root"), ("timeout", "1m")]);
    let clock = ManualClock::new(at());
    for (_, notice) in kinds() {
        Channel::Mail.send(&config.notify, &notice, &machine(dir.path()), &clock).await.unwrap();
    }
    let mails = got(dir.path());
    assert!(mails.is_ascii() && mails.lines().all(|line| line.len() < 998), "{mails}");
    insta::assert_snapshot!("mails", mails.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[tokio::test]
async fn a_failing_sendmail_is_retried_and_given_up_as_a_failing_webhook_is() {
    let mut rig = Rig::new(&[("mail", "root"), ("timeout", "10m")]).await;
    let dir = rig.dir.path().to_owned();
    sendmail(&dir, "exit 75");
    rig.ran(Unhealthy);
    let attempts = || got(&dir).matches("== -i -t\n").count();
    for expected in 1..=3 {
        while attempts() < expected {
            rig.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    // The problem was never announced, so neither is its end; the next problem is.
    rig.clock.sleeping(1).await;
    rig.clock.advance(Duration::from_hours(1));
    sendmail(&dir, "");
    rig.ran(Healthy);
    rig.ran(Degraded);
    rig.remembers("mail", Degraded).await;
    assert_eq!(attempts(), 4);
}

#[tokio::test]
async fn a_sendmail_that_fails_hangs_or_is_missing_is_an_error_that_says_so() {
    let send = async |dir: &Path, config: &Config, clock: &ManualClock| {
        let (_, notice) = kinds().remove(0);
        Channel::Mail.send(&config.notify, &notice, &machine(dir), clock).await.unwrap_err()
    };
    let (config, clock) = (config(&[("mail", "root"), ("timeout", "30s")]), ManualClock::new(at()));
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().display();
    let error = describe(&send(dir.path(), &config, &clock).await);
    let missing = format!("{place}/missing is missing, {place}/sendmail is missing");
    assert!(error.starts_with(&format!("no program takes mail: {missing}; install one")), "{error}");
    sendmail(dir.path(), "echo postdrop: Permission denied >&2; exit 75");
    let error = describe(&send(dir.path(), &config, &clock).await);
    let failed = format!("{place}/sendmail ended with exit status: 75 (postdrop: Permission denied); ");
    assert!(error.starts_with(&failed), "{error}");
    sendmail(dir.path(), "exec sleep 1000");
    let pass = async {
        clock.sleeping(1).await;
        clock.advance(Duration::from_secs(30));
    };
    let (error, ()) = tokio::join!(send(dir.path(), &config, &clock), pass);
    assert!(matches!(error, NotifyError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_test_names_each_channel_with_its_own_result() {
    let receiver = Receiver::always(Answer::Status(500)).await;
    let dir = tempfile::tempdir().unwrap();
    sendmail(dir.path(), "");
    let config = config(&[
        ("command", "/bin/false"),
        ("webhook", &*receiver.url("/")),
        ("mail", "office@example.org"),
        ("ping_url", &*receiver.url("/ping")),
        ("timeout", "1m"),
    ]);
    let tried = try_all(&config.notify, &machine(dir.path()), &ManualClock::new(at())).await;
    let mut lines = String::new();
    for tried in &tried {
        let result = tried.result.as_ref().err().map_or_else(|| "ok".to_owned(), ToString::to_string);
        writeln!(lines, "{}: {result}", tried.channel).unwrap();
    }
    insta::assert_snapshot!(lines.replace(&receiver.address, "RECEIVER"), @r"
    command: /bin/false ended with exit status: 1; run it by hand with some text on its standard input
    webhook: RECEIVER answered with status 500; check the address
    mail: ok
    ping_url: RECEIVER answered with status 500; check the address
    ");
    assert!(got(dir.path()).contains("Subject: cached on vps1: test (before: test)\n"));
}
