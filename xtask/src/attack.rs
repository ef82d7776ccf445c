//! `cargo xtask attack`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{
    npm, process,
    workspace::{compile, root},
};

/// Which attacks, and how long.
#[derive(Args)]
pub struct Options {
    /// The duration of each attack, in seconds: once with one client, once with four.
    #[arg(long, default_value_t = 10)]
    seconds: u32,

    /// The size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value_t = 1.0)]
    seed_scale: f64,

    /// Run only this attack, such as "C4".
    #[arg(long, value_name = "ATTACK")]
    only: Option<String>,

    /// The path of another `lyceum` to attack instead, for comparison.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Write the table and a memory chart to `attacks.md` and `attacks.svg` in this folder.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
}

pub async fn run(options: &Options) -> Result<()> {
    npm::build_pages().await?;

    let mut command = compile("test");
    command.args(["--locked", "--release", "-p", "lyceum", "--test", "attack"]);
    command.env("LYCEUM_ATTACK_SECONDS", options.seconds.to_string());
    command.env("LYCEUM_ATTACK_SEED_SCALE", options.seed_scale.to_string());
    if let Some(only) = &options.only {
        command.env("LYCEUM_ATTACK_ONLY", only);
    }
    if let Some(program) = &options.program {
        command.env("LYCEUM_PROGRAM", root().join(program));
    }
    if let Some(report) = &options.report {
        command.env("LYCEUM_ATTACK_REPORT", root().join(report));
    }
    process::run(&mut command).await
}
