//! The binary `cached`.

use std::process::ExitCode;

use anyhow::Context;
use cached::cli::Cli;
use cached::config::Surroundings;
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")?;
    let exit = runtime.block_on(cached::command::dispatch(&cli, &Surroundings::of_process()));
    // Whoever was told to stop at once does not wait for a report that is still being computed.
    runtime.shutdown_background();
    Ok(exit.into())
}
