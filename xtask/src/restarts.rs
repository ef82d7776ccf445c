//! `cargo xtask restarts`

use anyhow::Result;
use clap::Args;

use crate::npm;
use crate::process;
use crate::workspace::compile;

/// How much goes on meanwhile.
#[derive(Args)]
pub struct Options {
    /// The number of requests per second.
    #[arg(long, default_value_t = 200)]
    rate: u32,

    /// The number of times that each process is replaced.
    #[arg(long, default_value_t = 2)]
    rounds: u32,
}

pub async fn run(options: &Options) -> Result<()> {
    npm::build_pages().await?;

    let mut command = compile("test");
    // Unoptimized, so many requests are too many for a small machine.
    command.args(["--locked", "--release", "-p", "lyceum", "--test", "chaos"]);
    command.env("LYCEUM_CHAOS_SCENARIO", "restarts");
    command.env("LYCEUM_CHAOS_RATE", options.rate.to_string());
    command.env("LYCEUM_CHAOS_ROUNDS", options.rounds.to_string());
    process::run(&mut command).await
}
