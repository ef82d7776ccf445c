//! `cargo xtask bench`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tokio::process::Command;

use crate::{debian::ensure_wrk, npm::Package, process, release, workspace::root};

/// What is measured, and how long.
#[derive(Args)]
pub struct Options {
    /// Measure Lyceum's router as a process of its own instead, beside hive-router as it comes, `@apollo/gateway` and
    /// `@graphql-hive/gateway`.
    ///
    /// All are before the same subgraphs, each a process too, and `lyceum up` is over the same databases. Nothing but the
    /// header `authorization` is passed on, and subgraphs answer without a signature; before a second set of subgraphs
    /// Lyceum's router signs. Before a page is measured, all have to give the same `data`.
    #[arg(long)]
    gateways: bool,

    /// Measure how cost grows instead: with connections, the length of a list, steps between subgraphs, rows (1,000, 100,000
    /// and 1,000,000 courses), cores, and subscriptions.
    #[arg(long, conflicts_with_all = ["gateways", "pairs", "seed_scale", "only"])]
    curves: bool,

    /// Measure purchases instead, beside one written by hand with the same transactions: until they are answered, and until the
    /// student is enrolled. And how many people can sign in.
    #[arg(long, conflicts_with_all = ["gateways", "curves", "only"])]
    mutations: bool,

    /// How long each measurement takes.
    #[arg(long, default_value_t = 4)]
    seconds: u32,

    /// How many times each page is measured, in turn with the one by hand or by the other gateways; the medians count.
    #[arg(long, default_value_t = 5)]
    pairs: u32,

    /// Size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value_t = 1.0)]
    seed_scale: f64,

    /// Only this page, such as "catalogue". With `--gateways` it is `StudentHome` when left out, and may be "all".
    #[arg(long, value_name = "PAGE")]
    only: Option<String>,

    /// Another `lyceum` than this one.
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
    let page = Package::web_playground();
    page.install().await?;
    page.build().await?;

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
