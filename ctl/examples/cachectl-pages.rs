//! Writes the man pages of `cachectl` and its completions, for packages.
//! `cargo run -p cachectl --example cachectl-pages -- DIRECTORY`

#[path = "../../packaging/man.rs"]
mod man;

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context as _;
use cachectl::Cli;
use clap::CommandFactory as _;
use clap_complete::Shell;

const PAGES: man::Program = man::Program {
    section: "1",
    exit_status: &[
        ("0", "good"),
        ("1", "failed, or unhealthy; with health --strict also degraded"),
        ("2", "usage: the request makes no sense"),
        ("3", "no daemon answers"),
        ("4", "not allowed for this user"),
        ("5", "the answer, or the end of the run, did not come in time"),
        ("6", "client and daemon speak different versions of the protocol"),
    ],
    examples: &[
        ("cachectl status", "Is everything fresh, and when is the next refresh?"),
        (
            "cachectl health --strict",
            "For scripts and monitoring: ends with 0 only if nothing needs attention.",
        ),
        ("cachectl refresh district --force", "Refresh the district reports now, the young entries too."),
        ("cachectl refresh --no-wait", "Queue a refresh of everything and print the number of its run."),
        ("cachectl jobs --failed", "What failed, and why."),
        ("cachectl retry --failed", "Try all of it again."),
        ("cachectl next --explain", "Why the next refresh is when it is."),
        ("cachectl history --since 7d", "The runs of a week."),
        ("cachectl report --since 30d", "The figures of a month beside their targets."),
        ("cachectl logs -f", "The log, and what is added to it."),
        (
            "cachectl maintenance backup /var/backups/vms.db",
            "A verified copy of VMS's database while VMS runs.",
        ),
        ("cachectl --instance north status", "The same of one of several daemons on this machine."),
        ("cachectl status --json", "For programs."),
    ],
    environment: &[
        ("CACHED_SOCKET", "Control socket of the daemon, as --socket names it."),
        (
            "CACHED_INSTANCE",
            "Name of the daemon, as --instance names it. A flag beats a variable, a socket a name.",
        ),
        ("XDG_RUNTIME_DIR, HOME", "Where a daemon of your own has its socket."),
        ("NO_COLOR, TERM", "Without colour if NO_COLOR is set or TERM is dumb."),
    ],
    files: &[
        ("/run/cached/cached.sock", "The daemon's control socket. Members of group cached can connect."),
        ("/run/cached/NAME/cached.sock", "That of the instance NAME."),
    ],
    see_also: &["cachectl(1)", "cached(8)", "cached.toml(5)"],
};

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).context("name the directory to write to")?);
    fs::create_dir_all(&directory)?;
    PAGES.write(&Cli::command(), &directory)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "cachectl", &directory)?;
    }
    Ok(())
}
