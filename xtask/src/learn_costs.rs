//! `cargo xtask costs`: learns what the graph's fields and types cost, and looks how well that is known.

use anyhow::{Context as _, Result};
use clap::Args;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    database::Database,
    generate,
    npm::Package,
    process, terminal,
    up::Up,
    workspace::{compile, root},
};

/// What is asked to learn from.
#[derive(Args)]
pub struct Options {
    /// The number of random queries to learn from; as many others validate the weights.
    #[arg(long, default_value_t = 2000)]
    operations: u32,

    /// The seed of the random queries.
    #[arg(long, default_value_t = 1)]
    seed: u32,

    /// The size of the data set, as in `lyceum seed --help`.
    #[arg(long, default_value_t = 1.0)]
    seed_scale: f64,

    /// Only validate the current weights.
    #[arg(long)]
    check: bool,
}

/// Learns, writes `docs/costs.json` and the schemas, and draws `docs/cost.svg` of other queries.
pub async fn run(options: &Options) -> Result<()> {
    Package::truth().install().await?;
    build().await?;
    let database = Database::start_migrated().await?;
    let addresses = database.addresses()?;
    process::run(lyceum()?.arg("migrate").envs(addresses.clone())).await?;
    let scale = options.seed_scale.to_string();
    process::run(lyceum()?.args(["seed", "--scale", &scale]).envs(addresses.clone())).await?;
    let operations = options.operations.to_string();
    if !options.check {
        let weights = root().join("docs/costs.json");
        let arguments = ["--seed", &options.seed.to_string(), "--weights", &weights.to_string_lossy()];
        measure(&database, &[&arguments[..], &["--operations", &operations]].concat()).await?;
        generate::run(false).await?;
        build().await?;
    }
    let picture = root().join("docs/cost.svg");
    let arguments = ["--seed", &(options.seed + 1).to_string(), "--picture", &picture.to_string_lossy()];
    let measured = measure(&database, &[&arguments[..], &["--operations", &operations]].concat()).await;
    database.stop().await?;
    measured
}

/// As operators run it: what an unoptimized build takes says nothing.
async fn build() -> Result<()> {
    process::run(compile("build").args(["--release", "--package", "lyceum", "--locked"])).await
}

async fn measure(database: &Database, arguments: &[&str]) -> Result<()> {
    let databases = database.addresses()?;
    let directory = TempDir::new()?;
    let up = Up::start(lyceum()?, &[], &databases, &directory.path().join("log")).await?;
    let mut learn = Package::truth().program("bin/lyceum-truth.js")?;
    learn.args(["cost", "--router", &up.router, "--process", &up.process_id().to_string()]);
    learn.args(["--database-process", &database.process_id()?.to_string()]);
    learn.args(arguments).envs(databases);
    terminal::step("lyceum-truth cost");
    let learnt = process::run_quietly(&mut learn, "measuring what operations take").await;
    learnt.and(up.stop().await)
}

/// The optimized one, beside the directory of this program.
fn lyceum() -> Result<Command> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is in a target directory")?;
    let mut command = Command::new(target.join("release/lyceum"));
    command.current_dir(root());
    Ok(command)
}
