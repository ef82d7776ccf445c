//! `cargo xtask truth`: the running system, compared with a reference that shares no code with it.

use std::{fs::create_dir_all, path::Path};

use anyhow::Result;
use clap::{Args, ValueEnum};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    database::Database,
    npm::{self, Package},
    process,
    terminal::{self, Waiting},
    up::Up,
    workspace::{compile, root},
};

/// Small, so that lists end, and different operations meet the same rows.
const SEED_SCALE: f64 = 0.002;
/// The operations that `cargo xtask test` asks: as many as take less than a minute, and the same each time.
const SHORT: [&str; 4] = ["--seed", "12", "--operations", "1600"];

/// Which operations are compared, and how they are asked.
#[expect(clippy::struct_excessive_bools, reason = "they are the command line's switches")]
#[derive(Args)]
pub struct Options {
    /// The seed of the random operations, which every run prints. Default: the current time.
    #[arg(long)]
    seed: Option<u64>,

    /// The number of operations.
    #[arg(long, conflicts_with = "seconds", default_value_t = 1000)]
    operations: u64,

    /// Run for this many seconds instead of a number of operations.
    #[arg(long)]
    seconds: Option<u64>,

    /// Start with the operation of this number.
    #[arg(long, value_name = "NUMBER")]
    first: Option<u64>,

    /// How the router sends requests to the subgraphs. Default: both, in turn.
    #[arg(long)]
    mode: Option<Mode>,

    /// The protocol of the client. Default: all, in turn. Repeatable.
    #[arg(long)]
    transport: Vec<Transport>,

    /// A viewer of docs/permissions.json. Default: all, in turn. Repeatable.
    #[arg(long)]
    viewer: Vec<String>,

    /// Include operations without conditions and without aliases that are named like a key. With none of this and the
    /// next two options: all kinds.
    #[arg(long)]
    plain: bool,

    /// Include operations with `@include` and `@skip`.
    #[arg(long)]
    conditions: bool,

    /// Include operations with aliases that are named like a key.
    #[arg(long)]
    key_aliases: bool,

    /// Run queries only.
    #[arg(long)]
    queries: bool,

    /// Stop after this many distinct differences.
    #[arg(long, value_name = "NUMBER")]
    differences: Option<u32>,

    /// The maximum number of concurrent queries.
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<u32>,

    /// The size of the data set, as in `lyceum seed --help`.
    #[arg(long, default_value_t = SEED_SCALE)]
    seed_scale: f64,

    /// Inject this known bug into the reference; it must be found within a minute. Repeatable.
    #[arg(long, value_name = "NAME")]
    mutant: Vec<String>,

    /// Inject all known bugs, one after the other.
    #[arg(long)]
    mutants: bool,
}

/// How the router sends requests to the subgraphs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// By function call.
    InProcess,
    /// Over HTTP, like separate processes.
    Http,
}

/// How clients ask.
#[derive(Clone, Copy, ValueEnum)]
enum Transport {
    /// `POST`.
    Post,
    /// `GET`, for queries.
    Get,
    /// Server-sent events, for queries.
    Sse,
    /// `graphql-transport-ws`.
    Ws,
}

pub async fn run(options: &Options) -> Result<()> {
    npm::build_pages().await?;
    let logs = TempDir::new()?;
    compare(options.modes(), options.seed_scale, &options.arguments(), logs.path()).await
}

/// The part of `cargo xtask test`. The logs are put where they are searched for secrets.
pub async fn short(logs: &Path) -> Result<()> {
    let arguments = SHORT.map(str::to_owned);
    compare(&[Mode::InProcess, Mode::Http], SEED_SCALE, &arguments, logs).await
}

/// Starts what is to be compared, and compares it.
async fn compare(modes: &[Mode], scale: f64, arguments: &[String], logs: &Path) -> Result<()> {
    let package = Package::truth();
    package.install().await?;
    process::run(compile("build").args(["--bin", "lyceum", "--locked"])).await?;

    let database = Database::start_migrated().await?;
    let addresses = database.addresses()?;
    let scale = scale.to_string();
    process::run(lyceum().args(["migrate"]).envs(addresses.clone())).await?;
    process::run(lyceum().args(["seed", "--scale", &scale]).envs(addresses.clone())).await?;
    let truth = || package.program("bin/lyceum-truth.js");
    process::run_quietly(truth()?.arg("prepare").envs(addresses.clone()), "lyceum-truth prepare").await?;

    let waiting = Waiting::for_("lyceum up");
    create_dir_all(logs)?;
    let mut systems = Vec::new();
    for mode in modes {
        let log = logs.join(format!("log-truth-{}", mode.name()));
        systems.push((mode, Up::start(lyceum(), &["--transport", mode.name()], &addresses, &log).await?));
    }
    waiting.done();

    let mut command = truth()?;
    command.envs(addresses).args(arguments);
    for (mode, system) in &systems {
        command.arg("--system").arg(format!("{}={}", mode.name(), system.router));
    }
    terminal::step("lyceum-truth");
    let compared = process::run_tests_quietly(&mut command, "the comparison").await;

    let mut stopped = Ok(());
    for (_, system) in systems {
        stopped = stopped.and(system.stop().await);
    }
    database.stop().await?;
    compared.and(stopped)
}

/// It was built beside us.
fn lyceum() -> Command {
    let beside = std::env::current_exe().ok().map(|program| program.with_file_name("lyceum"));
    let mut command = Command::new(beside.unwrap_or_else(|| "lyceum".into()));
    command.current_dir(root());
    command
}

impl Options {
    fn modes(&self) -> &'static [Mode] {
        match self.mode {
            Some(Mode::InProcess) => &[Mode::InProcess],
            Some(Mode::Http) => &[Mode::Http],
            None => &[Mode::InProcess, Mode::Http],
        }
    }

    /// As `lyceum-truth` takes them.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                arguments.extend([format!("--{name}"), value]);
            }
        };
        let text = |number: Option<u64>| number.map(|number| number.to_string());
        add("seed", text(self.seed));
        add("seconds", text(self.seconds));
        add("operations", text(self.seconds.is_none().then_some(self.operations)));
        add("first", text(self.first));
        add("differences", text(self.differences.map(u64::from)));
        add("concurrency", text(self.concurrency.map(u64::from)));
        for transport in &self.transport {
            add("transport", Some(transport.name().to_owned()));
        }
        for viewer in &self.viewer {
            add("viewer", Some(viewer.clone()));
        }
        for mutant in &self.mutant {
            add("mutant", Some(mutant.clone()));
        }
        let flags = [
            ("plain", self.plain),
            ("conditions", self.conditions),
            ("key-aliases", self.key_aliases),
            ("queries", self.queries),
            ("mutants", self.mutants),
        ];
        arguments.extend(flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| format!("--{name}")));
        arguments
    }
}

impl Mode {
    /// As `lyceum up --transport` has it.
    fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Http => "http",
        }
    }
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Get => "get",
            Self::Sse => "sse",
            Self::Ws => "ws",
        }
    }
}
