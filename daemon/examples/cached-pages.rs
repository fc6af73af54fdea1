//! Writes what is packaged beside `cached` and follows from its own tables: man pages, completions, the sample
//! configuration. `cargo run -p cached --example cached-pages -- DIRECTORY`

#![expect(clippy::disallowed_methods, reason = "this program has no database open")]

#[path = "../../packaging/man.rs"]
mod man;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context as _;
use cached::cli::Cli;
use cached::config::Config;
use clap::CommandFactory;
use clap_complete::Shell;

const PAGES: man::Program = man::Program {
    section: "8",
    exit_status: &[
        ("0", "all went well; tables that were young enough, switched off or withheld count as well"),
        (
            "1",
            "a table failed, was guarded, or is disabled because VMS's schema changed; check --strict: not all is fresh",
        ),
        ("2", "nothing could start: usage, configuration, no VMS database, another cached at work"),
    ],
    examples: &[
        ("cached demo", "Everything on a sample of VMS's data, with a page to look at."),
        (
            "cached check",
            "The configuration in effect, the rights of the files, and how fresh each table is.",
        ),
        ("cached check --config-only", "Only the configuration, and where each value comes from."),
        ("cached run --config /home/ada/cached.toml", "The daemon in a terminal."),
        (
            "cached refresh --database /srv/vms/instance/vms.db",
            "One refresh without a daemon, for a scheduled task.",
        ),
        (
            "cached refresh district --force --json",
            "One type, young entries too, with an outcome for programs.",
        ),
        ("cached check --instance north", "The same for one of several daemons on this machine."),
    ],
    environment: &[
        ("CACHED_CONFIG", "The configuration file, as --config names it."),
        ("CACHED_INSTANCE", "The instance, as --instance names it."),
        ("CACHED_SECTION_KEY", "A key of the configuration, such as CACHED_DATABASE_URL or CACHED_LOG_DIR."),
        ("CACHED_SOCKET, CACHED_TIMEZONE", "As --socket and --timezone."),
        ("TZ", "The zone of VMS, unless vms.timezone names it."),
        (
            "STATE_DIRECTORY, LOGS_DIRECTORY, RUNTIME_DIRECTORY",
            "The service's directories, as systemd sets them.",
        ),
        (
            "XDG_STATE_HOME, XDG_RUNTIME_DIR, HOME",
            "Where the state and the socket of a user's own daemon are.",
        ),
    ],
    files: &[
        ("/etc/cached/cached.toml", "The configuration; cached.toml(5) has every key."),
        (
            "/etc/cached/NAME.toml",
            "That of the instance NAME, whose other files are in directories of that name.",
        ),
        ("/var/lib/cached/state.db", "The daemon's own database: queue, history, figures."),
        (
            "/var/log/cached/cache_manager.log",
            "The log; rotated files beside it are cache_manager_YYYYMMDD.log.gz.",
        ),
        ("/run/cached/cached.sock", "The control socket."),
        ("~/.local/state/cached/", "State and socket of a user's own daemon."),
        (
            "/usr/share/doc/cached/packaging/RUNBOOK.md",
            "What to type, and what every reason of cachectl health means.",
        ),
    ],
    see_also: &["cached(8)", "cached.toml(5)", "cachectl(1)"],
};

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).context("name the directory to write to")?);
    fs::create_dir_all(&directory)?;
    PAGES.write(&<Cli as CommandFactory>::command(), &directory)?;
    fs::write(directory.join("cached.toml.5"), keys())?;
    fs::write(directory.join("cached.toml"), Config::sample()?)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut <Cli as CommandFactory>::command(), "cached", &directory)?;
    }
    Ok(())
}

/// cached.toml(5), from the table of keys.
fn keys() -> String {
    let mut page = String::from(
        ".TH cached.toml 5 \"\" \"\" \"cached\"\n.SH NAME\ncached.toml \\- configuration of cached\n.SH DESCRIPTION\n\
         A flag beats a variable (CACHED_SECTION_KEY), a variable beats the file, the file beats the default. A key \
         that is not known is an error.\n.SH KEYS\n",
    );
    for key in Config::keys() {
        let restart = if key.needs_restart() { " A change takes effect after a restart." } else { "" };
        let secret =
            if key.is_secret() { " A secret: never printed, never taken from the environment." } else { "" };
        let default = match key.default_text() {
            Some("") => " Default: none.".to_owned(),
            Some(text) => format!(" Default: {text}."),
            None if key.full_name() == "database.url" => " Required.".to_owned(),
            None if key.is_unset_by_default() => " Not set by default.".to_owned(),
            // The doc comment says what the default depends on.
            None => String::new(),
        };
        let text = format!("{}{default}{restart}{secret}", key.doc.trim()).replace('\\', "\\e");
        // Writing to a String cannot fail.
        let _ = write!(page, ".TP\n.B {}\n\\&{text}\n", key.full_name());
    }
    page.push_str(
        ".SH FILES\n.TP\n.B /etc/cached/cached.toml\nThe configuration.\n.TP\n.B /etc/cached/NAME.toml\nThat of the instance \
         NAME.\n.SH EXAMPLES\n.nf\n[database]\nurl = \"/srv/vms/instance/vms.db\"\n\n[schedule]\nrefresh_time = \
         \"02:00\"\ntimezone = \"America/Chicago\"\n.fi\n",
    );
    page.push_str(".SH SEE ALSO\n.BR cached (8),\n.BR cachectl (1)\n");
    page
}
