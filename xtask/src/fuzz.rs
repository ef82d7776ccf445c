//! `cargo xtask fuzz`: random inputs for the functions that read what clients and services send.

use std::fs::create_dir_all;

use anyhow::{Context, Result};
use clap::Args;
use tokio::process::Command;

use crate::{process, workspace::root};

/// An input that takes longer is reported, as one that makes a function panic is.
const MAX_SECONDS_PER_INPUT: u32 = 10;

/// Which functions are tried, and for how long.
#[derive(Args)]
pub struct Options {
    /// The targets: files of `fuzz/fuzz_targets`, without their extension. Default: all.
    targets: Vec<String>,

    /// The duration for each target, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

pub async fn run(options: &Options) -> Result<()> {
    let fuzz = root().join("fuzz");
    let targets = if options.targets.is_empty() { all()? } else { options.targets.clone() };
    for target in targets {
        // New inputs go into the first folder, and so not among those that are committed.
        let [found, corpus] = ["found", "corpus"].map(|folder| fuzz.join(folder).join(&target));
        create_dir_all(&found)?;
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo", "fuzz", "run", &target]).args([found, corpus]).arg("--");
        command.arg(format!("-max_total_time={}", options.seconds));
        command.args([format!("-timeout={MAX_SECONDS_PER_INPUT}"), "-print_final_stats=1".to_owned()]);
        process::run(command.current_dir(root())).await.context("see \"Fuzzing\" in CONTRIBUTING.md")?;
    }
    Ok(())
}

fn all() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for file in root().join("fuzz/fuzz_targets").read_dir()? {
        targets.extend(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}
