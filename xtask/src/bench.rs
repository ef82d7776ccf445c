//! `cargo xtask bench`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tokio::process::Command;

use crate::{
    debian::ensure_wrk,
    npm::{self, Package},
    process, release,
    workspace::root,
};

/// What is measured, and how long.
#[derive(Args)]
pub struct Options {
    /// Compare Lyceum's router, as a separate process, with unmodified hive-router, `@apollo/gateway` and
    /// `@graphql-hive/gateway`.
    ///
    /// All use the same subgraphs, as separate processes, and `lyceum up` uses the same databases. Only the header
    /// `authorization` is forwarded, and subgraphs accept unsigned requests; with a second set of subgraphs Lyceum's
    /// router signs its requests. Before a page is measured, all must return the same `data`.
    #[arg(long)]
    gateways: bool,

    /// Measure how cost grows with connections, list length, sequential steps, rows (1,000, 100,000 and 1,000,000
    /// courses), cores, and subscriptions.
    #[arg(long, conflicts_with_all = ["gateways", "pairs", "seed_scale", "only"])]
    curves: bool,

    /// Measure mutations: purchases until the response and until the student is enrolled, compared with a hand-written
    /// one with the same transactions; and the rate of sign-ins.
    #[arg(long, conflicts_with_all = ["gateways", "curves", "only"])]
    mutations: bool,

    /// The duration of each measurement, in seconds.
    #[arg(long, default_value_t = 4)]
    seconds: u32,

    /// The number of measurements of each page, interleaved with those that it is compared with; medians are reported.
    #[arg(long, default_value_t = 5)]
    pairs: u32,

    /// The size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value_t = 1.0)]
    seed_scale: f64,

    /// Measure only this page, such as "catalogue". With `--gateways` the default is `StudentHome`, and "all" is
    /// allowed.
    #[arg(long, value_name = "PAGE")]
    only: Option<String>,

    /// The path of another `lyceum` to measure instead.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Write the raw numbers to `performance.json` in this folder, or to `gateways.json`, `mutations.json`, or
    /// `curves.json` and `curves.svg`.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
}

impl Options {
    fn measurement(&self) -> &'static str {
        match self {
            Self { gateways: true, .. } => "gateways",
            Self { curves: true, .. } => "curves",
            Self { mutations: true, .. } => "mutations",
            _ => "compare",
        }
    }
}

pub async fn run(options: &Options) -> Result<()> {
    ensure_wrk().await?;
    npm::build_pages().await?;

    let mut parts = vec!["-p", "lyceum", "-p", "bench"];
    if options.gateways {
        Package::gateways().install().await?;
        parts.extend(["--features", "bench/gateways"]);
    }
    let optimized = release::build(&parts).await?;
    let mut command = Command::new(optimized.join("bench"));
    command.arg(options.measurement()).arg("--program");
    command.arg(options.program.as_ref().map_or_else(|| optimized.join("lyceum"), |program| root().join(program)));
    command.args(["--seconds", &options.seconds.to_string()]);
    if !options.curves {
        command.args(["--pairs", &options.pairs.to_string(), "--seed-scale", &options.seed_scale.to_string()]);
    }
    if let Some(only) = &options.only {
        command.args(["--only", only]);
    }
    if let Some(report) = &options.report {
        command.arg("--report").arg(root().join(report));
    }
    process::run(command.current_dir(root())).await
}
