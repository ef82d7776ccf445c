//! The subgraphs: their schemas, their databases, and each as a separate process.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Error, Result};
use auth::{
    seal::SealSettings,
    signature::{RouterAuth, SecretSettings, Secrets},
    token::Verifier,
};
use clap::{
    Arg, ArgMatches, Args, Command, FromArgMatches,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use db::{
    DbPool, availability, connect,
    database::{ConnectionError, DatabaseSettings, MigrationError, Urls},
    roles::AppRole,
};
use futures::future::{join_all, try_join_all};
use http::Extensions;
use identity::{IdentitySettings, Keys, export::download::Downloads, mail::PublicUrl};
use messaging::EventSettings;
use router::SubgraphUrl;
use service::{
    ClientTimeouts, ServiceContext, Shutdown, ShutdownSettings, Subgraph, SubgraphDefinition, peers,
    serve::{self, LateRoutes},
};
use subgraph_kit::ResponseSettings;
use tokio::{join, net::TcpListener, select, time::sleep, try_join};
use tracing::{info, warn};

use crate::{costs, open_files, signals, telemetry};

/// All subgraphs, in the order in which they start.
pub static ALL: [&SubgraphDefinition; 5] = [
    &identity::DEFINITION,
    &course::DEFINITION,
    &enrollment::DEFINITION,
    &payment::DEFINITION,
    &notification::DEFINITION,
];

/// Parses a subgraph's name.
pub fn name_parser() -> impl TypedValueParser<Value = &'static SubgraphDefinition> {
    let names = ALL.map(|definition| PossibleValue::new(definition.name).help(definition.about));
    PossibleValuesParser::new(names).try_map(|name| find(&name).context("unknown subgraph"))
}

fn find(name: &str) -> Option<&'static SubgraphDefinition> {
    ALL.into_iter().find(|definition| definition.name == name)
}

/// Database URLs by subgraph.
#[derive(Clone, Debug, Default)]
pub struct DatabaseUrls(BTreeMap<&'static str, String>);

impl DatabaseUrls {
    /// The URL of a subgraph's database, if given.
    pub fn get(&self, subgraph: &SubgraphDefinition) -> Option<&str> {
        self.0.get(subgraph.name).map(String::as_str)
    }

    /// Whether no URL was given.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the URL of a subgraph's database.
    pub fn set(&mut self, subgraph: &SubgraphDefinition, url: String) {
        self.0.insert(subgraph.name, url);
    }

    /// These URLs, with `others` as defaults.
    pub fn or(self, others: &Self) -> Self {
        let mut urls = others.0.clone();
        urls.extend(self.0);
        Self(urls)
    }

    fn require(&self, subgraph: &SubgraphDefinition) -> Result<&str> {
        self.get(subgraph).with_context(|| {
            let SubgraphDefinition { name, .. } = subgraph;
            format!(
                "the database of {name} is not configured: set {}_DATABASE_URL or --{name}-database-url (`lyceum up --addresses FILE` writes the URLs of a running system)",
                name.to_uppercase()
            )
        })
    }

    /// Adds an option per subgraph, whose name ends with `suffix`.
    fn options(command: Command, suffix: &str, help: impl Fn(&str) -> String) -> Command {
        ALL.into_iter().fold(command, |command, SubgraphDefinition { name, .. }| {
            let option = Arg::new(option_id(name, suffix))
                .long(format!("{name}-{suffix}"))
                .env(option_id(name, suffix).to_uppercase())
                .hide_env_values(true)
                .value_name("URL")
                .help(help(name));
            command.arg(option)
        })
    }

    /// Reads the options. An empty value, as from a script's unset variable, counts as not given.
    fn read(matches: &ArgMatches, suffix: &str) -> Self {
        let given = ALL.into_iter().filter_map(|SubgraphDefinition { name, .. }| {
            let url = matches.get_one::<String>(&option_id(name, suffix))?;
            Some((*name, url.clone())).filter(|(_, url)| !url.is_empty())
        });
        Self(given.collect())
    }
}

fn option_id(name: &str, suffix: &str) -> String {
    format!("{name}_{}", suffix.replace('-', "_"))
}

/// Implements `clap::Args` for options that are made from the definitions of the subgraphs.
macro_rules! subgraph_options {
    ($type:ty, $augment:expr, $read:expr) => {
        impl Args for $type {
            fn augment_args(command: Command) -> Command {
                ($augment)(command)
            }

            fn augment_args_for_update(command: Command) -> Command {
                ($augment)(command)
            }
        }

        impl FromArgMatches for $type {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                ($read)(matches)
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

const URL: &str = "database-url";
const OWNER_URL: &str = "database-owner-url";
const DIRECT_URL: &str = "database-direct-url";

subgraph_options!(
    DatabaseUrls,
    |command| Self::options(command, URL, |name| {
        format!("The URL of {name}'s database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`")
    }),
    |matches| Ok(Self::read(matches, URL))
);

/// Database URLs of the roles that own the tables.
#[derive(Clone, Debug, Default)]
pub struct OwnerUrls(pub DatabaseUrls);

subgraph_options!(
    OwnerUrls,
    |command| DatabaseUrls::options(command, OWNER_URL, |name| {
        format!(
            "The URL of {name}'s database, as the role that owns its tables. Migrations run as this role, which also \
             grants the role of `{}_DATABASE_URL` read and write access, and creates it if it may",
            name.to_uppercase()
        )
    }),
    |matches| Ok(Self(DatabaseUrls::read(matches, OWNER_URL)))
);

/// Database URLs without the pooler that the others lead to.
#[derive(Clone, Debug, Default)]
pub struct DirectUrls(pub DatabaseUrls);

subgraph_options!(
    DirectUrls,
    |command| DatabaseUrls::options(command, DIRECT_URL, |name| {
        format!(
            "The URL of {name}'s database itself, if `{}_DATABASE_URL` is that of a connection pooler such as PgBouncer, \
             with the same role. Notifications, background work and migrations need it",
            name.to_uppercase()
        )
    }),
    |matches| Ok(Self(DatabaseUrls::read(matches, DIRECT_URL)))
);

/// The specific settings of each subgraph.
#[derive(Clone, Debug, Default)]
pub struct SubgraphSettings(BTreeMap<&'static str, Extensions>);

impl SubgraphSettings {
    /// The settings of one subgraph, with its other extensions.
    pub fn of(&self, subgraph: &SubgraphDefinition) -> Extensions {
        self.0.get(subgraph.name).cloned().unwrap_or_default()
    }

    /// The settings of identity, which also configure access tokens.
    pub fn identity(&self) -> &IdentitySettings {
        self.0.get(identity::DEFINITION.name).and_then(Extensions::get).expect("identity's definition reads them")
    }

    /// Makes the links in mails lead to this front end, unless another one is set.
    pub fn default_front_end(&mut self, url: PublicUrl) {
        let mut settings = self.identity().clone();
        settings.mail.public_url.get_or_insert(url);
        self.0.entry(identity::DEFINITION.name).or_default().insert(settings);
    }

    /// Gives identity its signing keys; returns their verifier.
    pub fn sign_with(&mut self, keys: Keys) -> Verifier {
        let verifier = keys.verifier();
        let identity = self.0.entry(identity::DEFINITION.name).or_default();
        identity.insert(keys);
        identity.insert(Downloads::default());
        verifier
    }
}

subgraph_options!(
    SubgraphSettings,
    |command| ALL.into_iter().fold(command, |command, subgraph| subgraph.settings.augment(command)),
    |matches| {
        let read = ALL.into_iter().map(|subgraph| {
            let mut settings = Extensions::new();
            subgraph.settings.read(matches, &mut settings)?;
            Ok((subgraph.name, settings))
        });
        read.collect::<Result<_, _>>().map(Self)
    }
);

/// The databases of all subgraphs.
pub struct Databases(BTreeMap<&'static str, DbPool>);

impl Databases {
    /// Opens and migrates all databases.
    pub async fn open(urls: &DatabaseUrls, settings: &DatabaseSettings) -> Result<Self> {
        let opened = ALL.map(|definition| async move {
            let db = open(definition, urls.require(definition)?, settings).await?;
            anyhow::Ok((definition.name, db))
        });
        Ok(Self(try_join_all(opened).await?.into_iter().collect()))
    }

    /// The database of a subgraph.
    pub fn get(&self, subgraph: &SubgraphDefinition) -> &DbPool {
        &self.0[subgraph.name]
    }

    /// Closes all connections.
    pub async fn close(&self) {
        join_all(self.0.values().map(DbPool::close)).await;
    }
}

/// The settings of a subgraph that runs alone.
#[derive(Args)]
pub struct Settings {
    /// The name of the subgraph.
    #[arg(value_name = "NAME", value_parser = name_parser())]
    pub subgraph: &'static SubgraphDefinition,

    /// The address to listen on. Default: 127.0.0.1 and the subgraph's default port.
    #[arg(long, env = "LYCEUM_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// The URL at which identity publishes the public keys of access tokens.
    #[arg(
        long,
        env = "LYCEUM_JWKS_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8001/.well-known/jwks.json"
    )]
    pub jwks_url: String,

    /// The directory in which identity keeps its signing keys.
    #[arg(long, env = "LYCEUM_KEYS_DIR", value_name = "DIRECTORY", default_value = ".lyceum/keys")]
    pub keys_dir: PathBuf,

    #[command(flatten)]
    pub urls: DatabaseUrls,

    #[command(flatten)]
    pub direct_urls: DirectUrls,

    #[command(flatten)]
    pub database: DatabaseSettings,

    #[command(flatten)]
    pub own: SubgraphSettings,

    /// The URLs of the other subgraphs, unless they are on this machine with their default ports:
    /// `course=http://course:8002/graphql,…`.
    #[arg(long, env = "LYCEUM_SUBGRAPH_URLS", hide_env_values = true, value_name = "NAME=URL", value_delimiter = ',')]
    pub subgraph_urls: Vec<SubgraphUrl>,

    #[command(flatten)]
    pub events: EventSettings,

    #[command(flatten)]
    pub secret: SecretSettings,

    #[command(flatten)]
    pub seal: SealSettings,

    #[command(flatten)]
    pub client_timeouts: ClientTimeouts,

    #[command(flatten)]
    pub responses: ResponseSettings,

    #[command(flatten)]
    pub shutdown: ShutdownSettings,

    #[command(flatten)]
    pub telemetry: telemetry::Settings,

    /// Accept unsigned requests, without a secret. For a loopback address only.
    #[arg(long)]
    pub insecure_dev: bool,
}

/// Interval between attempts to open a database.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// The default timeout of requests in flight at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs one subgraph until shutdown. It serves `/health` before it has a database; invalid settings end it.
pub async fn serve(settings: Settings) -> Result<()> {
    open_files::raise_for_subgraph();
    let shutdown = signals::shutdown_on_signal(settings.shutdown.drain_period())?;
    let address = settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], settings.subgraph.port)));
    let secrets = settings.secret.secrets()?;
    let auth = RouterAuth::for_address(address, secrets.clone(), settings.insecure_dev)?;
    let seals = settings.seal.keys(address, settings.insecure_dev)?;
    let url = settings.urls.require(settings.subgraph)?;
    let database = Urls { url, direct: settings.direct_urls.0.get(settings.subgraph) };
    let listener = listen(address).await?;

    let mut own = settings.own.clone();
    let verifier = if *settings.subgraph == identity::DEFINITION {
        own.sign_with(open_keys(&settings.keys_dir, own.identity())?)
    } else {
        remote_keys(&settings.jwks_url)?
    };
    let context = ServiceContext::open(verifier, &settings.events, secrets.clone(), seals).await?;
    let context = ServiceContext { own: own.of(settings.subgraph), ..context };
    add_peers(&context, &settings.subgraph_urls, secrets.as_ref())?;

    let late_routes = LateRoutes::default();
    // Other services need identity's public keys, not its database.
    let routes = late_routes.routes(settings.subgraph.with_public_routes(serve::not_ready_routes(), &context));
    let serving = async {
        serve::serve(listener, routes, settings.client_timeouts, shutdown.clone()).await;
        anyhow::Ok(())
    };
    let working = async {
        let opening = Box::pin(open_with_retry(&settings, database, &context, auth));
        let opened = shutdown.stop.run_until_cancelled(opening).await;
        let Some((subgraph, routes)) = opened.transpose()? else { return Ok(None) };
        late_routes.set(routes);
        let work = subgraph.run_background(context.event_bus.clone(), settings.events.clone(), shutdown.stop.clone());
        join!(work, shutdown.stop.run_until_cancelled(log_when_ready(&subgraph, address)));
        Ok(Some(subgraph))
    };
    let served = async {
        let ((), subgraph) = try_join!(serving, working)?;
        if let Some(subgraph) = subgraph {
            subgraph.close().await;
        }
        Ok(())
    };
    select! {
        served = served => served,
        () = shutdown_deadline(&shutdown, settings.shutdown.timeout().unwrap_or(SHUTDOWN_TIMEOUT)) => Ok(()),
    }
}

/// Opens the database and the subgraph over it; retries while the database is unavailable.
async fn open_with_retry(
    settings: &Settings,
    database: Urls<'_>,
    context: &ServiceContext,
    auth: RouterAuth,
) -> Result<(Subgraph, axum::Router)> {
    let definition = settings.subgraph;
    let mut is_logged = false;
    loop {
        let attempt = async {
            let db = open(definition, database, &settings.database).await?;
            assemble(definition, db, context, auth.clone(), settings.responses).await
        };
        match attempt.await {
            Err(error) if is_retryable(&error) => {
                if !is_logged {
                    warn!(subgraph = definition.name, error = format!("{error:#}"), "waiting for the database");
                }
                is_logged = true;
            }
            opened => return opened,
        }
        sleep(RETRY_DELAY).await;
    }
}

/// Whether a retry can succeed: the database is unavailable, or its owner is about to migrate it.
fn is_retryable(error: &anyhow::Error) -> bool {
    let is_pending = |cause: &MigrationError| matches!(cause, MigrationError::Pending(_));
    let is_away = |cause: &ConnectionError| matches!(cause, ConnectionError::Failed(error) if availability::is_unavailable(error));
    error.chain().find_map(|cause| cause.downcast_ref()).is_some_and(is_away)
        || error.chain().find_map(|cause| cause.downcast_ref()).is_some_and(availability::is_unavailable)
        || error.chain().find_map(|cause| cause.downcast_ref()).is_some_and(is_pending)
}

async fn log_when_ready(subgraph: &Subgraph, address: SocketAddr) {
    while subgraph.not_ready_reason().await.is_some() {
        sleep(RETRY_DELAY).await;
    }
    info!(subgraph = subgraph.name(), %address, "ready");
}

/// Completes when the timeout of requests in flight has passed after shutdown began.
async fn shutdown_deadline(shutdown: &Shutdown, timeout: Duration) {
    shutdown.stop.cancelled().await;
    sleep(timeout).await;
    warn!("shutdown timeout reached, work in progress is cut off");
}

/// Adds the other subgraphs as remote peers.
fn add_peers(context: &ServiceContext, urls: &[SubgraphUrl], secrets: Option<&Secrets>) -> Result<()> {
    for SubgraphDefinition { name, port, .. } in ALL {
        let given = urls.iter().find(|given| given.name == *name);
        let usual = || format!("http://127.0.0.1:{port}/graphql");
        let url = given.map_or_else(usual, |given| given.url.clone());
        context.peers.add_remote(name, &url, secrets.cloned())?;
    }
    Ok(())
}

/// Opens identity's signing keys, and watches them for changes.
pub fn open_keys(directory: &Path, settings: &IdentitySettings) -> Result<Keys> {
    let keys = Keys::load_or_create(directory, &settings.tokens)?;
    tokio::spawn(keys.clone().watch());
    Ok(keys)
}

/// Fetches the public keys that a remote identity publishes, and keeps them fresh.
fn remote_keys(url: &str) -> Result<Verifier> {
    let url = peers::address(url).context("LYCEUM_JWKS_URL is not a valid URL of identity's public keys")?;
    let verifier = Verifier::remote(url);
    tokio::spawn(verifier.clone().refresh_loop());
    Ok(verifier)
}

/// Binds a port.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => ": stop what listens there, or use `lyceum up --free-ports`",
            _ => "",
        };
        Error::new(error).context(format!("cannot listen on {address}{advice}"))
    })
}

/// Connects to a subgraph's database and migrates it.
pub async fn open<'a>(
    subgraph: &SubgraphDefinition,
    urls: impl Into<Urls<'a>>,
    settings: &DatabaseSettings,
) -> Result<DbPool> {
    let SubgraphDefinition { name, migrations, .. } = subgraph;
    let db = connect(urls, settings).await.with_context(|| {
        format!("cannot connect to the database of {name}: check its URL (`lyceum subgraph --help` shows the form)")
    })?;
    let migrated = migrations().run(&db, settings.db_profile).await;
    migrated.with_context(|| format!("cannot migrate the database of {name}"))?;
    Ok(db)
}

/// Assembles a subgraph over its migrated database, with its routes behind `auth`.
pub async fn assemble(
    definition: &SubgraphDefinition,
    db: DbPool,
    context: &ServiceContext,
    auth: RouterAuth,
    responses: ResponseSettings,
) -> Result<(Subgraph, axum::Router)> {
    let subgraph = (definition.open)(db, context).await?.with_response_limits(responses);
    let routes = definition.with_public_routes(serve::routes(subgraph.clone(), auth), context);
    Ok((subgraph, routes))
}

/// The schema of a subgraph, with its costs.
pub fn sdl(subgraph: &SubgraphDefinition) -> Result<String> {
    costs::annotate(&(subgraph.sdl)())
}

/// Migrates databases, as their owners where owner URLs were given.
pub async fn migrate(
    subgraphs: &[&'static SubgraphDefinition],
    urls: &DatabaseUrls,
    owners: OwnerUrls,
    settings: &DatabaseSettings,
) -> Result<()> {
    let subgraphs = if subgraphs.is_empty() { &ALL } else { subgraphs };
    let owners = owners.0.or(urls);
    for subgraph in subgraphs {
        let db = open(subgraph, owners.require(subgraph)?, settings).await?;
        provision(subgraph, &db, urls.get(subgraph).map(AppRole::in_url).transpose()?).await?;
        db.close().await;
        crate::terminal::line(format_args!("{} is up to date", subgraph.name));
    }
    Ok(())
}

/// Grants the subgraph's application role access to its owner's tables.
pub async fn provision(subgraph: &SubgraphDefinition, owner: &DbPool, role: Option<AppRole>) -> Result<()> {
    let Some(role) = role else { return Ok(()) };
    role.provision(owner).await.with_context(|| {
        format!("cannot grant privileges to the role of {}: create it, or give its owner CREATEROLE", subgraph.name)
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn file(path: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    #[test]
    fn supergraph_yaml_lists_the_subgraphs_that_there_are() {
        let config = file("supergraph.yaml");
        let (_, listed) = config.split_once("subgraphs:\n").expect("a list");

        let expected = ALL.map(|SubgraphDefinition { name, port, .. }| {
            format!(
                "  {name}:\n    routing_url: http://127.0.0.1:{port}/graphql\n    schema:\n      file: subgraphs/{name}/schema.graphql\n"
            )
        });
        assert_eq!(listed, expected.concat());
    }

    #[test]
    fn no_two_subgraphs_share_a_port() {
        let mut ports: Vec<_> = ALL.into_iter().flat_map(|it| [it.port, it.database_port]).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 2 * ALL.len());
    }

    #[test]
    fn what_deploys_the_system_names_every_subgraph() {
        let deployments = [
            (
                "compose.yml",
                ["  {name}:\n", "  {name}-db:\n", "{NAME}_DB_PORT:-{database_port}", "POSTGRES_DB: {name}\n"],
            ),
            (
                "deploy/kubernetes/migrate.yaml",
                [
                    "key: {name}-database-url\n",
                    "key: {name}-database-owner-url\n",
                    "{NAME}_DATABASE_URL\n",
                    "{NAME}_DATABASE_OWNER_URL\n",
                ],
            ),
        ];
        let urls =
            ALL.map(|SubgraphDefinition { name, port, .. }| format!("{name}=http://{name}:{port}/graphql")).join(",");
        for path in ["compose.yml", "deploy/kubernetes/settings.yaml"] {
            assert!(file(path).contains(&urls), "{path}: LYCEUM_SUBGRAPH_URLS is not {urls}");
        }
        for SubgraphDefinition { name, database_port, .. } in ALL {
            for (path, wanted) in deployments {
                for text in wanted {
                    let text = text.replace("{name}", name).replace("{NAME}", &name.to_uppercase());
                    let text = text.replace("{database_port}", &database_port.to_string());
                    assert!(file(path).contains(&text), "{path} has no `{}`", text.trim());
                }
            }
            let manifest = format!("  - {name}.yaml\n");
            assert!(file("deploy/kubernetes/kustomization.yaml").contains(&manifest), "kustomization.yaml: {manifest}");
            let target = format!("[{name}:9464]");
            assert!(file("deploy/monitoring/prometheus.yml").contains(&target), "prometheus.yml: {target}");
        }
    }
}
