//! `lyceum up`: the whole system on this machine, in one process and one `PostgreSQL` server per database.

mod addresses;
mod banner;
mod client_config;
mod data_dirs;
mod databases;
mod explain;
mod mailbox;
mod page;
mod people;
mod seals;
mod settings;

use std::{collections::BTreeMap, net::SocketAddr, path::Path, thread};

use anyhow::{Result, anyhow};
use auth::signature::RouterAuth;
use identity::mail::PublicUrl;
use messaging::{EventBus, EventSettings};
use router::{Router, SubgraphUrl};
use service::{ServiceContext, Subgraph, serve};
use tokio::{runtime::Handle, sync::oneshot, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use self::settings::Settings;
use self::{addresses::Addresses, data_dirs::DataDirs, databases::Servers, page::Pages, settings::Transport};
use crate::{
    open_files, seed, signals,
    subgraphs::{self, Databases},
    telemetry,
    terminal::{self, Steps},
};

/// Runs the system until shutdown.
pub async fn run(mut settings: Settings) -> Result<()> {
    if settings.client_config {
        terminal::line(client_config::of(settings.port).trim_end());
        return Ok(());
    }
    settings.secret = settings.secret.or_random();
    // Checked before anything is started.
    settings.secret.secrets()?;
    if let Some(manifest) = &settings.safelist {
        router::require_safelist(manifest)?;
    }
    if let Some(file) = &settings.router_config {
        router::require_development_config(file)?;
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
    let (databases, pages) = tokio::select! {
        prepared = async { tokio::try_join!(prepare(servers, settings, steps), page::build(settings, steps)) } => prepared?,
        () = stop.cancelled() => return Ok(()),
    };
    let people = people::find(databases.get(&identity::DEFINITION)).await?;

    let (playground, storefront) = (pages.playground.is_some(), pages.storefront.is_some());
    let front_end = PublicUrl::default();
    let graph = Graph::start(&databases, settings, front_end.clone(), &dirs.data, stop.clone()).await?;
    let mailbox = mailbox::open(databases.get(&identity::DEFINITION), settings);
    let development = Development { people: people.clone(), mailbox, explain: explain::open(&databases, settings) };
    let router = RouterThread::start(settings, &graph, pages, development, stop.clone())?;
    front_end.set(format!("http://localhost:{}{}", router.port, if storefront { "/store" } else { "" }));
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
        let schema = banner::is_schema_public(router.port).await;
        let shown = banner::BannerOptions { playground, storefront, schema, safelist: settings.safelist.as_deref() };
        banner::show(&addresses, &people, &shown);
        if let Some(file) = &settings.addresses {
            addresses.write(file)?;
        }
    }

    let outcome = router.ended.await.map_err(|_| anyhow!("the router's thread panicked"));
    graph.finish().await?;
    databases.close().await;
    outcome?
}

/// Migrates the databases, seeds them if they are empty, and connects as the application roles: from then on the
/// process has no owner's privileges.
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
    let seeded = seed::SeedDatabases::of(|subgraph| databases.get(subgraph));
    if may_seed && seed::is_wanted(&seeded, &options).await? {
        seed::run(&seeded, &options, &steps.seed_progress()).await?;
        // Only here: an existing account of this address does not prove that the data is the sample data.
        people::add_admin(&seeded.identity).await?;
    }
    databases.close().await;
    Databases::open(servers.urls(), &settings.database).await
}

/// The subgraphs, each serving on a port of its own.
struct Graph {
    subgraphs: Vec<(Subgraph, SocketAddr)>,
    serving: JoinSet<()>,
}

impl Graph {
    async fn start(
        databases: &Databases,
        settings: &Settings,
        front_end: PublicUrl,
        dirs: &Path,
        stop: CancellationToken,
    ) -> Result<Self> {
        let mut own = settings.own.clone();
        own.default_front_end(front_end);
        let verifier = own.sign_with(subgraphs::open_keys(&dirs.join("keys"), own.identity())?);
        let secrets = settings.secret.secrets()?;
        let seals = seals::open(dirs)?;
        let context = ServiceContext::open(verifier, &settings.events, secrets.clone(), seals).await?;
        let mut graph = Self { subgraphs: Vec::new(), serving: JoinSet::new() };
        for definition in subgraphs::ALL {
            let port = if settings.free_ports { 0 } else { definition.port };
            let listener = subgraphs::listen(SocketAddr::from(([127, 0, 0, 1], port))).await?;
            let address = listener.local_addr()?;
            let db = databases.get(definition).clone();
            let auth = RouterAuth::for_address(address, secrets.clone(), false)?;
            let context = ServiceContext { own: own.of(definition), ..context.clone() };
            let (subgraph, routes) =
                subgraphs::assemble(definition, db, &context, auth, settings.subgraph_responses).await?;
            graph.serving.spawn(serve::serve(listener, routes, settings.client_timeouts, stop.clone().into()));
            context.peers.add(subgraph.clone());
            graph.subgraphs.push((subgraph, address));
        }
        graph.work(&context.event_bus, &settings.events, &stop);
        Ok(graph)
    }

    /// Starts event handling last: a handler may query any of the other subgraphs.
    fn work(&mut self, event_bus: &EventBus, settings: &EventSettings, stop: &CancellationToken) {
        for (subgraph, _) in &self.subgraphs {
            let (subgraph, event_bus, settings, stop) =
                (subgraph.clone(), event_bus.clone(), settings.clone(), stop.clone());
            self.serving.spawn(async move { subgraph.run_background(event_bus, settings, stop).await });
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

/// What the playground offers in development only.
struct Development {
    people: Vec<router::SampleSignIn>,
    mailbox: Option<router::Mailbox>,
    explain: Option<router::Explain>,
}

/// The router, on a thread for its own runtime.
struct RouterThread {
    port: u16,
    ended: oneshot::Receiver<Result<()>>,
}

impl RouterThread {
    fn start(
        settings: &Settings,
        graph: &Graph,
        pages: Pages,
        development: Development,
        stop: CancellationToken,
    ) -> Result<Self> {
        let router = Router::bind(&router::Settings {
            config: settings.router_config.clone(),
            port: Some(if settings.free_ports { 0 } else { settings.port }),
            jwks_url: graph.jwks_url(),
            subgraph_urls: graph
                .urls()
                .into_iter()
                .map(|(name, url)| SubgraphUrl { name: name.to_owned(), url })
                .collect(),
            playground: pages.playground.unwrap_or_default(),
            storefront: pages.storefront,
            safelist: settings.safelist.clone(),
            contract: settings.contract,
            development: true,
            samples: development.people,
            mailbox: development.mailbox,
            explain: development.explain,
            allowed_hosts: settings.allowed_hosts.clone(),
            cors: settings.cors.clone(),
            client_address: settings.client_address.clone(),
            live: settings.live,
            cost: settings.cost.clone(),
            document: settings.document.clone(),
            usage: settings.usage.clone(),
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
            // A router that fails stops the rest, too.
            stop.cancel();
            // There is no receiver only if the process is exiting.
            let _ = send.send(outcome);
        })?;
        Ok(Self { port, ended })
    }
}
