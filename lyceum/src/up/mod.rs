//! `lyceum up`: the whole system on this machine, in one process and five `PostgreSQL` servers.

mod banner;
mod databases;
mod page;
mod people;

use std::{
    collections::BTreeMap,
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Result, anyhow};
use auth::{
    seal::SealKeys,
    signature::{RouterAuth, SecretSettings},
};
use clap::{Args, ValueEnum};
use db::database::DatabaseSettings;
use embedded_postgres::resolve_data_dir;
use messaging::{Bus, EventSettings};
use router::{
    AllowedHostsSettings, ClientAddressSettings, CostSettings, DocumentSettings, LiveSettings, Router, SubgraphUrl,
};
use serde::Serialize;
use service::{ClientTimeouts, ServiceContext, Subgraph, serve};
use subgraph_kit::ResponseSettings;
use tempfile::TempDir;
use tokio::{runtime::Handle, sync::oneshot, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::databases::Servers;
use crate::{
    open_files, seed, signals,
    subgraphs::{self, DatabaseUrls, Databases, OwnSettings, OwnerUrls},
    telemetry,
    terminal::Steps,
};

/// The settings of `lyceum up`.
#[expect(clippy::struct_excessive_bools, reason = "they are the command line's switches")]
#[derive(Args)]
pub struct Settings {
    /// Where databases, keys and logs are kept.
    #[arg(long, env = "LYCEUM_DATA_DIR", value_name = "DIRECTORY", default_value = ".lyceum")]
    data_dir: PathBuf,

    /// Port of the router and its playground.
    #[arg(long, env = "LYCEUM_PORT", default_value_t = 4000)]
    port: u16,

    /// Take free ports for everything, so that this system runs beside another one.
    #[arg(long)]
    free_ports: bool,

    /// Keep nothing: the data goes to a temporary directory, which is removed at the end.
    #[arg(long)]
    temporary: bool,

    /// Write the addresses of everything to this file, as JSON, when all is ready.
    #[arg(long, value_name = "FILE")]
    addresses: Option<PathBuf>,

    /// Stop when standard input ends, too: so nothing outlives the script that started it.
    #[arg(long)]
    stop_with_stdin: bool,

    /// How the router calls the subgraphs: by function call, or over HTTP as separate processes do.
    #[arg(long, env = "LYCEUM_TRANSPORT", value_enum, default_value_t = Transport::InProcess)]
    transport: Transport,

    /// Size of the data set that an empty system gets: 1 is 50,000 users and 100,000 courses. Databases that were given
    /// are left as they are; `lyceum seed` fills them.
    #[arg(long, default_value_t = 0.01, value_parser = seed::parse_scale)]
    seed_scale: f64,

    /// Leave an empty system empty.
    #[arg(long)]
    empty: bool,

    /// Answer only the documents of this manifest, which clients name by their ids: `{"documentId": "…"}` instead of a
    /// `query`. Everything else is refused, so the playground and introspection no longer work. Without FILE: the
    /// documents of `operations/`.
    #[arg(
        long,
        env = "LYCEUM_SAFELIST",
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "operations/manifest.json"
    )]
    safelist: Option<PathBuf>,

    /// A directory with the programs of PostgreSQL 16, instead of those from the npm registry.
    #[arg(long, env = "LYCEUM_POSTGRES_BIN", value_name = "DIRECTORY")]
    postgres_bin: Option<PathBuf>,

    #[command(flatten)]
    urls: DatabaseUrls,

    #[command(flatten)]
    owners: OwnerUrls,

    #[command(flatten)]
    database: DatabaseSettings,

    #[command(flatten)]
    own: OwnSettings,

    #[command(flatten)]
    allowed_hosts: AllowedHostsSettings,

    #[command(flatten)]
    client_address: ClientAddressSettings,

    #[command(flatten)]
    live: LiveSettings,

    #[command(flatten)]
    cost: CostSettings,

    #[command(flatten)]
    document: DocumentSettings,

    #[command(flatten)]
    pub client_timeouts: ClientTimeouts,

    #[command(flatten)]
    subgraph_responses: ResponseSettings,

    #[command(flatten)]
    responses: router::ResponseSettings,

    #[command(flatten)]
    events: EventSettings,

    #[command(flatten)]
    pub telemetry: telemetry::Settings,

    // Without one, each start makes its own and keeps it to itself.
    #[command(flatten)]
    secret: SecretSettings,
}

/// How the router calls the subgraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// By function call.
    InProcess,
    /// Over HTTP, on this machine.
    Http,
}

/// Where the parts of a running system are, for people and for scripts.
#[derive(Debug, Serialize)]
struct Addresses {
    router: String,
    jwks: Option<String>,
    metrics: Option<String>,
    subgraphs: BTreeMap<&'static str, String>,
    databases: BTreeMap<&'static str, String>,
    data: PathBuf,
}

/// The directories of a system.
struct DataDirs {
    /// Where PostgreSQL's programs are kept.
    programs: PathBuf,
    /// Where databases, keys and logs are kept.
    data: PathBuf,
    _temporary: Option<TempDir>,
}

impl DataDirs {
    fn resolve(settings: &Settings) -> Result<Self> {
        let programs = resolve_data_dir(&settings.data_dir)?;
        let temporary = settings.temporary.then(temporary_directory).transpose()?;
        let data = temporary.as_ref().map_or_else(|| programs.clone(), |directory| directory.path().to_owned());
        Ok(Self { programs, data, _temporary: temporary })
    }
}

/// Open to the user whom root runs the databases as.
fn temporary_directory() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("lyceum-").permissions(Permissions::from_mode(0o755)).tempdir()
}

/// Runs it until the process is told to stop.
pub async fn run(mut settings: Settings) -> Result<()> {
    settings.secret = settings.secret.or_random();
    // A wrong one is to be known before anything is started.
    settings.secret.secrets()?;
    if let Some(manifest) = &settings.safelist {
        router::require_safelist(manifest)?;
    }
    open_files::raise();
    let stop = signals::cancel_on_signal()?;
    if settings.stop_with_stdin {
        signals::cancel_on_stdin_end(&stop);
    }
    let steps = Steps::new();
    let dirs = DataDirs::resolve(&settings)?;

    let servers = tokio::select! {
        servers = databases::start(&settings, &dirs, &steps) => servers?,
        () = stop.cancelled() => return Ok(()),
    };
    let outcome = tokio::select! {
        outcome = serve_over(&servers, &settings, &dirs, &steps, stop.clone()) => outcome,
        died = servers.died() => Err(died),
    };
    servers.stop().await;
    outcome
}

async fn serve_over(
    servers: &Servers,
    settings: &Settings,
    dirs: &DataDirs,
    steps: &Steps,
    stop: CancellationToken,
) -> Result<()> {
    let (databases, page) = tokio::select! {
        prepared = async { tokio::try_join!(prepare(servers, settings, steps), page::build(steps)) } => prepared?,
        () = stop.cancelled() => return Ok(()),
    };
    let people = people::find(databases.get(&identity::DEFINITION)).await?;

    let graph = Graph::start(&databases, settings, &dirs.data, stop.clone()).await?;
    let router = RouterThread::start(settings, &graph, page, people.clone(), stop.clone())?;
    let addresses = Addresses {
        router: format!("http://localhost:{}", router.port),
        subgraphs: graph.urls(),
        databases: servers.owners_by_name(),
        jwks: graph.jwks_url(),
        metrics: telemetry::metrics_url(),
        data: dirs.data.clone(),
    };
    tokio::select! {
        () = banner::wait_until_ready(router.port) => {}
        () = stop.cancelled() => {}
    }
    if !stop.is_cancelled() {
        banner::show(&addresses, &people, settings.safelist.as_deref());
        if let Some(file) = &settings.addresses {
            banner::write(&addresses, file)?;
        }
    }

    let outcome = router.ended.await.map_err(|_| anyhow!("the router's thread broke off"));
    graph.finish().await?;
    databases.close().await;
    outcome?
}

/// Up-to-date databases, with data in them if they were empty, as the subgraphs see them: from then on nobody here owns
/// anything.
async fn prepare(servers: &Servers, settings: &Settings, steps: &Steps) -> Result<Databases> {
    let databases = steps
        .run("Databases up to date", async |_| {
            let owned = Databases::open(servers.owners(), &settings.database).await?;
            for subgraph in subgraphs::ALL {
                subgraphs::provision(subgraph, owned.get(subgraph), servers.app_role(subgraph)?).await?;
            }
            anyhow::Ok(owned)
        })
        .await?;
    let options = seed::Options { scale: settings.seed_scale, ..seed::Options::default() };
    let may_seed = !settings.empty && settings.urls.is_none();
    let seeded = seed::Databases::of(&databases);
    if may_seed && seed::is_wanted(&seeded, &options).await? {
        seed::run(&seeded, &options, &steps.seed_progress()).await?;
        // Only here: an address that somebody registered is no proof that these are sample data.
        people::add_admin(&seeded.identity).await?;
    }
    databases.close().await;
    Databases::open(servers.urls(), &settings.database).await
}

/// The subgraphs, answering on ports of their own.
struct Graph {
    subgraphs: Vec<(Subgraph, SocketAddr)>,
    serving: JoinSet<()>,
}

impl Graph {
    async fn start(databases: &Databases, settings: &Settings, dirs: &Path, stop: CancellationToken) -> Result<Self> {
        let mut own = settings.own.clone();
        let verifier = own.sign_with(subgraphs::open_keys(&dirs.join("keys"), own.identity())?);
        let secrets = settings.secret.secrets()?;
        // All subgraphs are here, so nobody else has to know the secret of their seals.
        let seals = SealKeys::random();
        let context = ServiceContext::open(verifier, &settings.events, secrets.clone(), seals).await?;
        let context = ServiceContext { own: own.0, ..context };
        let mut graph = Self { subgraphs: Vec::new(), serving: JoinSet::new() };
        for definition in subgraphs::ALL {
            let port = if settings.free_ports { 0 } else { definition.port };
            let listener = subgraphs::listen(SocketAddr::from(([127, 0, 0, 1], port))).await?;
            let address = listener.local_addr()?;
            let db = databases.get(definition).clone();
            let auth = RouterAuth::for_address(address, secrets.clone(), false)?;
            let (subgraph, routes) =
                subgraphs::assemble(definition, db, &context, auth, settings.subgraph_responses).await?;
            graph.serving.spawn(serve::serve(listener, routes, settings.client_timeouts, stop.clone().into()));
            context.peers.add(subgraph.clone());
            graph.subgraphs.push((subgraph, address));
        }
        graph.work(&context.bus, &settings.events, &stop);
        Ok(graph)
    }

    /// Only now: whoever is told something may ask any of the others.
    fn work(&mut self, bus: &Bus, settings: &EventSettings, stop: &CancellationToken) {
        for (subgraph, _) in &self.subgraphs {
            let (subgraph, bus, settings, stop) = (subgraph.clone(), bus.clone(), settings.clone(), stop.clone());
            self.serving.spawn(async move { subgraph.run_background(bus, settings, stop).await });
        }
    }

    fn urls(&self) -> BTreeMap<&'static str, String> {
        self.subgraphs
            .iter()
            .map(|(subgraph, address)| (subgraph.name(), format!("http://{address}/graphql")))
            .collect()
    }

    fn jwks_url(&self) -> Option<String> {
        let (_, identity) = self.subgraphs.iter().find(|(it, _)| it.name() == identity::DEFINITION.name)?;
        Some(format!("http://{identity}/.well-known/jwks.json"))
    }

    async fn finish(mut self) -> Result<()> {
        while let Some(ended) = self.serving.join_next().await {
            ended?;
        }
        Ok(())
    }
}

/// The router, on a thread with the runtime that it brings along.
struct RouterThread {
    port: u16,
    ended: oneshot::Receiver<Result<()>>,
}

impl RouterThread {
    fn start(
        settings: &Settings,
        graph: &Graph,
        page: PathBuf,
        people: Vec<router::SampleSignIn>,
        stop: CancellationToken,
    ) -> Result<Self> {
        let router = Router::bind(&router::Settings {
            port: Some(if settings.free_ports { 0 } else { settings.port }),
            jwks_url: graph.jwks_url(),
            subgraph_urls: graph
                .urls()
                .into_iter()
                .map(|(name, url)| SubgraphUrl { name: name.to_owned(), url })
                .collect(),
            playground: page,
            safelist: settings.safelist.clone(),
            development: true,
            samples: people,
            allowed_hosts: settings.allowed_hosts.clone(),
            client_address: settings.client_address.clone(),
            live: settings.live,
            cost: settings.cost.clone(),
            document: settings.document,
            client_timeouts: settings.client_timeouts,
            responses: settings.responses,
            in_process: match settings.transport {
                Transport::InProcess => graph.subgraphs.iter().map(|(subgraph, _)| subgraph.clone()).collect(),
                Transport::Http => Vec::new(),
            },
            runtime: Some(Handle::current()),
            secret: settings.secret.clone(),
            ..router::Settings::default()
        })?;

        let port = router.address().port();
        let (send, ended) = oneshot::channel();
        thread::Builder::new().name("router".to_owned()).spawn(move || {
            let outcome = router.run(stop.clone().into());
            // A router that fails takes the rest along.
            stop.cancel();
            // Nobody listens only if the process is on its way out.
            let _ = send.send(outcome);
        })?;
        Ok(Self { port, ended })
    }
}
