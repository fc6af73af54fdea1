//! `completions`: the completion script for a shell.

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs};
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output;

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit, CtlError> {
    // Rendered into memory first: clap_complete panics when its output is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cachectl", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Good)
}
