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

/// Runs the verb of the command line; has printed everything for the user when it returns.
pub async fn run(cli: Cli) -> Exit {
    let context = Context::of_process(cli.socket, cli.format.is_json());
    cmd::run(&cli.verb, &context).await.unwrap_or_else(|error| {
        error.lines(context.named).iter().for_each(|line| output::note(line));
        error.exit()
    })
}
