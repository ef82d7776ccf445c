//! The command line: one binary for the whole system and for each of its processes.

mod admin;
mod command_line;
mod costs;
mod health;
mod open_files;
mod plan;
mod seed;
mod signals;
mod subgraphs;
mod telemetry;
mod terminal;
mod up;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use db::database::DatabaseSettings;
use router::Router;
use service::{ClientTimeouts, SubgraphDefinition};
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Runtime;

use crate::{
    subgraphs::{DatabaseUrls, Databases, OwnerUrls, name_parser},
    telemetry::Telemetry,
};

/// Returns unused memory to the system, as configured in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Lyceum: the back end of an online-course platform as one federated GraphQL graph.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole system on this machine: all subgraphs with their databases, the router, the playground.
    Up(Box<up::Settings>),
    /// Run one subgraph as a separate process.
    Subgraph(Box<subgraphs::Settings>),
    /// Run the router as a separate process.
    Router(Box<RouterSettings>),
    /// Apply pending migrations to the databases.
    Migrate {
        /// The subgraphs whose databases to migrate. Default: all.
        #[arg(value_parser = name_parser())]
        subgraphs: Vec<&'static SubgraphDefinition>,
        #[command(flatten)]
        urls: DatabaseUrls,
        #[command(flatten)]
        owners: OwnerUrls,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Fill the databases with sample data.
    Seed {
        #[command(flatten)]
        options: seed::Options,
        #[command(flatten)]
        urls: DatabaseUrls,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Administer the system: admins, teachers, tokens for scripts, signing keys, events, reconciliation.
    Admin(Box<admin::Settings>),
    /// Print a subgraph's schema as SDL.
    Sdl {
        /// The name of the subgraph.
        #[arg(value_parser = name_parser())]
        subgraph: &'static SubgraphDefinition,
    },
    /// Check whether a process can serve requests; the exit code is 0 if it can.
    Health(health::Settings),
    /// Print how many requests to subgraphs the router needs for an operation, and how many sequential steps.
    ///
    /// Prints JSON: for each file, in order, `{"fetches": 2, "steps": 2}` or `{"error": "…"}`.
    Plan(plan::Settings),
}

/// The settings of a router that runs alone.
#[derive(Args)]
struct RouterSettings {
    #[command(flatten)]
    router: router::Settings,

    #[command(flatten)]
    telemetry: telemetry::Settings,
}

fn main() -> ExitCode {
    match run(command_line::parse::<CommandLine>().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    router::use_one_tls_library();
    let runtime = Runtime::new()?;
    let telemetry = start_telemetry(&command, &runtime)?;
    let outcome = execute(command, &runtime);
    telemetry.end();
    // A thread that is blocked on standard input must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

fn start_telemetry(command: &Command, runtime: &Runtime) -> anyhow::Result<Telemetry> {
    let nothing = telemetry::Settings::default();
    let (settings, timeouts, service, level) = match command {
        Command::Up(settings) => (&settings.telemetry, settings.client_timeouts, "lyceum", "warn"),
        // The NATS library logs each attempt to connect.
        Command::Subgraph(settings) => {
            (&settings.telemetry, settings.client_timeouts, settings.subgraph.name, "info,async_nats=warn")
        }
        // ntex, beneath the router, logs each worker, and hive-router each request.
        Command::Router(settings) => (
            &settings.telemetry,
            settings.router.client_timeouts,
            "router",
            "info,router::request=warn,ntex_rt=warn,ntex_server=warn,ntex_net=warn",
        ),
        _ => (&nothing, ClientTimeouts::default(), "lyceum", "warn"),
    };
    telemetry::start(settings, service, level, runtime, timeouts)
}

fn execute(command: Command, runtime: &Runtime) -> anyhow::Result<()> {
    match command {
        Command::Up(settings) => runtime.block_on(up::run(*settings)),
        Command::Subgraph(settings) => runtime.block_on(subgraphs::serve(*settings)),
        Command::Router(settings) => {
            let router = Router::bind(&settings.router)?;
            open_files::raise_for_router(router.max_live_connections());
            router.run(signals::shutdown_on_signal_in(runtime, settings.router.shutdown.drain_period())?)
        }
        Command::Migrate { subgraphs: named, urls, owners, database } => {
            runtime.block_on(subgraphs::migrate(&named, &urls, owners, &database))
        }
        Command::Seed { options, urls, database } => runtime.block_on(fill(&options, &urls, &database)),
        Command::Admin(settings) => runtime.block_on(admin::run(*settings)),
        Command::Sdl { subgraph } => {
            terminal::line(subgraphs::sdl(subgraph)?.trim_end());
            Ok(())
        }
        Command::Health(settings) => runtime.block_on(health::run(&settings)),
        Command::Plan(settings) => plan::run(&settings),
    }
}

async fn fill(options: &seed::Options, urls: &DatabaseUrls, settings: &DatabaseSettings) -> anyhow::Result<()> {
    let databases = Databases::open(urls, settings).await?;
    let summary =
        seed::run(&seed::SeedDatabases::of(|subgraph| databases.get(subgraph)), options, &seed::Progress::detect())
            .await?;
    terminal::line(&summary);
    Ok(())
}
