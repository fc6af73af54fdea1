//! Exit codes when standard output cannot be written to, or its reader has gone; the zone that times are printed in.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use cached_tests::binary::{Ran, cachectl, cached, ran, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;

/// Runs a command whose standard output fails every write.
fn to_full(command: &mut Command) -> Ran {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    ran(&format!("{command:?}"), child)
}

/// Runs a command whose standard output has lost its reader before anything is written.
fn to_broken_pipe(command: &mut Command) -> Ran {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    ran(&format!("{command:?}"), child)
}

#[test]
fn a_result_that_cannot_be_written_to_standard_output_exits_with_1() {
    let golden = Golden::unpack("tiny1");
    let full = to_full(golden.refresh().args(["district", "--json"]));
    assert_eq!(full.code, Some(1), "{full:?}");
    assert!(full.stderr.contains("cannot write to standard output"), "{full:?}");
    let full = to_full(cached().args(["check", "--config-only", "--database"]).arg(golden.database()));
    assert_eq!(full.code, Some(1), "{full:?}");
    // A more severe exit code is kept.
    let full = to_full(cached().args(["check", "--database", "/nowhere/vms.db"]));
    assert_eq!(full.code, Some(2), "{full:?}");
}

#[test]
fn a_broken_pipe_changes_no_exit_code() {
    let golden = Golden::unpack("tiny1");
    let gone = to_broken_pipe(golden.refresh().arg("district"));
    assert_eq!(gone.code, Some(0), "{gone:?}");
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n");
    daemon.idle();
    let ctl = |verb: &str| to_broken_pipe(cachectl().arg(verb).arg("--socket").arg(daemon.socket()));
    assert_eq!(ctl("status").code, Some(0));
    std::fs::rename(golden.database(), golden.directory().join("elsewhere")).unwrap();
    let failed = ctl("refresh");
    assert_eq!(failed.code, Some(1), "{failed:?}");
}

#[test]
fn every_verb_prints_times_in_the_zone_of_the_schedule_whatever_the_zone_of_the_client() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n[schedule]\ntimezone = \"Asia/Tokyo\"\n");
    daemon.idle();
    for verb in [
        &["status"][..],
        &["next"],
        &["ping"],
        &["history"],
        &["run", "1"],
        &["jobs"],
        &["job", "1"],
        &["report"],
        &["report", "--since", "yesterday"],
        &["rehearse", "--from", "tomorrow"],
    ] {
        let mut command = cachectl();
        let printed = run(command.args(verb).arg("--socket").arg(daemon.socket()).env("TZ", "Europe/Vienna"));
        assert!(printed.code == Some(0) && printed.stdout.contains(" JST"), "{verb:?}: {printed:?}");
    }
}

#[test]
fn since_takes_days_in_the_zone_of_the_schedule_and_refuses_the_future() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n[schedule]\ntimezone = \"Asia/Tokyo\"\n");
    daemon.idle();
    for verb in ["history", "report", "logs"] {
        let future = daemon.ctl(&[verb, "--since", "tomorrow"]);
        assert_eq!(future.code, Some(2), "{future:?}");
        assert!(
            future.stderr.contains(" 00:00 JST has yet to come; name a time that has passed"),
            "{future:?}"
        );
        for since in ["yesterday", "2024-02-29", "2024-02-29 13:30"] {
            let past = daemon.ctl(&[verb, "--since", since]);
            assert!(past.code == Some(0) && !past.stdout.is_empty(), "{past:?}");
        }
    }
}
