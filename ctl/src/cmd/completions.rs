//! `completions`: the completion script for a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::{CtlError, Exit};
use crate::output;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Prints the script that completes `command`.
pub(crate) fn run(args: &CompletionsArgs, mut command: Command) -> Result<Exit, CtlError> {
    // Rendered into memory first: clap_complete panics when its output is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "cachectl", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Good)
}
