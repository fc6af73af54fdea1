//! The binary `cached`.

use std::process::ExitCode;

use anyhow::Context;
use cached::cli;
use cached::clock::{Clock as _, SystemClock};
use cached::config::ProcessEnvironment;
use cached::rpc::Inherited;
use tikv_jemallocator::Jemalloc;

/// Returns memory to the system once a storm is over; the one of the C library keeps it.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<ExitCode> {
    let cli = cli::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let environment = ProcessEnvironment::of_process(SystemClock::new().now(), cli.common.instance.clone());
    // This changes the environment, which is only safe while there is a single thread.
    let passed = Inherited::take(&environment.env);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime could not be started")?;
    let exit = runtime.block_on(cached::command::dispatch(&cli, &environment, passed));
    // An immediate stop must not wait for a report that is still being computed.
    runtime.shutdown_background();
    Ok(exit.into())
}
