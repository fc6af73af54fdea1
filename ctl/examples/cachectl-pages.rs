//! Writes the man pages of `cachectl` and its completions, for packages.
//! `cargo run -p cachectl --example cachectl-pages -- DIRECTORY`

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context as _;
use cachectl::Cli;
use clap::CommandFactory as _;
use clap_complete::Shell;

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).context("name the directory to write to")?);
    fs::create_dir_all(&directory)?;
    clap_mangen::generate_to(Cli::command(), &directory)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "cachectl", &directory)?;
    }
    Ok(())
}
