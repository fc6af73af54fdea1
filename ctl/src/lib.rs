//! The command-line client of `cached`: one module per verb, with rendering separate from communication.

pub mod cli;
pub mod exit;

mod cmd;
mod context;
mod error;
mod output;
#[cfg(test)]
mod testing;
mod word;

use crate::cli::{Cli, Verb};
use crate::context::Context;
use crate::exit::Exit;

/// Runs the verb of the command line; has printed everything for the user when it returns.
pub async fn run(cli: Cli) -> Exit {
    let context = Context::of_process(cli.socket);
    match dispatch(&cli.verb, &context).await {
        Ok(exit) => exit,
        Err(error) => error.tell(),
    }
}

async fn dispatch(verb: &Verb, context: &Context) -> Result<Exit, error::CtlError> {
    match verb {
        Verb::Ping(format) => cmd::ping::run(*format, context).await,
        Verb::Status(args) => cmd::status::run(args, context).await,
        Verb::Health(args) => cmd::health::run(args, context).await,
        Verb::Refresh(args) => cmd::refresh::run(args, context).await,
        Verb::RefreshAll(args) => cmd::refresh_all::run(args, context).await,
        Verb::StartScheduler(format) => cmd::start_scheduler::run(*format, context).await,
        Verb::StopScheduler(format) => cmd::stop_scheduler::run(*format, context).await,
        Verb::Next(args) => cmd::next::run(args, context).await,
        Verb::Rehearse(args) => cmd::rehearse::run(args, context).await,
        Verb::Jobs(args) => cmd::jobs::run(args, context).await,
        Verb::Job(args) => cmd::job::run(args, context).await,
        Verb::Cancel(args) => cmd::cancel::run(args, context).await,
        Verb::Retry(args) => cmd::retry::run(args, context).await,
        Verb::History(args) => cmd::history::run(args, context).await,
        Verb::Notify(args) => cmd::notify::run(args, context).await,
        Verb::Report(args) => cmd::report::run(args, context).await,
        Verb::Get(args) => cmd::get::run(args, context).await,
        Verb::Invalidate(args) => cmd::invalidate::run(args, context).await,
        Verb::Maintenance(args) => cmd::maintenance::run(args, context).await,
        Verb::Logs(args) => cmd::logs::run(args, context).await,
        Verb::Reload(format) => cmd::reload::run(*format, context).await,
        Verb::Completions(args) => cmd::completions::run(args),
    }
}
