//! `cargo xtask load`

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use tokio::process::Command;

use crate::{debian::ensure_wrk, npm, process, release, workspace::root};

/// Who comes, when, and to what.
#[derive(Args)]
pub struct Options {
    /// The number of users over time.
    #[arg(long, default_value = "soak")]
    shape: Shape,

    /// The indexes of the databases.
    #[arg(long, default_value = "both")]
    profile: Profile,

    /// The duration in seconds, for each profile; with `--search`, for each word.
    #[arg(long, default_value_t = 60)]
    seconds: u64,

    /// The maximum number of users; at least 20, so that each role is present.
    #[arg(long, default_value_t = 40)]
    users: usize,

    /// The size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value_t = 1.0)]
    seed_scale: f64,

    /// Measure only searches, on 16 connections without pauses: for words that many, few and no courses contain, with
    /// and without `totalCount`. Needs `wrk`.
    #[arg(long)]
    search: bool,

    /// The path of another `lyceum` to load instead.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Write the tables, a chart and the raw numbers to `load.md`, `load.svg` and `load.json` in this folder.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shape {
    /// The number of users grows steadily.
    Ramp,
    /// All users, from the start to the end.
    Soak,
    /// A quarter of the users, all of them in the middle third, and then a quarter again.
    Spike,
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    /// The indexes of the specification, including its known bottlenecks.
    Baseline,
    /// Also the indexes that the specification documents as remedies.
    Tuned,
    /// Both, one after the other, for comparison.
    Both,
}

pub async fn run(options: &Options) -> Result<()> {
    if options.search {
        ensure_wrk().await?;
    }
    if options.program.is_none() {
        npm::build_pages().await?;
        release::build(&["-p", "lyceum"]).await?;
    }
    // By itself: together with it, what is measured would have the features that goose needs.
    let optimized = release::build(&["-p", "load"]).await?;
    let mut command = Command::new(optimized.join("load"));
    command.arg(if options.search { "search" } else { "run" }).arg("--program");
    command.arg(options.program.as_ref().map_or_else(|| optimized.join("lyceum"), |program| root().join(program)));
    command.args(["--shape", &name(&options.shape), "--profile", &name(&options.profile)]);
    command.args(["--seconds", &options.seconds.to_string(), "--users", &options.users.to_string()]);
    command.args(["--seed-scale", &options.seed_scale.to_string()]);
    if let Some(report) = &options.report {
        command.arg("--report").arg(root().join(report));
    }
    process::run(command.current_dir(root())).await
}

/// As the program that is started knows it, too.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
