//! What the binary does: one file per subcommand.

pub mod check;
mod outcome;
pub mod refresh;
pub mod run;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::{Cli, Command};
use crate::clock::SystemClock;
use crate::config::{Config, Surroundings};
use crate::describe::describe;
use crate::telemetry::{self, Kind};

/// Exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Good,
    /// A table failed, was guarded or is disabled by schema drift.
    Failed,
    /// Nothing could start.
    NotStarted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::NotStarted => 2,
        })
    }
}

/// Runs what the command line asks for.
pub async fn dispatch(cli: &Cli, around: &Surroundings) -> Exit {
    let config = match Config::load(&cli.overrides(), around) {
        Ok(config) => config,
        Err(errors) => return refuse(&errors.to_string()),
    };
    match cli.command() {
        Command::Refresh(arguments) => {
            let journal_stream = around.env.get("JOURNAL_STREAM").map(String::as_str);
            let clock = Arc::new(SystemClock::new());
            match telemetry::init(&config, Kind::OneShot, clock, journal_stream) {
                Ok(_) => refresh::refresh(&config, &arguments).await,
                Err(error) => refuse(&describe(&error)),
            }
        }
        Command::Check(arguments) => check::check(&config, &arguments).await,
        Command::Run => run::run(config, cli, around).await,
        Command::Demo(_) => refuse("not available"),
    }
}

/// Says on standard error why nothing was started.
fn refuse(message: &str) -> Exit {
    for line in message.lines() {
        complain(&format!("error: {line}"));
    }
    Exit::NotStarted
}

/// Writes a line to standard error; a closed one is nobody's problem.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes text to standard output. A reader that went away early has seen what it wanted.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
