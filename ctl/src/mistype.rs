//! Answers to command lines that make no sense: what to type instead, where that is not what looks similar.

use std::ffi::OsString;

use cached_proto::text::one_line;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

use crate::cmd::Cli;
use crate::when;

/// Stands for any number, such as that of a run, in [`TIPS`].
const NUMBER: &str = "<number>";
/// Stands for any day in [`TIPS`].
const DAY: &str = "<day>";
/// Stands for an argument that is missing in [`TIPS`].
const NOTHING: &str = "";

/// The verb, empty where there is none; what was typed after it; and the tip, in which `{}` is that word.
const TIPS: &[(&str, &[&str], &str)] = &[
    (
        "",
        &["list", "ls", "show"],
        "`cachectl status` lists the tables, `cachectl history` the runs, `cachectl jobs` the jobs",
    ),
    (
        "",
        &["start"],
        "`cachectl start-scheduler` resumes automatic refreshes; `systemctl start cached` starts the daemon",
    ),
    (
        "",
        &["stop"],
        "`cachectl stop-scheduler` pauses automatic refreshes; `systemctl stop cached` stops the daemon",
    ),
    (
        "",
        &["restart"],
        "`systemctl restart cached` restarts the daemon; `cachectl reload` has it read its configuration again",
    ),
    (
        "",
        &["version"],
        "`cachectl --version` is the version of this program, `cachectl ping` that of the daemon",
    ),
    ("", &["runs"], "`cachectl history` lists the runs, `cachectl run ID` shows one"),
    ("", &["check"], "`cached check` checks the configuration; `cachectl health` asks the daemon"),
    ("run", &[NOTHING], "`cachectl history` lists the runs; the daemon is run by `cached run`"),
    ("job", &[NOTHING], "`cachectl jobs` lists the jobs"),
    ("rehearse", &[NOTHING], "for example `cachectl rehearse --from today`"),
    ("rehearse", &[DAY], "`cachectl rehearse --from {}`"),
    ("refresh", &["-f"], "`--force` also refreshes entries that are young enough"),
    ("refresh", &["--wait", "-w"], "`refresh` waits for the end of the run, unless --no-wait is given"),
    ("refresh", &["--all", "-a"], "everything is refreshed where nothing is named: `cachectl refresh`"),
    ("invalidate", &["--all", "-a", NOTHING], "`cachectl invalidate all` names every type"),
    ("jobs", &[NUMBER], "`cachectl job {}` shows one job, `cachectl jobs -n {}` the newest"),
    (
        "jobs",
        &["--status", "--state", "--outcome", "failed", "running"],
        "`--failed` lists jobs that ended badly, `--running` those that are queued or running",
    ),
    ("history", &[NUMBER], "`cachectl run {}` shows one run, `cachectl history -n {}` the newest"),
    (
        "logs",
        &[NUMBER],
        "`cachectl logs --run {}` shows the lines of one run, `cachectl logs -n {}` the newest",
    ),
    ("next", &[NUMBER], "`cachectl next -n {}`"),
    (
        "status",
        &["-v", "--verbose"],
        "`--sizes` adds the bytes; `cachectl health` says what is wrong and what to do",
    ),
    ("status", &["-q", "--quiet"], "scripts ask `cachectl health`, whose exit code is the answer"),
];

/// Parses the command line of a process, whose first word is the name of the program.
pub fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let line: Vec<OsString> = line.into_iter().collect();
    Cli::try_parse_from(&line).map_err(|error| advised(error, &line))
}

/// The error with our tip in the place of what clap takes for similar, if there is one.
fn advised(mut error: clap::Error, line: &[OsString]) -> clap::Error {
    let word = match error.kind() {
        ErrorKind::InvalidSubcommand => text(&error, ContextKind::InvalidSubcommand),
        ErrorKind::UnknownArgument => text(&error, ContextKind::InvalidArg),
        ErrorKind::MissingRequiredArgument => NOTHING.to_owned(),
        _ => return error,
    };
    if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        // No argument of ours begins with a hyphen, so the tip to pass `-- -f` as a value helps nobody.
        tips.retain(|tip| !tip.to_string().contains("as a value"));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    if let Some(tip) = tip(verb(line, &word).as_deref().unwrap_or_default(), &word) {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    }
}

/// The verb of a command line, which stands before the wrong word.
fn verb(line: &[OsString], wrong: &str) -> Option<String> {
    let program = Cli::command();
    let words = line.iter().skip(1).filter_map(|word| word.to_str()).take_while(|word| *word != wrong);
    words.filter_map(|word| program.find_subcommand(word)).map(|verb| verb.get_name().to_owned()).next()
}

fn tip(verb: &str, word: &str) -> Option<String> {
    let prefix = if verb == "jobs" { "job:" } else { "run:" };
    let word = word.strip_prefix(prefix).unwrap_or(word);
    let kind = match word {
        number if number.parse::<u32>().is_ok() => NUMBER,
        day if when::day(day).is_ok() => DAY,
        word => word,
    };
    let of_verb = TIPS.iter().filter(|(of, ..)| *of == verb);
    let found = of_verb.filter(|(_, words, _)| words.contains(&kind)).map(|(.., tip)| tip).next()?;
    Some(found.replace("{}", &one_line(word)))
}
