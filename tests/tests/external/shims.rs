//! The scripts that VMS's own documents name, replaced by the real programs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use cached_tests::binary::{Ran, path, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::vms::Other;

const MANAGER: &str = "pythonanywhere_cache_manager.py";
const MANAGEMENT: &str = "cache_management.py";

/// Runs a script as its host does: with the programs on PATH and the configuration in variables.
fn shim(golden: &Golden, script: &str, arguments: &[&str]) -> Ran {
    let programs = path("cached").parent().unwrap().to_owned();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/shims").join(script);
    let mut command = Command::new("python3");
    let path = std::env::join_paths(
        [programs].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    command.arg(file).args(arguments).env_clear().env("PATH", path.unwrap()).env("CACHED_LOG_DIR", "");
    command.env("CACHED_DATABASE_URL", golden.database()).env("CACHED_STATE_URL", golden.state());
    command.env("CACHED_SOCKET", golden.directory().join("cached.sock"));
    command.env("CACHED_SOCKET_PATH", golden.directory().join("cached.sock"));
    run(&mut command)
}

/// Script, arguments, exit code, and a part of the output.
type Case = (&'static str, &'static [&'static str], i32, &'static str);

fn all(golden: &Golden, cases: &[Case]) {
    for &(script, arguments, code, part) in cases {
        let ran = shim(golden, script, arguments);
        let printed = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(code), "{script} {arguments:?}: {printed}");
        assert!(printed.contains(part), "{script} {arguments:?} does not say {part:?}: {printed}");
    }
}

#[test]
fn invalid_arguments_of_a_script_are_refused_as_by_vms() {
    let golden = Golden::unpack("tiny1");
    all(
        &golden,
        &[
            (MANAGER, &[], 1, "refresh [--force]"),
            (MANAGEMENT, &[], 1, "refresh-all"),
            (MANAGER, &["--help"], 0, "refresh [--force]"),
            (MANAGEMENT, &["-h"], 0, "refresh-all"),
            (MANAGER, &["renew"], 2, "unknown command 'renew'"),
            (MANAGER, &["refresh", "--type", "districts"], 2, "unknown type 'districts'"),
            (MANAGER, &["refresh", "--type"], 2, "unknown type"),
            (MANAGER, &["refresh", "--table"], 2, "unknown type '--table'"),
            (MANAGEMENT, &["refresh", "districts"], 2, "one of district, organization"),
            (MANAGEMENT, &["status", "--force"], 2, "does not take"),
        ],
    );
    assert!(!golden.state().exists(), "something was begun");
}

#[test]
fn without_a_daemon_the_scripts_refresh_in_their_own_process() {
    let golden = Golden::unpack("tiny1");
    all(
        &golden,
        &[
            (MANAGER, &["health"], 1, "60 missing"),
            (MANAGER, &["status"], 0, "60 missing"),
            (MANAGER, &["refresh"], 0, "Run 1: "),
            // Less than twenty hours have passed.
            (MANAGER, &["refresh"], 0, "Run 2: skipped"),
            (MANAGER, &["refresh", "--force"], 0, "Run 3: verified"),
            // VMS refreshes a type that is named, whatever its age.
            (MANAGER, &["refresh", "--type", "district"], 0, "Run 4: verified"),
            (MANAGEMENT, &["refresh", "virtual-session"], 0, "virtual_session_report_cache"),
            (MANAGEMENT, &["refresh-all"], 0, "Run 6: skipped"),
            (MANAGER, &["status"], 0, "Last run: 6 (manual) skipped"),
            (MANAGER, &["health"], 0, "entries fresh; newest "),
            (MANAGEMENT, &["start-scheduler"], 1, "no daemon answers"),
            (MANAGEMENT, &["stop-scheduler"], 1, "no daemon answers"),
        ],
    );
    // A health check reports the missing tables, by its exit code as well.
    let vms = Other::open(&golden.database());
    vms.execute("DELETE FROM organization_summary_cache");
    drop(vms);
    all(&golden, &[(MANAGER, &["status"], 0, " missing"), (MANAGER, &["health"], 1, " missing")]);
    std::fs::remove_file(golden.database()).unwrap();
    // A run that could not be started has failed; exit code 2 is reserved for invalid usage.
    all(
        &golden,
        &[(MANAGER, &["refresh"], 1, "does not exist"), (MANAGER, &["health"], 1, "does not exist")],
    );
}

#[test]
fn with_a_daemon_the_scripts_use_it() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "[watch]\nenabled = false\n");
    daemon.idle();
    all(
        &golden,
        &[
            (MANAGER, &["refresh"], 0, "skipped"),
            (MANAGER, &["refresh", "--type", "district"], 0, "district_year_end_reports"),
            (MANAGEMENT, &["refresh-all", "--force"], 0, "recruitment_candidates_cache"),
            (MANAGEMENT, &["stop-scheduler"], 0, ""),
            (MANAGEMENT, &["status"], 0, "stopped"),
            (MANAGEMENT, &["start-scheduler"], 0, ""),
            (MANAGEMENT, &["status"], 0, "running"),
        ],
    );
    let health = shim(&golden, MANAGER, &["health"]);
    assert_eq!(health.code, daemon.ctl(&["health"]).code, "{health:?}");
}
