//! What contributors and CI run: `cargo xtask help` lists it.

mod attack;
mod audit;
mod bench;
mod chaos;
mod containers;
mod counts;
mod dashboards;
mod database;
mod debian;
mod docs_coverage;
mod files;
mod fuzz;
mod generate;
mod learn_costs;
mod lint;
mod load;
mod manifests;
mod module_circles;
mod module_tree;
mod monitoring;
mod npm;
mod prepare;
mod process;
mod python;
mod reaper;
mod release;
mod restarts;
mod schema;
mod secret_scan;
mod terminal;
mod test;
mod truth;
mod up;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test there is, with a database server of its own.
    ///
    /// Starts a database server on a free port, tests `schema-check/` and `web-playground/`, then the
    /// workspace, the page in Chromium included. Leaves nothing running.
    Test {
        /// Passed on to `cargo test`; given any, only `cargo test` is run.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Look up advisories of npm packages and crates, and check crates by `deny.toml`.
    ///
    /// High and critical ones fail, in packages for development, too. What cannot be looked up here is said and left out.
    Audit,
    /// Check format, clippy, rustdoc and TypeScript; warnings are errors, and so are Rust modules that need each other.
    Lint,
    /// Renew each subgraph's `.sqlx` from its migrations and queries.
    Prepare {
        /// Change nothing, and fail if anything would change.
        #[arg(long)]
        check: bool,
    },
    /// Renew the subgraphs' schemas, `supergraph.graphql`, `api.graphql`, `docs/permissions.md`,
    /// `docs/errors.md` and `operations/manifest.json`.
    Generate {
        /// Change nothing, and fail if anything would change.
        #[arg(long)]
        check: bool,
    },
    /// Start a server with all databases, migrated, for writing queries.
    ///
    /// Prints the addresses as `export` lines and runs until Ctrl-C; or runs a command with them set.
    Db {
        /// What to run, such as `-- psql`.
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Kill the whole system's processes again and again while students buy, and see that everything adds up.
    ///
    /// Starts each database, each subgraph and the router as separate processes, lets students buy
    /// courses, and kills processes, lets them die at chosen steps, and cuts their connections. Then counts.
    ///
    /// Before that it takes each database away in every way there is: killed, hanging, out of reach, gone without a word.
    Chaos(chaos::Options),
    /// Replace every process, one after the other, under load, and see that no request fails.
    ///
    /// Two routers and two of each subgraph, behind a distributor that asks who is ready.
    Restarts(restarts::Options),
    /// Attack an optimized `lyceum up`, by one client and by four, while others use it, and say what they notice.
    ///
    /// A table has, for each attack, what a stranger and a student waited, the memory, the processor's time, and the
    /// statements. Nothing else should run meanwhile.
    Attack(attack::Options),
    /// Measure an optimized `lyceum up` beside handlers that were written by hand for the same pages.
    ///
    /// Both are over the same databases, in turn: requests a second, waiting times, and the processor's time for each.
    /// First each page is compared: both have to give the same JSON. Nothing else should run meanwhile.
    ///
    /// With `--gateways`: Lyceum's router, with the subgraphs as separate processes, beside other gateways over the same ones.
    /// With `--curves`: how cost grows with connections, lists, steps, rows, cores and subscriptions.
    Bench(bench::Options),
    /// Let people use an optimized `lyceum up`, and say what holds them up: visitors, students, teachers.
    ///
    /// Seven of ten browse, two study, some of whom buy courses and follow live updates, and one teaches, each from a network
    /// address of their own, so that the limits are everybody's. A table has each of their requests; below it stands the
    /// bottleneck, by what `/metrics` says. Nothing else should run meanwhile.
    Load(load::Options),
    /// Count what each stored operation costs: statements, fetches, allocations and instructions. Renews `docs/counts.json`.
    ///
    /// Runs an unoptimized `lyceum up` under Valgrind, which as root on Debian it installs. Takes some minutes, and is no
    /// measurement of time: other programs may run meanwhile.
    Counts {
        /// Change nothing, and fail if anything costs over 5 % more than `docs/counts.json` says.
        #[arg(long)]
        check: bool,
    },
    /// Build the image, run `compose.yml`, and see that it behaves, from nothing to a purchase and back.
    ///
    /// Needs a Docker engine; as root on Debian it installs and starts one. Where the base images cannot be pulled,
    /// it makes stand-ins for them. Uses a project name, volumes and ports of its own.
    Containers(containers::Options),
    /// Validate `deploy/kubernetes` against the schemas of Kubernetes.
    Manifests,
    /// Ask a real Prometheus all that the dashboards and alerts of `deploy/monitoring` ask.
    ///
    /// Starts `lyceum up` on free ports, uses it, and lets Prometheus watch. Every panel must show something, and every
    /// alert must be of metrics that there are. As root on Debian it installs Prometheus, whose package also starts one
    /// as a service.
    Monitoring,
    /// Ask random operations, and compare each answer with that of a reference that shares no code with the system.
    ///
    /// The reference is graphql-js over the rows of the databases, and `docs/permissions.json`. A difference is
    /// made as small as it gets, and printed as a case to paste.
    Truth(truth::Options),
    /// Try random inputs on the functions that read what clients and services send.
    ///
    /// Needs a nightly compiler and cargo-fuzz. An input that breaks what must hold is kept in `fuzz/artifacts`.
    Fuzz(fuzz::Options),
    /// Learn from random queries what the graph's fields and types cost: `docs/costs.json`.
    ///
    /// Measures an optimized `lyceum up` with the full sample data, so nothing else should run meanwhile. Then looks at
    /// as many other queries how well the estimate foretells what they take, and draws `docs/cost.svg`.
    Costs(learn_costs::Options),
    /// Say what a change of the graph breaks, and whom: `schema check`. All commands: `schema help`.
    ///
    /// Without `--against` it compares with the main branch. Exit code 0: passed, 1: failed, 2: could not run.
    Schema {
        /// Passed on to `lyceum-schema`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run what `.ci/run` runs: lint, generate --check, schema check, prepare --check, test, audit.
    Ci,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    reaper::become_subreaper();
    let done = match arguments.task {
        // Its command owns the keyboard, Ctrl-C included.
        Task::Db { command } if !command.is_empty() => database::run(&command).await,
        task => until_interrupted(run(task)).await,
    };
    reaper::stop_children().await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(schema::Exited(code)) = error.downcast_ref() {
                return ExitCode::from(*code);
            }
            terminal::failure(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    match task {
        Task::Test { arguments } => test::run(&arguments).await,
        Task::Audit => audit::run().await,
        Task::Lint => lint::run().await,
        Task::Prepare { check } => prepare::run(check).await,
        Task::Generate { check } => generate::run(check).await,
        Task::Db { .. } => database::serve().await,
        Task::Schema { arguments } => schema::run(&arguments).await,
        Task::Containers(options) => containers::run(&options).await,
        Task::Manifests => manifests::run().await,
        Task::Monitoring => monitoring::run().await,
        Task::Chaos(options) => chaos::run(&options).await,
        Task::Attack(options) => attack::run(&options).await,
        Task::Counts { check } => counts::run(check).await,
        Task::Bench(options) => bench::run(&options).await,
        Task::Load(options) => load::run(&options).await,
        Task::Restarts(options) => restarts::run(&options).await,
        Task::Truth(options) => truth::run(&options).await,
        Task::Fuzz(options) => fuzz::run(&options).await,
        Task::Costs(options) => learn_costs::run(&options).await,
        Task::Ci => {
            lint::run().await?;
            generate::run(true).await?;
            schema::run(&["check".to_owned()]).await?;
            prepare::run(true).await?;
            test::run(&[]).await?;
            audit::run().await
        }
    }
}

/// Dropping the task stops its servers and processes.
async fn until_interrupted(task: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        done = task => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminated.recv() => bail!("terminated"),
    }
}
