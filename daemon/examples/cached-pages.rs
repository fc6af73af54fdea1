//! Writes what is packaged beside `cached` and follows from its own tables: man pages, completions, the sample
//! configuration. `cargo run -p cached --example cached-pages -- DIRECTORY`

#![expect(clippy::disallowed_methods, reason = "this program has no database open")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;
use cached::cli::Cli;
use cached::config::Config;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).context("name the directory to write to")?);
    fs::create_dir_all(&directory)?;
    // A page for `cached help` would say nothing, and the others must not refer to one.
    let mut command = <Cli as CommandFactory>::command().disable_help_subcommand(true);
    command.build();
    manual(&command, &directory)?;
    fs::write(directory.join("cached.toml.5"), keys())?;
    fs::write(directory.join("cached.toml"), Config::sample()?)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut <Cli as CommandFactory>::command(), "cached", &directory)?;
    }
    Ok(())
}

/// A page for the program and one for each subcommand, in the section of daemons.
fn manual(command: &Command, directory: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let page = Man::new(command.clone()).title(&name).section("8").manual("cached");
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(directory.join(format!("{name}.8")), text)?;
    command.get_subcommands().try_for_each(|inner| manual(inner, directory))
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
    page.push_str(".SH SEE ALSO\n.BR cached (8),\n.BR cachectl (1)\n");
    page
}
