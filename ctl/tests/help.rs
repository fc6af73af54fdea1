//! The command line as scripts and people use it: help texts, exit codes, and where messages go.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fmt::Write as _;
use std::iter;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cachectl::Cli;
use clap::CommandFactory as _;
use insta::assert_snapshot;

fn verbs() -> Vec<String> {
    Cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

/// The real binary in an empty environment, so that no daemon of this machine can answer.
fn cachectl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cachectl"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    cachectl(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_of_every_verb() {
    let tasks = ["vacuum", "backup", "prune"].map(|task| vec!["maintenance".to_owned(), task.to_owned()]);
    let mut shown = String::new();
    for verb in iter::once(Vec::new()).chain(verbs().into_iter().map(|verb| vec![verb])).chain(tasks) {
        let help = cachectl(&[]).args(&verb).arg("--help").output().unwrap();
        assert!(help.status.success(), "{verb:?}");
        let typed =
            ["cachectl"].into_iter().chain(verb.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        let _ = writeln!(shown, "$ {typed} --help\n{}", text(&help.stdout));
    }
    assert_snapshot!("cachectl", shown);
}

#[test]
fn usage_errors_exit_with_2_and_list_the_known_words() {
    for (arguments, expected) in [
        (&[][..], "Usage: cachectl"),
        (&["refersh"], "refresh"),
        (&["refresh", "districts"], "district, organization, virtual_session, volunteer, recruitment"),
        (&["refresh", "--type", "districts"], "similar value exists: 'district'"),
        (&["refresh", "--table", "nonsense"], "district_year_end_reports"),
        (&["refresh", "--timeout", "soon"], "--timeout"),
        (&["jobs", "--failed", "--running"], "cannot be used with"),
        (&["jobs", "--limit", "0"], "--limit"),
        (&["job"], "<ID>"),
        (&["run"], "<ID>"),
        (&["status", "-o", "yaml"], "text, json"),
        (&["cancel", "run7"], "run:7"),
        (&["retry"], "<ID|--failed>"),
        (&["retry", "7", "--failed"], "cannot be used with"),
        (&["next", "-n", "0"], "--limit"),
        (&["rehearse"], "--from"),
        (&["rehearse", "--from", "7d"], "--from"),
        (&["rehearse", "--from", "2026-03-07", "--days", "401"], "--days"),
        (&["history", "--since", "soon"], "--since"),
        (&["notify"], "--test"),
        (&["report", "--since", "soon"], "--since"),
        (&["get"], "TABLE"),
        (&["get", "dia_events_report_cache", "2526"], "COLUMN=VALUE"),
        (&["invalidate"], "TYPE"),
        (&["maintenance"], "integrity"),
        (&["maintenance", "backup"], "FILE"),
        (&["maintenance", "prune", "--older-than", "soon"], "--older-than"),
        (&["logs", "-n", "many"], "--limit"),
        (&["logs", "--since", "soon"], "--since"),
        (&["completions", "tcsh"], "bash"),
        (&["status", "--bogus"], "--bogus"),
        (&["refresh", "--bogus"], "--bogus"),
        (&["status", "--sizes", "--watch"], "cannot be used with"),
        (&["ping", "--instance", "a/b"], "must be at most 64 letters"),
        (&["ping", "--instance", "a", "--socket", "/b"], "cannot be used with"),
    ] {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("as a value"), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_unreachable_daemon_exits_with_3_and_says_how_to_start_it() {
    for verb in verbs().iter().map(String::as_str).filter(|verb| *verb != "completions") {
        let required: &[&str] = match verb {
            "notify" => &["--test"],
            "maintenance" => &["analyze"],
            "get" => &["dia_events_report_cache"],
            "invalidate" => &["district"],
            "run" | "job" | "cancel" | "retry" => &["7"],
            "rehearse" => &["--from", "2026-03-07"],
            _ => &[],
        };
        let output = output(&[&[verb, "--socket", "/nonexistent/cached.sock"], required].concat());
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{verb}: {printed}");
        for part in ["error: ", "/nonexistent/cached.sock", "systemctl start cached", "cached run"] {
            assert!(printed.contains(part), "{verb}: no {part:?} in {printed}");
        }
        assert!(!printed.contains("CACHED_SOCKET"), "{verb}: the flag beats the variable: {printed}");
        assert!(output.stdout.is_empty(), "{verb}");
    }
}

#[test]
fn the_usage_of_an_error_shows_the_socket_only_if_it_was_typed() {
    let tried = cachectl(&["job"]).env("CACHED_SOCKET", "/nonexistent/variable.sock").output().unwrap();
    let printed = text(&tried.stderr);
    assert!(printed.contains("Usage: cachectl job <ID>") && !printed.contains("--socket"), "{printed}");
}

#[test]
fn the_socket_is_that_of_a_flag_else_of_a_variable_else_of_the_system() {
    let (socket, instance) =
        (("CACHED_SOCKET", "/nonexistent/variable.sock"), ("CACHED_INSTANCE", "xyz_variable"));
    let nothing = ("CACHED_SOCKET", "");
    let named = &["--instance", "xyz-flag"][..];
    let other = "hint: name another socket with --socket or CACHED_SOCKET";
    for (flags, variables, expected, hint) in [
        (&["--socket", "/nonexistent/flag.sock"][..], [socket, instance], "/nonexistent/flag.sock", ""),
        (named, [socket, instance], "/run/cached/xyz-flag/cached.sock", ""),
        (named, [socket, instance], "systemctl start cached@xyz-flag`", ""),
        (&[], [socket, instance], "/nonexistent/variable.sock", "hint: CACHED_SOCKET names this socket"),
        (
            &[],
            [nothing, instance],
            "/run/cached/xyz_variable/cached.sock",
            "hint: CACHED_INSTANCE names this socket",
        ),
        (&["--instance", ""], [socket, instance], "/run/cached/cached.sock", ""),
        (&[], [nothing, ("CACHED_INSTANCE", "")], "/run/cached/cached.sock", other),
    ] {
        for arguments in [[flags, &["ping"]].concat(), [&["ping"], flags].concat()] {
            let tried = cachectl(&arguments).envs(variables).output().unwrap();
            let printed = text(&tried.stderr);
            // A daemon of this machine may answer at the default path.
            let is_served = expected == "/run/cached/cached.sock" && Path::new(expected).exists();
            let is_right = printed.contains(expected) && printed.contains(hint);
            assert!(is_served || is_right, "{arguments:?} {variables:?}: {printed}");
        }
    }
    let wrong = cachectl(&["ping"]).env("CACHED_INSTANCE", "../x").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).starts_with("error: CACHED_INSTANCE must be"), "{}", text(&wrong.stderr));
}

#[test]
fn a_hostile_socket_path_is_reported_on_one_line() {
    let output = output(&["ping", "--socket", "/nonexistent/a\nerror: \u{1b}[31mb"]);
    let printed = text(&output.stderr);
    assert_eq!(printed.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{printed}");
    assert!(!printed.contains('\u{1b}'), "{printed}");
}

#[test]
fn a_broken_pipe_of_standard_output_exits_with_0() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = cachectl(&["completions", "bash"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn completions_know_verbs_and_types() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = output(&["completions", shell]);
        let script = text(&output.stdout);
        assert!(output.status.success(), "{shell}");
        for word in ["stop-scheduler", "virtual_session", "district_year_end_reports"] {
            assert!(script.contains(word) || shell == "powershell" || shell == "elvish", "{shell}: {word}");
        }
    }
}

/// Flags are accepted before and after the verb, and `help` is a verb, as in other programs.
#[test]
fn json_is_accepted_before_the_verb_and_help_is_a_verb() {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no.sock");
    for arguments in [
        &["--json", "status"][..],
        &["status", "--json"],
        &["--json", "maintenance", "analyze"],
        &["-o", "json", "status"],
    ] {
        let tried = cachectl(arguments).env("CACHED_SOCKET", &nowhere).output().unwrap();
        assert_eq!(tried.status.code(), Some(3), "{arguments:?}: {}", text(&tried.stderr));
    }
    for (arguments, same) in [(&["help"][..], &["--help"][..]), (&["help", "status"], &["status", "--help"])]
    {
        let help = output(arguments);
        assert!(help.status.success(), "{arguments:?}");
        assert_eq!(text(&help.stdout), text(&output(same).stdout));
    }
}
