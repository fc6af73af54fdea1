//! What is answered to command lines that make no sense, or that make sense in other programs.

use std::ffi::OsString;

/// Returns what the answer says to type: its tip, or what it says about the value. `None` if the command line is accepted.
fn answer(typed: &str) -> Option<String> {
    // Words in quotes are one argument, as in a shell.
    let words = typed.split('"').enumerate().flat_map(|(index, part)| {
        if index % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }
    });
    let error = cachectl::parse(["cachectl"].into_iter().chain(words).map(OsString::from)).err()?;
    assert_eq!(error.exit_code(), 2, "{typed}");
    let text = error.to_string();
    let first = text.lines().next().and_then(|line| line.split_once("': "));
    let tip = text.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
    Some(tip.or(first.map(|(_, about)| about)).unwrap_or(&text).to_owned())
}

#[test]
fn each_mistype_is_answered_with_what_to_type() {
    for (typed, expected) in [
        ("list", "`cachectl status` lists the tables, `cachectl history` the runs, `cachectl jobs` the jobs"),
        (
            "list jobs",
            "`cachectl status` lists the tables, `cachectl history` the runs, `cachectl jobs` the jobs",
        ),
        ("ls", "`cachectl status` lists the tables, `cachectl history` the runs, `cachectl jobs` the jobs"),
        (
            "start",
            "`cachectl start-scheduler` resumes automatic refreshes; `systemctl start cached` starts the daemon",
        ),
        (
            "stop",
            "`cachectl stop-scheduler` pauses automatic refreshes; `systemctl stop cached` stops the daemon",
        ),
        (
            "restart",
            "`systemctl restart cached` restarts the daemon; `cachectl reload` has it read its configuration again",
        ),
        (
            "version",
            "`cachectl --version` is the version of this program, `cachectl ping` that of the daemon",
        ),
        ("runs", "`cachectl history` lists the runs, `cachectl run ID` shows one"),
        ("stauts", "some similar subcommands exist: 'start-scheduler', 'status'"),
        ("log", "a similar subcommand exists: 'logs'"),
        ("--sizes status", "'status --sizes' exists"),
        ("run", "`cachectl history` lists the runs; the daemon is run by `cached run`"),
        ("job", "`cachectl jobs` lists the jobs"),
        ("refresh districts", "a similar value exists: 'district'"),
        ("refresh --table district", "a similar value exists: 'district_year_end_reports'"),
        ("refresh --all", "everything is refreshed where nothing is named: `cachectl refresh`"),
        ("refresh -f", "`--force` also refreshes entries that are young enough"),
        ("refresh --wait", "`refresh` waits for the end of the run, unless --no-wait is given"),
        ("refresh --timeout soon", "it must be a length of time, such as 90s or 5min"),
        ("invalidate", "`cachectl invalidate all` names every type"),
        ("invalidate --all", "`cachectl invalidate all` names every type"),
        ("invalidate districts", "a similar value exists: 'district'"),
        ("history 1", "`cachectl run 1` shows one run, `cachectl history -n 1` the newest"),
        ("history run:1", "`cachectl run 1` shows one run, `cachectl history -n 1` the newest"),
        ("history --since 7", "it has no unit: 7d is so many days, 7h so many hours"),
        (
            "history --since soon",
            "it must be how long ago (36h, 7d), a day (2026-11-01, today, yesterday) or a date with its time (\"2026-11-01 02:00\")",
        ),
        ("history --limit 0", "it must be a whole number from 1 to 10000, such as 10"),
        (
            "report --since 2026-13-01",
            "it must be how long ago (36h, 7d), a day (2026-11-01, today, yesterday) or a date with its time (\"2026-11-01 02:00\")",
        ),
        ("rehearse", "for example `cachectl rehearse --from today`"),
        ("rehearse 2026-12-01", "`cachectl rehearse --from 2026-12-01`"),
        ("rehearse tomorrow", "`cachectl rehearse --from tomorrow`"),
        ("rehearse --from 7d", "it must be a day, such as 2026-11-01, today, yesterday or tomorrow"),
        ("rehearse --from soon", "it must be a day, such as 2026-11-01, today, yesterday or tomorrow"),
        ("rehearse --from today --days many", "it must be a whole number from 1 to 400, such as 10"),
        ("job run:1", "that is a run; `cachectl run 1` shows it"),
        ("job abc", "it must be the number of a job, such as 7 or job:7"),
        ("run job:1", "that is a job; `cachectl job 1` shows it"),
        ("run abc", "it must be the number of a run, such as 7 or run:7"),
        ("cancel run7", "\"run7\" is neither the number of a job, such as 7, nor of a run, such as run:7"),
        ("retry seven", "\"seven\" is neither the number of a job, such as 7, nor of a run, such as run:7"),
        ("logs 1", "`cachectl logs --run 1` shows the lines of one run, `cachectl logs -n 1` the newest"),
        ("logs run:1", "`cachectl logs --run 1` shows the lines of one run, `cachectl logs -n 1` the newest"),
        ("logs --run job:1", "that is a job; `cachectl job 1` shows it"),
        ("logs --run abc", "it must be the number of a run, such as 7 or run:7"),
        ("logs -n many", "it must be a whole number from 0 to 100000, such as 10"),
        (
            "logs --since soon",
            "it must be how long ago (36h, 7d), a day (2026-11-01, today, yesterday) or a date with its time (\"2026-11-01 02:00\")",
        ),
        ("jobs 1", "`cachectl job 1` shows one job, `cachectl jobs -n 1` the newest"),
        ("jobs job:1", "`cachectl job 1` shows one job, `cachectl jobs -n 1` the newest"),
        (
            "jobs failed",
            "`--failed` lists jobs that ended badly, `--running` those that are queued or running",
        ),
        (
            "jobs --status failed",
            "`--failed` lists jobs that ended badly, `--running` those that are queued or running",
        ),
        ("jobs --limit many", "it must be a whole number from 1 to 10000, such as 10"),
        ("next 3", "`cachectl next -n 3`"),
        ("next -n 0", "it must be a whole number from 1 to 1000, such as 10"),
        ("status -v", "`--sizes` adds the bytes; `cachectl health` says what is wrong and what to do"),
        ("status -q", "scripts ask `cachectl health`, whose exit code is the answer"),
        ("get district", "a similar value exists: 'district_year_end_reports'"),
        ("get dia_events_report_cache 2526", "it must have the form COLUMN=VALUE, such as school_year=2526"),
        ("maintenance vaccum", "a similar subcommand exists: 'vacuum'"),
        ("maintenance prune --older-than 7", "it has no unit: 7d is so many days, 7h so many hours"),
        (
            "maintenance prune --older-than soon",
            "it must be a length of time with its unit, such as 90s, 36h or 7d",
        ),
        ("completions tcsh", "a similar value exists: 'zsh'"),
    ] {
        assert_eq!(answer(typed).as_deref(), Some(expected), "cachectl {typed}");
    }
}

#[test]
fn what_is_a_habit_of_other_programs_is_accepted() {
    for typed in [
        "status -w",
        "status --watch",
        "status -o json",
        "status --output JSON",
        "status --format json",
        "status -o table",
        "status -o text",
        "-o json status",
        "refresh all",
        "refresh District",
        "refresh virtual-session",
        "refresh district_year_end_reports",
        "refresh -q",
        "refresh --timeout 5",
        "invalidate all",
        "maintenance analyze --quiet",
        "get DIA_EVENTS_REPORT_CACHE",
        "run 7",
        "run run:7",
        "job job:7",
        "cancel job:7",
        "cancel run:7",
        "retry run:7",
        "logs --run run:7",
        "logs -n 7",
        "logs --limit 7",
        "logs --lines 7",
        "jobs -n 7",
        "jobs --limit 7",
        "next -n 7",
        "next --limit 7",
        "history -n 7",
        "history --since yesterday",
        "history --since 2026-11-01",
        "report --since \"2026-11-01 02:00\"",
        "logs --since today",
        "rehearse --from tomorrow",
    ] {
        assert_eq!(answer(typed), None, "cachectl {typed}");
    }
}
