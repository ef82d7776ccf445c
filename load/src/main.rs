//! `cargo xtask load`: simulated users on a `lyceum up` of its own, and their bottlenecks.

use std::{
    fmt::Display,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Result, ensure};
use bench::client::Students;
use clap::{Args, Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use load::{
    Plan, Profile,
    report::Report,
    scenarios::{LoadContext, ThinkTime},
    search::{self, WORDS},
    shape::Shape,
    start,
};
use tokio::time::sleep;

#[derive(Parser)]
enum Arguments {
    /// Simulate users.
    Run(Options),
    /// Search for words that many, few and no courses contain, on 16 connections.
    Search(Options),
}

#[derive(Args)]
struct Options {
    /// The path of the `lyceum` to load.
    #[arg(long)]
    program: PathBuf,
    #[arg(long, default_value = "soak")]
    shape: Shape,
    #[arg(long, default_value = "both")]
    profile: Profiles,
    /// The duration in seconds, for each profile; for searches, for each word.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The maximum number of users.
    #[arg(long, default_value_t = 40)]
    users: usize,
    /// Size of the data set; 1 is 100,000 courses.
    #[arg(long, default_value = "1")]
    seed_scale: String,
    /// Write `load.md`, `load.json` and `load.svg` to this folder.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Profiles {
    Baseline,
    Tuned,
    Both,
}

impl Profiles {
    fn all(self) -> Vec<Profile> {
        match self {
            Self::Baseline => vec![Profile::Baseline],
            Self::Tuned => vec![Profile::Tuned],
            Self::Both => vec![Profile::Baseline, Profile::Tuned],
        }
    }
}

impl Options {
    fn plan(&self, profile: Profile) -> Plan {
        Plan {
            program: self.program.clone(),
            profile,
            seed_scale: self.seed_scale.clone(),
            shape: self.shape,
            users: self.users,
            seconds: self.seconds,
            think_time: ThinkTime { min: Duration::from_millis(500), max: Duration::from_millis(1_500) },
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (options, report) = match Arguments::parse() {
        Arguments::Run(options) => {
            let report = run(&options).await?;
            (options, report)
        }
        Arguments::Search(options) => {
            let report = search(&options).await?;
            (options, report)
        }
    };
    if let Some(folder) = &options.report {
        report.write(folder)?;
    }
    let differences: Vec<_> = report.outcomes.iter().flat_map(|outcome| &outcome.reconciliation.differences).collect();
    ensure!(differences.is_empty(), "accounts differ: {differences:?}");
    Ok(())
}

async fn run(options: &Options) -> Result<Report> {
    let mut report = Report::default();
    for profile in options.profile.all() {
        let plan = options.plan(profile);
        let bar = bar(&format!("{}: sample data, sign-ins", profile.name()))?;
        let system = start(&plan, [""; 0]).await?;
        let outcome = load::run(&plan, &system, |world| watch(&bar, profile, world)).await?;
        bar.finish_and_clear();
        system.stop().await?;
        say(&outcome);
        report.outcomes.push(outcome);
    }
    Ok(report)
}

async fn search(options: &Options) -> Result<Report> {
    let mut report = Report::default();
    for profile in options.profile.all() {
        let bar = bar(&format!("{}: sample data, sign-ins", profile.name()))?;
        // All searches come from one address, without think time.
        let limits = ["--cost-budget", "0", "--requests-per-client", "64"];
        // Valid for the whole run, without a refresh.
        let tokens = ["--access-token-seconds", "86400"];
        let system = start(&options.plan(profile), limits.into_iter().chain(tokens)).await?;
        let students = Students::sign_in(&system.addresses().router).await?;
        for (word, with_total) in WORDS.into_iter().flat_map(|word| [(word, false), (word, true)]) {
            bar.set_message(format!("{}: {word}", profile.name()));
            let searched =
                search::search(&system, &students, word, with_total, u32::try_from(options.seconds)?).await?;
            let total = if with_total { "with its total" } else { "without" };
            let (courses, p50, p99) = (searched.courses, searched.p50, searched.p99);
            let line = format!("{word:24} {courses:6} courses, {total:14} p50 {p50:7.1} ms   p99 {p99:7.1} ms");
            bar.suspend(|| say(line));
            report.searches.push(searched);
        }
        bar.finish_and_clear();
        system.stop().await?;
    }
    Ok(report)
}

fn bar(message: &str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{spinner} {elapsed}  {msg}")?;
    let bar = ProgressBar::new_spinner().with_style(style).with_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// Shows the progress for as long as the bar exists.
fn watch(bar: &ProgressBar, profile: Profile, world: Arc<LoadContext>) {
    let bar = bar.clone();
    tokio::spawn(async move {
        while !bar.is_finished() {
            let (requests, errors) = (&world.progress.requests, &world.progress.errors);
            let (requests, errors) = (requests.load(Ordering::Relaxed), errors.load(Ordering::Relaxed));
            bar.set_message(format!("{}: {requests} requests, {errors} errors", profile.name()));
            sleep(Duration::from_millis(500)).await;
        }
    });
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn say(what: impl Display) {
    println!("{what}");
}
