//! `cargo xtask bench`: compares the graph with handlers written by hand, over the same databases, in turn.

mod curves;
mod gateways;
mod live;
mod mutations;
mod options;
mod picture;
mod report;
mod terminal;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::Ipv4Addr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use bench::{
    by_hand::{self, Databases},
    client::Students,
    load::{Load, Measured},
    pages::{PAGES, Page},
    system::{System, cpu_of},
};
use clap::{Args, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;

use crate::{
    options::{CONNECTIONS, Options},
    report::{Report, Row, Sample},
    terminal::line,
};

#[derive(Parser)]
enum Arguments {
    /// Serve the hand-written handlers; reads the addresses of the databases from stdin.
    ByHand,
    /// Benchmark the graph against the hand-written handlers.
    Compare(Options),
    /// Benchmark Lyceum's router against other gateways.
    Gateways(Options),
    /// Measure how cost grows.
    Curves(CurveOptions),
    /// Benchmark purchases against a hand-written one, and sign-ins.
    Mutations(Options),
}

#[derive(Args)]
struct CurveOptions {
    /// The path of the `lyceum` to measure.
    #[arg(long)]
    program: PathBuf,
    /// The duration of each point, in seconds.
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// The sizes of the data set, the last one for that curve alone; 1 is 100,000 courses.
    #[arg(long, value_delimiter = ',', default_value = "0.01,1,10")]
    scales: Vec<f64>,
    /// Write `curves.json` and `curves.svg` in this folder.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse() {
        Arguments::ByHand => serve().await,
        Arguments::Compare(options) => compare(&options).await,
        Arguments::Gateways(options) => gateways::compare(&options).await,
        Arguments::Curves(options) => draw_curves(&options).await,
        Arguments::Mutations(options) => Box::pin(change(&options)).await,
    }
}

async fn draw_curves(options: &CurveOptions) -> Result<()> {
    let CurveOptions { program, seconds, scales, report } = options;
    let save = |curves: &curves::Curves| {
        if let Some(folder) = report {
            fs::write(folder.join("curves.json"), serde_json::to_string_pretty(curves)?)?;
            fs::write(folder.join("curves.svg"), picture::draw(&curves.curves))?;
        }
        Ok(())
    };
    curves::measure(&curves::Settings { program, seconds: *seconds, scales }, save).await
}

async fn change(options: &Options) -> Result<()> {
    // All students have one address.
    let arguments = ["--seed-scale", &options.seed_scale, "--cost-budget", "0", "--throttle", "false"];
    let system = System::start(&options.program, arguments).await?;
    let by_hand = ByHand::start(&system)?;
    let mutations = mutations::measure(&system, (&by_hand.url, by_hand.process.id()), options.pairs).await?;
    line(&mutations);
    drop(by_hand);
    system.stop().await?;
    if let Some(folder) = &options.report {
        fs::write(folder.join("mutations.json"), serde_json::to_string_pretty(&mutations)?)?;
    }
    Ok(())
}

async fn serve() -> Result<()> {
    let addresses: bench::system::Addresses = serde_json::from_reader(std::io::stdin())?;
    let keys = reqwest::get(&addresses.jwks).await?.json().await?;
    let databases = Databases::connect(&addresses.databases, &keys).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    line(listener.local_addr()?);
    Ok(axum::serve(listener, by_hand::routes(databases)).await?)
}

/// The handlers, in a separate process.
struct ByHand {
    process: Child,
    url: String,
}

impl ByHand {
    fn start(system: &System) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("by-hand")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the handlers")?;
        serde_json::to_writer(process.stdin.take().context("its stdin")?, system.addresses())?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its stdout")?).read_line(&mut line)?;
        Ok(Self { process, url: format!("http://{}", line.trim()) })
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn compare(options: &Options) -> Result<()> {
    // One student would not send so many requests.
    let arguments = ["--seed-scale", &options.seed_scale, "--cost-budget", "0"];
    let system = System::start(&options.program, arguments).await?;
    let by_hand = ByHand::start(&system)?;
    let students = Students::sign_in(&system.addresses().router).await?;
    let pages: Vec<_> =
        PAGES.iter().filter(|page| options.only.as_deref().is_none_or(|only| only == page.name)).collect();

    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}")?;
    let progress = ProgressBar::new((pages.len() * options.pairs) as u64).with_style(style);
    let mut report = Report::default();
    for page in pages {
        progress.set_message(page.name);
        students.compare(page, &by_hand.url).await?;
        let row = measure(page, &system, &by_hand, &students, options, &progress).await?;
        progress.suspend(|| line(&row));
        report.rows.push(row);
    }
    progress.finish_and_clear();
    drop(by_hand);
    system.stop().await?;
    if let Some(folder) = &options.report {
        report.write(folder)?;
    }
    Ok(())
}

async fn measure(
    page: &Page,
    system: &System,
    by_hand: &ByHand,
    students: &Students,
    options: &Options,
    progress: &ProgressBar,
) -> Result<Row> {
    let graph = Load::new(system.addresses().router.clone(), &students.of_graph(page))?;
    let hand = Load::new(by_hand.url.clone(), &students.of_handler(page)?)?;
    // Warm-up.
    graph.run(CONNECTIONS, 1).await?;
    hand.run(CONNECTIONS, 1).await?;
    let mut row = Row::new(page);
    for _ in 0..options.pairs {
        row.graph.push(sample(&graph, system, None, options.seconds).await?);
        row.by_hand.push(sample(&hand, system, Some(by_hand.process.id()), options.seconds).await?);
        progress.inc(1);
    }
    Ok(row)
}

/// Measures the graph, or another process over its databases.
async fn sample(load: &Load, system: &System, process: Option<u32>, seconds: u32) -> Result<Sample> {
    let before = (system.cpu()?, process.map(cpu_of).transpose()?);
    let Measured { per_second, requests, p99, .. } = load.run(CONNECTIONS, seconds).await?;
    let databases = system.cpu()?.since(before.0).databases;
    let of_process = match (process, before.1) {
        (Some(process), Some(before)) => cpu_of(process)? - before,
        _ => system.cpu()?.since(before.0).system,
    };
    let alone = load.run(1, seconds.div_ceil(2)).await?;
    Ok(Sample {
        per_second,
        p50_alone: alone.p50,
        p99,
        cpu: of_process * 1_000.0 / requests,
        databases_cpu: databases * 1_000.0 / requests,
    })
}
