//! `cachectl`: parses the command line and leaves the rest to the library.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use cachectl::{Cli, Exit};

fn main() -> ExitCode {
    let cli = cachectl::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match start(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            // A closed stderr leaves no place to report to, so the failure to write is dropped.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            Exit::Failed.into()
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime; check the limits of this process (ulimit -a)")?;
    Ok(runtime.block_on(cachectl::run(cli)))
}
