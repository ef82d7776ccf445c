//! The settings of `lyceum up`.

use std::path::PathBuf;

use auth::signature::SecretSettings;
use clap::{Args, ValueEnum};
use db::database::DatabaseSettings;
use messaging::EventSettings;
use router::{
    AllowedHostsSettings, ClientAddressSettings, Contract, CorsSettings, CostSettings, DocumentSettings, LiveSettings,
    UsageSettings,
};
use service::ClientTimeouts;
use subgraph_kit::ResponseSettings;

use crate::{
    seed,
    subgraphs::{DatabaseUrls, OwnerUrls, SubgraphSettings},
    telemetry,
};

/// The settings of `lyceum up`.
#[expect(clippy::struct_excessive_bools, reason = "they are the command line's switches")]
#[derive(Args)]
pub struct Settings {
    /// The directory of databases, keys and logs.
    #[arg(long, env = "LYCEUM_DATA_DIR", value_name = "DIRECTORY", default_value = ".lyceum")]
    pub data_dir: PathBuf,

    /// The port of the router and its playground.
    #[arg(long, env = "LYCEUM_PORT", default_value_t = 4000)]
    pub port: u16,

    /// A file of changes to the router's built-in configuration. It has only what differs.
    #[arg(long, env = "LYCEUM_ROUTER_CONFIG", value_name = "FILE")]
    pub router_config: Option<PathBuf>,

    /// Print a configuration of GraphQL Code Generator for this system, for a front end in TypeScript, and exit. It
    /// names the system's port, which with `--free-ports` nobody knows before the start.
    #[arg(long, conflicts_with = "free_ports")]
    pub client_config: bool,

    /// Use free ports for everything, so that this system can run beside another one.
    #[arg(long)]
    pub free_ports: bool,

    /// Keep no data: use a temporary directory, which is removed at the end.
    #[arg(long)]
    pub temporary: bool,

    /// Write all addresses to this file, as JSON, when the system is ready.
    #[arg(long, value_name = "FILE")]
    pub addresses: Option<PathBuf>,

    /// Also stop when standard input is closed, so that nothing outlives the script that started it.
    #[arg(long)]
    pub stop_with_stdin: bool,

    /// How the router sends requests to the subgraphs: by function call, or over HTTP like separate processes.
    #[arg(long, env = "LYCEUM_TRANSPORT", value_enum, default_value_t = Transport::InProcess)]
    pub transport: Transport,

    /// The size of the sample data for an empty system: 1 is 50,000 users and 100,000 courses. Databases whose URLs are
    /// set are not filled; `lyceum seed` fills them.
    #[arg(long, default_value_t = 0.01, value_parser = seed::parse_scale)]
    pub seed_scale: f64,

    /// Do not fill an empty system with sample data.
    #[arg(long)]
    pub empty: bool,

    /// Serve only the stored operations of this manifest, by id: clients send `{"documentId": "…"}` instead of a
    /// `query`. All other requests are rejected, the playground's and introspection included. Default of FILE: the
    /// manifest of `operations/`.
    #[arg(
        long,
        env = "LYCEUM_SAFELIST",
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "operations/manifest.json"
    )]
    pub safelist: Option<PathBuf>,

    /// Serve part of the graph, as if there was no more: a contract of `contracts.yaml`. There is no playground then,
    /// because it shows the whole graph.
    #[arg(long, env = "LYCEUM_CONTRACT", value_name = "NAME", value_enum)]
    pub contract: Option<Contract>,

    /// The directory with the programs of PostgreSQL 16, instead of those from the npm registry.
    #[arg(long, env = "LYCEUM_POSTGRES_BIN", value_name = "DIRECTORY")]
    pub postgres_bin: Option<PathBuf>,

    #[command(flatten)]
    pub urls: DatabaseUrls,

    #[command(flatten)]
    pub owners: OwnerUrls,

    #[command(flatten)]
    pub database: DatabaseSettings,

    #[command(flatten)]
    pub own: SubgraphSettings,

    #[command(flatten)]
    pub allowed_hosts: AllowedHostsSettings,

    #[command(flatten)]
    pub cors: CorsSettings,

    #[command(flatten)]
    pub client_address: ClientAddressSettings,

    #[command(flatten)]
    pub live: LiveSettings,

    #[command(flatten)]
    pub cost: CostSettings,

    #[command(flatten)]
    pub document: DocumentSettings,

    #[command(flatten)]
    pub usage: UsageSettings,

    #[command(flatten)]
    pub client_timeouts: ClientTimeouts,

    #[command(flatten)]
    pub subgraph_responses: ResponseSettings,

    #[command(flatten)]
    pub responses: router::ResponseSettings,

    #[command(flatten)]
    pub events: EventSettings,

    #[command(flatten)]
    pub telemetry: telemetry::Settings,

    // Without one, each start generates its own.
    #[command(flatten)]
    pub secret: SecretSettings,
}

/// How the router sends requests to the subgraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// By function call.
    InProcess,
    /// Over HTTP, on this machine.
    Http,
}
