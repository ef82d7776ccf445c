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
mod failures;
mod files;
mod fuzz;
mod generate;
mod ladder;
mod learn_costs;
mod lint;
mod load;
mod manifests;
mod module_cycles;
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
    /// Run all tests, with a temporary database server.
    ///
    /// Starts a database server on a free port, tests the TypeScript parts, then the workspace, including
    /// the playground and the storefront in Chromium and the usual clients. Stops everything at the end.
    Test {
        /// Also test what takes minutes to build: the client in Rust.
        #[arg(long)]
        long: bool,
        /// Arguments for `cargo test`. If there are any, only `cargo test` is run.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Audit npm packages and crates for security advisories, and check crates by `deny.toml`.
    ///
    /// High and critical advisories fail, also in development dependencies. Checks whose registry cannot be reached are
    /// skipped with a note.
    Audit,
    /// Check formatting, clippy, rustdoc and TypeScript. Warnings are errors, and so are circular dependencies of Rust
    /// modules.
    Lint,
    /// Regenerate each subgraph's `.sqlx` from its migrations and queries.
    Prepare {
        /// Change nothing, and fail if a file would change.
        #[arg(long)]
        check: bool,
    },
    /// Regenerate the subgraphs' schemas, `supergraph.graphql` and those of contracts, `api.graphql`,
    /// `docs/permissions.md`, `docs/errors.md` and `operations/manifest.json`.
    Generate {
        /// Change nothing, and fail if a file would change.
        #[arg(long)]
        check: bool,
    },
    /// Start a server with all migrated databases, for development.
    ///
    /// Prints the database URLs as `export` lines and runs until Ctrl-C; or runs a command with these variables set.
    Db {
        /// The command to run, such as `-- psql`.
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Inject faults into a running system while students buy courses, and check its invariants.
    ///
    /// Runs each database, each subgraph and the router as a separate process. While students buy courses, it kills
    /// processes, crashes them at failpoints, and cuts their connections. Then it compares payments and enrollments.
    ///
    /// Before that, it makes each database unavailable in several ways: killed, hanging, unreachable, silently
    /// disconnected.
    Chaos(chaos::Options),
    /// Replace all processes under load, one after the other, and check that no request fails.
    ///
    /// Runs two routers and two instances of each subgraph, behind a load balancer that checks `/ready`.
    Restarts(restarts::Options),
    /// Run the same suite on ever larger systems, from one process to replicas behind a load balancer with TLS, NATS
    /// and Valkey.
    ///
    /// On each rung students buy courses while processes are replaced and engines are killed; then all operations,
    /// permissions and limits are checked. Prints a table of failed requests, seconds without responses, and lost and
    /// doubled purchases. The rungs are described in `docs/scaling.md`.
    Ladder(ladder::Options),
    /// Attack an optimized `lyceum up` with one client and with four, and measure the effect on other clients.
    ///
    /// The table shows for each attack the latency for an anonymous client and a student, the memory, the CPU time, and
    /// the statements. Run nothing else meanwhile.
    Attack(attack::Options),
    /// Benchmark an optimized `lyceum up` against handlers that are hand-written for the same pages.
    ///
    /// Both use the same databases, in turn. Reports requests per second, latency, and CPU time per request. First it
    /// checks that both return the same JSON for each page. Run nothing else meanwhile.
    ///
    /// With `--gateways`: Lyceum's router against other gateways, with the same subgraphs as separate processes. With
    /// `--curves`: how cost grows with connections, lists, steps, rows, cores and subscriptions.
    Bench(bench::Options),
    /// Load-test an optimized `lyceum up` with simulated visitors, students and teachers, and find the bottleneck.
    ///
    /// Of ten users, seven browse, two study (some of them buy courses and subscribe to live updates), and one teaches.
    /// Each has a separate network address, so that limits apply to each. The table lists their requests and the
    /// bottleneck according to `/metrics`. Run nothing else meanwhile.
    Load(load::Options),
    /// Count the statements, fetches, allocations and instructions of each stored operation, and update
    /// `docs/counts.json`.
    ///
    /// Runs an unoptimized `lyceum up` under Valgrind, which it installs if it runs as root on Debian. Takes a few
    /// minutes. The counts do not depend on time: other programs may run meanwhile.
    Counts {
        /// Change nothing, and fail if a count exceeds `docs/counts.json` by more than 5 %.
        #[arg(long)]
        check: bool,
    },
    /// Build the image, run `compose.yml`, and test it end to end, with a purchase and restarts.
    ///
    /// Needs a Docker engine; as root on Debian it installs and starts one. Base images that cannot be pulled are
    /// replaced by local ones. Uses a separate project name, volumes and ports.
    Containers(containers::Options),
    /// Validate `deploy/kubernetes` against the Kubernetes schemas.
    Manifests,
    /// Run all queries of the dashboards and alerts in `deploy/monitoring` on a real Prometheus.
    ///
    /// Starts `lyceum up` on free ports, sends requests to it, and has Prometheus scrape it. Every panel must show
    /// data, and every alert must use existing metrics. As root on Debian it installs Prometheus, whose package also
    /// starts it as a service.
    Monitoring,
    /// Run random operations, and compare each response with that of an independent reference implementation.
    ///
    /// The reference uses graphql-js on the rows of the databases, and `docs/permissions.json`. A failing operation is
    /// minimized, and printed as a test case.
    Truth(truth::Options),
    /// Fuzz the functions that parse what clients and services send.
    ///
    /// Needs a nightly compiler and cargo-fuzz. Failing inputs are kept in `fuzz/artifacts`.
    Fuzz(fuzz::Options),
    /// Learn the costs of the graph's fields and types from random queries, and update `docs/costs.json`.
    ///
    /// Measures an optimized `lyceum up` with the full sample data: run nothing else meanwhile. Then validates the
    /// estimates on as many other queries, and draws `docs/cost.svg`.
    Costs(learn_costs::Options),
    /// Check which clients a change of the graph breaks: `schema check`. All commands: `schema help`.
    ///
    /// Without `--against` it compares with the main branch. Exit codes: 0 passed, 1 failed, 2 could not run.
    Schema {
        /// Arguments for `lyceum-schema`.
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
        Task::Test { long, arguments } => test::run(&arguments, long).await,
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
        Task::Ladder(options) => Box::pin(ladder::run(&options)).await,
        Task::Truth(options) => truth::run(&options).await,
        Task::Fuzz(options) => fuzz::run(&options).await,
        Task::Costs(options) => learn_costs::run(&options).await,
        Task::Ci => {
            lint::run().await?;
            generate::run(true).await?;
            schema::run(&["check".to_owned()]).await?;
            prepare::run(true).await?;
            test::run(&[], false).await?;
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
