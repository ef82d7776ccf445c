//! `cargo xtask chaos`

use anyhow::Result;
use clap::{Args, ValueEnum};
use tokio::process::Command;

use crate::npm;
use crate::workspace::compile;
use crate::{debian, process};

/// What is to go wrong.
#[derive(Args)]
pub struct Options {
    /// The total number of faults: kills, crashes at failpoints, and cut connections.
    #[arg(long, default_value_t = 420)]
    faults: u32,

    /// The transport of events. Default: both, one after the other.
    #[arg(long)]
    event_bus: Option<EventBus>,

    /// The seed of the random faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum EventBus {
    /// Direct delivery.
    Local,
    /// Delivery through NATS.
    Nats,
}

pub async fn run(options: &Options) -> Result<()> {
    npm::build_pages().await?;
    debian::ensure_nats().await?;

    process::run(&mut scenario("outages")).await?;
    let mut command = scenario("faults");
    command.env("LYCEUM_CHAOS_FAULTS", options.faults.to_string());
    command.env("LYCEUM_CHAOS_SEED", options.seed.to_string());
    match options.event_bus {
        Some(EventBus::Local) => _ = command.env("LYCEUM_CHAOS_EVENT_BUS", "local"),
        Some(EventBus::Nats) => _ = command.env("LYCEUM_CHAOS_EVENT_BUS", "nats"),
        None => {}
    }
    process::run(&mut command).await
}

fn scenario(name: &str) -> Command {
    let mut command = compile("test");
    command.args(["--locked", "-p", "lyceum", "--test", "chaos"]).env("LYCEUM_CHAOS_SCENARIO", name);
    command
}
