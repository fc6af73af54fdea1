//! The binary `cached`.

use std::process::ExitCode;

use anyhow::Context;
use cached::cli::Cli;
use cached::config::Surroundings;
use cached::rpc::Inherited;
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let around = Surroundings::of_process();
    // While there is only one thread, because it changes the environment.
    let passed = Inherited::take(&around.env);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")?;
    let exit = runtime.block_on(cached::command::dispatch(&cli, &around, passed));
    // Whoever was told to stop at once does not wait for a report that is still being computed.
    runtime.shutdown_background();
    Ok(exit.into())
}
