//! The command line, what several verbs take of it, and one module per verb: each has its arguments, sends its request,
//! renders the answer and chooses the exit code.

mod cancel;
mod completions;
mod get;
mod health;
mod history;
mod invalidate;
mod job;
mod jobs;
mod logs;
mod maintenance;
mod next;
mod notify;
mod ping;
mod refresh;
mod rehearse;
mod reload;
mod report;
mod retry;
mod run;
mod scheduler;
mod status;

use std::path::PathBuf;

use cached_present::place::Instance;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Steers the cached daemon over its control socket.
#[derive(Debug, Parser)]
#[command(name = "cachectl", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 good, 1 failed or unhealthy, 2 usage, 3 daemon unreachable, \
                        4 not allowed, 5 timed out, 6 protocol mismatch.")]
pub struct Cli {
    /// Control socket of the daemon, also `CACHED_SOCKET` [default: /run/cached/cached.sock, or that of your own daemon]
    #[arg(long, global = true, value_name = "PATH", display_order = 900, conflicts_with = "instance")]
    #[arg(value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) socket: Option<PathBuf>,
    /// The daemon with this name, of several on this machine, also `CACHED_INSTANCE`
    #[arg(long, global = true, value_name = "NAME", display_order = 901)]
    pub(crate) instance: Option<Instance>,
    /// The format.
    #[command(flatten)]
    pub(crate) format: Format,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// One variant per verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Check whether the daemon answers
    Ping,
    /// Show what is cached, how old it is and what comes next
    Status(status::StatusArgs),
    /// Show the daemon's health: what is wrong, and what to do about it
    Health(health::HealthArgs),
    /// Refresh some tables, or all, and wait for the result
    ///
    /// Without TYPE and --table everything is refreshed, as with the word all. Entries that are young enough are skipped
    /// unless --force is given. Interrupting the wait does not stop the run.
    Refresh(refresh::RefreshArgs),
    /// Refresh every table and wait for the result
    RefreshAll(refresh::RefreshAllArgs),
    /// Resume automatic refreshes; the setting survives restarts
    StartScheduler,
    /// Pause automatic refreshes; a run in progress finishes, manual refreshes still work
    StopScheduler,
    /// Show when the next scheduled runs start
    Next(next::NextArgs),
    /// Show every decision that the scheduler would make on given days
    ///
    /// Runs the real scheduling rules against a simulated clock: scheduled runs with their slots and clock changes, and
    /// top-ups of entries that cannot wait for them. Assumes that the daemon runs all the time, that every run
    /// succeeds, and that only the clock changes.
    Rehearse(rehearse::RehearseArgs),
    /// List jobs (one table of one run each), newest first
    Jobs(jobs::JobsArgs),
    /// Show one job with all its attempts
    Job(job::JobArgs),
    /// Cancel a job or a run: queued jobs never run, a running job stops soon
    ///
    /// A running job stops at its next group of entries; what it has written until then is kept.
    Cancel(cancel::CancelArgs),
    /// Try again what failed or was cancelled
    ///
    /// This queues a new run; the history of the old one is kept. A job that waits for its next attempt gets it now.
    Retry(retry::RetryArgs),
    /// List past runs, newest first
    History(history::HistoryArgs),
    /// Show one run: its trigger, its times and how each table ended
    Run(run::RunArgs),
    /// Send a test notice through every channel of section notify, and report the result of each
    Notify(notify::NotifyArgs),
    /// Show how well refreshing has worked, against the targets of the configuration
    Report(report::ReportArgs),
    /// Show one entry as it is stored: fresh, stale with its age, or missing
    ///
    /// Key columns that are left out may have any value, as long as that leaves one entry; COLUMN=
    /// stands for an empty column. An entry that is missing and should be there is queued. Entries hold
    /// personal data, so this needs the same rights as a change.
    Get(get::GetArgs),
    /// Mark entries as stale whatever their age, and refresh them; VMS shows them until then
    Invalidate(invalidate::InvalidateArgs),
    /// Maintain the database files; one task at a time, and none during a refresh
    ///
    /// Progress is shown on standard error. Interrupting the wait does not stop the task; stopping the daemon does.
    Maintenance(maintenance::MaintenanceArgs),
    /// Show the daemon's log file, rotated and compressed files included
    ///
    /// Without --run, --since and -n the newest 100 lines are shown. The daemon sends the lines, so no permissions on
    /// its files are needed; they may name people, so this needs the same rights as a change.
    Logs(logs::LogsArgs),
    /// Have the daemon read its configuration again, and report what changed, what needs a restart, or what is wrong
    ///
    /// The same as a SIGHUP or `systemctl reload cached`, with an answer. A configuration with an error
    /// changes nothing.
    Reload,
    /// Print the completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the verb.
pub(crate) async fn run(verb: &Verb, context: &Context) -> Result<Exit, CtlError> {
    match verb {
        Verb::Ping => ping::run(context).await,
        Verb::Status(args) => status::run(args, context).await,
        Verb::Health(args) => health::run(args, context).await,
        Verb::Refresh(args) => refresh::run(args, context).await,
        Verb::RefreshAll(args) => refresh::run_all(args, context).await,
        Verb::StartScheduler => scheduler::start(context).await,
        Verb::StopScheduler => scheduler::stop(context).await,
        Verb::Next(args) => next::run(args, context).await,
        Verb::Rehearse(args) => rehearse::run(args, context).await,
        Verb::Jobs(args) => jobs::run(args, context).await,
        Verb::Job(args) => job::run(args, context).await,
        Verb::Cancel(args) => cancel::run(args, context).await,
        Verb::Retry(args) => retry::run(args, context).await,
        Verb::History(args) => history::run(args, context).await,
        Verb::Run(args) => run::run(args, context).await,
        Verb::Notify(_) => notify::run(context).await,
        Verb::Report(args) => report::run(args, context).await,
        Verb::Get(args) => get::run(args, context).await,
        Verb::Invalidate(args) => invalidate::run(args, context).await,
        Verb::Maintenance(args) => maintenance::run(args, context).await,
        Verb::Logs(args) => logs::run(args, context).await,
        Verb::Reload => reload::run(context).await,
        Verb::Completions(args) => completions::run(args, Cli::command()),
    }
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print JSON: times as RFC 3339 in UTC, seconds as numbers
    #[arg(long, global = true, display_order = 898)]
    json: bool,
    /// Form of the output; -o json is the same as --json
    #[arg(short, long, alias = "format", global = true, display_order = 899)]
    #[arg(value_name = "FORM", value_enum, ignore_case = true)]
    output: Option<Form>,
}

/// A form of the output. Its variants have no help, which would make every `--help` a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    #[value(alias = "table")]
    Text,
    Json,
}

impl Format {
    pub(crate) fn is_json(self) -> bool {
        self.json || self.output == Some(Form::Json)
    }
}
