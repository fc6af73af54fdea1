//! The subcommands of the binary, one module each.

pub mod check;
pub mod demo;
pub mod refresh;
mod rights;
pub mod run;
mod sandbox;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use signal_hook::consts::SIGXFSZ;

use self::rights::OthersPlace;
use crate::cli::{Cli, Command};
use crate::clock::SystemClock;
use crate::config::{Config, ProcessEnvironment};
use crate::describe::describe;
use crate::rpc::{InheritError, Inherited};
use crate::telemetry::{self, Kind};

/// Exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything succeeded.
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

/// The first error of writing to standard output, which the whole process shares.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Runs the subcommand of the command line; `passed` is the socket from the service manager, if there is one.
pub async fn dispatch(
    cli: &Cli,
    environment: &ProcessEnvironment,
    passed: Result<Option<Inherited>, InheritError>,
) -> Exit {
    // A write beyond a limit of the file size fails like one on a full disk; without a handler, it would kill
    // the process. Unlike an ignored signal, a handler is not inherited by the commands that are run.
    if let Err(error) = signal_hook::flag::register(SIGXFSZ, Arc::default()) {
        return refuse(&format!("signals cannot be received: {error}"));
    }
    let exit = Box::pin(work(cli, environment, passed)).await;
    let Some(why) = UNWRITTEN.get() else { return exit };
    complain(&format!("error: cannot write to standard output: {why}"));
    if exit == Exit::Good { Exit::Failed } else { exit }
}

async fn work(
    cli: &Cli,
    environment: &ProcessEnvironment,
    passed: Result<Option<Inherited>, InheritError>,
) -> Exit {
    let overrides = cli.overrides();
    if let Command::Demo(arguments) = cli.command() {
        // The demonstration names its own files, so it needs no configuration to begin with.
        return Box::pin(demo::demo(cli, &arguments, environment)).await;
    }
    if let Command::Check(arguments) = cli.command() {
        return match Config::load_to_check(&overrides, environment) {
            Ok((config, unjudged)) => check::check(&config, &unjudged, &arguments).await,
            Err(errors) => refuse(&errors.to_string()),
        };
    }
    let config = match Config::load(&overrides, environment) {
        Ok(config) => config,
        Err(errors) => return refuse(&errors.to_string()),
    };
    // Must come before the log is opened.
    let others = OthersPlace::find(&config);
    match (cli.command(), others) {
        (Command::Refresh(_), Some(others)) => refuse(&others.refusal("refresh")),
        (_, Some(others)) => refuse(&others.refusal("run")),
        (Command::Refresh(arguments), None) => {
            Box::pin(with_telemetry(&config, environment, refresh::refresh(&config, &arguments))).await
        }
        (_, None) => match passed {
            Ok(inherited) => run::run(config, &overrides, environment, inherited).await,
            Err(error) => refuse(&describe(&error)),
        },
    }
}

/// Runs a one-shot with logging set up.
async fn with_telemetry(
    config: &Config,
    environment: &ProcessEnvironment,
    work: impl Future<Output = Exit>,
) -> Exit {
    let journal_stream = environment.env.get("JOURNAL_STREAM").map(String::as_str);
    match telemetry::init(config, Kind::OneShot, Arc::new(SystemClock::new()), journal_stream) {
        Ok(telemetry) => {
            let exit = work.await;
            // On a host that only runs one-shots, no other process compresses the rotated log files.
            telemetry.tidied();
            exit
        }
        Err(error) => refuse(&describe(&error)),
    }
}

/// Reports on standard error why nothing was started.
fn refuse(message: &str) -> Exit {
    for line in message.lines() {
        complain(&format!("error: {line}"));
    }
    Exit::NotStarted
}

/// Writes a line to standard error; a failure is ignored.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes text to standard output. A closed pipe is no error: the reader has what it wanted.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            // Only the first failure is kept; the others follow from it.
            let _ = UNWRITTEN.set(error.to_string());
        }
        _ => {}
    }
}
