//! The command-line client of `cached`: one module per verb, with rendering separate from communication.

mod cmd;
mod context;
mod error;
mod mistype;
mod output;
#[cfg(test)]
mod testing;
mod values;
mod when;

pub use cmd::Cli;
pub use error::Exit;
pub use mistype::parse;

use crate::context::Context;
use crate::error::{CtlError, Named};

/// Runs the verb of the command line; has printed everything for the user when it returns.
pub async fn run(cli: Cli) -> Exit {
    let context = match Context::of_process(cli.socket, cli.instance, cli.format.is_json()) {
        Ok(context) => context,
        Err(error) => return failed(&error, Named::Flag),
    };
    cmd::run(&cli.verb, &context).await.unwrap_or_else(|error| failed(&error, context.named))
}

fn failed(error: &CtlError, named: Named) -> Exit {
    error.lines(named).iter().for_each(|line| output::note(line));
    error.exit()
}
