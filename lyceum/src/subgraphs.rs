//! The five subgraphs, by name: their schemas, their databases, and each as a process of its own.

use db::DbPool;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use auth::{
    seal::SealSettings,
    signature::{RouterAuth, SecretSettings, Secrets},
    token::Verifier,
};
use clap::{Args, ValueEnum};
use db::{
    availability, connect,
    database::{DatabaseSettings, MigrationError, Migrations},
    roles::AppRole,
};
use identity::{IdentitySettings, Keys};
use messaging::EventSettings;
use router::SubgraphUrl;
use service::{
    ClientTimeouts, ServiceContext, Shutdown, ShutdownSettings, Subgraph, peers,
    serve::{self, LateRoutes},
};
use subgraph_kit::ResponseSettings;
use tokio::{join, net::TcpListener, select, time::sleep, try_join};
use tracing::{info, warn};

use crate::{costs, open_files, seed, signals, telemetry};

/// A subgraph, and its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// Users and sessions.
    Identity,
    /// The catalogue.
    Course,
    /// Who takes which course.
    Enrollment,
    /// What students paid.
    Payment,
    /// What users are told.
    Notification,
}

impl Name {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 5] = [Self::Identity, Self::Course, Self::Enrollment, Self::Payment, Self::Notification];

    /// As in `supergraph.yaml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => identity::NAME,
            Self::Course => course::NAME,
            Self::Enrollment => enrollment::NAME,
            Self::Payment => payment::NAME,
            Self::Notification => notification::NAME,
        }
    }

    /// Where it answers, if nothing else is said.
    pub fn port(self) -> u16 {
        8001 + self as u16
    }

    /// Where its embedded database answers, if nothing else is said.
    pub fn database_port(self) -> u16 {
        5433 + self as u16
    }

    /// Its database's migrations.
    pub fn migrations(self) -> Migrations {
        match self {
            Self::Identity => identity::migrations(),
            Self::Course => course::migrations(),
            Self::Enrollment => enrollment::migrations(),
            Self::Payment => payment::migrations(),
            Self::Notification => notification::migrations(),
        }
    }
}

/// Where the databases are.
#[expect(clippy::struct_field_names, reason = "the fields name the command line's options")]
#[derive(Clone, Debug, Default, Args)]
pub struct DatabaseUrls {
    /// identity's database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    #[arg(long, env = "IDENTITY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub identity_database_url: Option<String>,

    /// course's database.
    #[arg(long, env = "COURSE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub course_database_url: Option<String>,

    /// enrollment's database.
    #[arg(long, env = "ENROLLMENT_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub enrollment_database_url: Option<String>,

    /// payment's database.
    #[arg(long, env = "PAYMENT_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub payment_database_url: Option<String>,

    /// notification's database.
    #[arg(long, env = "NOTIFICATION_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub notification_database_url: Option<String>,
}

impl DatabaseUrls {
    /// The one of a subgraph, if it was given. An empty one, as an unset variable of a script
    /// leaves it, was not.
    pub fn get(&self, name: Name) -> Option<&str> {
        let url = match name {
            Name::Identity => self.identity_database_url.as_deref(),
            Name::Course => self.course_database_url.as_deref(),
            Name::Enrollment => self.enrollment_database_url.as_deref(),
            Name::Payment => self.payment_database_url.as_deref(),
            Name::Notification => self.notification_database_url.as_deref(),
        };
        url.filter(|url| !url.is_empty())
    }

    /// Whether none was given.
    pub fn is_none(&self) -> bool {
        Name::ALL.into_iter().all(|name| self.get(name).is_none())
    }

    /// Sets the one of a subgraph.
    pub fn set(&mut self, name: Name, url: String) {
        let place = match name {
            Name::Identity => &mut self.identity_database_url,
            Name::Course => &mut self.course_database_url,
            Name::Enrollment => &mut self.enrollment_database_url,
            Name::Payment => &mut self.payment_database_url,
            Name::Notification => &mut self.notification_database_url,
        };
        *place = Some(url);
    }

    /// These, and `others` where there is none.
    pub fn or(mut self, others: &Self) -> Self {
        for name in Name::ALL {
            if self.get(name).is_none()
                && let Some(url) = others.get(name)
            {
                self.set(name, url.to_owned());
            }
        }
        self
    }

    fn require(&self, name: Name) -> Result<&str> {
        self.get(name).with_context(|| {
            let name = name.as_str();
            format!(
                "no database for {name}: set {}_DATABASE_URL or --{name}-database-url (`lyceum up --addresses FILE` writes those of a running system)",
                name.to_uppercase()
            )
        })
    }
}

/// Where the databases are for those who own what is in them.
#[expect(clippy::struct_field_names, reason = "the fields name the command line's options")]
#[derive(Clone, Debug, Default, Args)]
pub struct OwnerUrls {
    /// identity's database, as the role that owns its tables. It makes the role of `IDENTITY_DATABASE_URL`, if it may, and
    /// lets it read and write rows; subgraphs need no more.
    #[arg(long, env = "IDENTITY_DATABASE_OWNER_URL", hide_env_values = true, value_name = "URL")]
    identity_database_owner_url: Option<String>,

    /// course's database, as the role that owns its tables.
    #[arg(long, env = "COURSE_DATABASE_OWNER_URL", hide_env_values = true, value_name = "URL")]
    course_database_owner_url: Option<String>,

    /// enrollment's database, as the role that owns its tables.
    #[arg(long, env = "ENROLLMENT_DATABASE_OWNER_URL", hide_env_values = true, value_name = "URL")]
    enrollment_database_owner_url: Option<String>,

    /// payment's database, as the role that owns its tables.
    #[arg(long, env = "PAYMENT_DATABASE_OWNER_URL", hide_env_values = true, value_name = "URL")]
    payment_database_owner_url: Option<String>,

    /// notification's database, as the role that owns its tables.
    #[arg(long, env = "NOTIFICATION_DATABASE_OWNER_URL", hide_env_values = true, value_name = "URL")]
    notification_database_owner_url: Option<String>,
}

impl From<OwnerUrls> for DatabaseUrls {
    fn from(urls: OwnerUrls) -> Self {
        Self {
            identity_database_url: urls.identity_database_owner_url,
            course_database_url: urls.course_database_owner_url,
            enrollment_database_url: urls.enrollment_database_owner_url,
            payment_database_url: urls.payment_database_owner_url,
            notification_database_url: urls.notification_database_owner_url,
        }
    }
}

/// The settings of a subgraph that runs alone.
#[derive(Args)]
pub struct Settings {
    /// Which subgraph.
    pub name: Name,

    /// Where it answers; 127.0.0.1 and the subgraph's usual port when left out.
    #[arg(long, env = "LYCEUM_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Where identity publishes the public keys of access tokens.
    #[arg(
        long,
        env = "LYCEUM_JWKS_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8001/.well-known/jwks.json"
    )]
    pub jwks_url: String,

    /// Where identity keeps its signing keys.
    #[arg(long, env = "LYCEUM_KEYS_DIR", value_name = "DIRECTORY", default_value = ".lyceum/keys")]
    pub keys_dir: PathBuf,

    #[command(flatten)]
    pub urls: DatabaseUrls,

    #[command(flatten)]
    pub database: DatabaseSettings,

    #[command(flatten)]
    pub identity: IdentitySettings,

    /// Where the other subgraphs are, if not on this machine at their usual ports:
    /// `course=http://course:8002/graphql,…`.
    #[arg(long, env = "LYCEUM_SUBGRAPH_URLS", value_name = "NAME=URL", value_delimiter = ',')]
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

    /// Answer everybody on this machine, without a secret. On a loopback address only.
    #[arg(long)]
    pub insecure_dev: bool,
}

/// How often a waiting process retries.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// How long a subgraph's requests in flight get at shutdown by default.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs one subgraph until the process is told to stop. It has its port, and says that it lives, before it has a
/// database; what is wrong with the settings ends it.
pub async fn serve(settings: Settings) -> Result<()> {
    open_files::raise_for_subgraph();
    let shutdown = signals::shutdown_on_signal(settings.shutdown.drain_period())?;
    let address = settings.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], settings.name.port())));
    let secrets = settings.secret.secrets()?;
    let auth = RouterAuth::for_address(address, secrets.clone(), settings.insecure_dev)?;
    let seals = settings.seal.keys(address, settings.insecure_dev)?;
    let database = settings.urls.require(settings.name)?;
    let listener = listen(address).await?;

    let is_identity = settings.name == Name::Identity;
    let keys = is_identity.then(|| open_keys(&settings.keys_dir, &settings.identity)).transpose()?;
    let verifier = keys.as_ref().map_or_else(|| remote_keys(&settings.jwks_url), |keys| Ok(keys.verifier()))?;
    let context = ServiceContext::open(verifier, &settings.events, secrets.clone(), seals).await?;
    add_peers(&context, &settings.subgraph_urls, secrets.as_ref())?;

    let late_routes = LateRoutes::default();
    // Others need identity's keys, not its database.
    let meanwhile = keys
        .as_ref()
        .map_or_else(serve::not_ready_routes, |keys| serve::not_ready_routes().merge(identity::public_keys(keys)));
    let routes = late_routes.routes(meanwhile);
    let serving = async {
        serve::serve(listener, routes, settings.client_timeouts, shutdown.clone()).await;
        anyhow::Ok(())
    };
    let working = async {
        let opening = Box::pin(open_with_retry(&settings, database, &context, auth, keys));
        let opened = shutdown.stop.run_until_cancelled(opening).await;
        let Some((subgraph, routes)) = opened.transpose()? else { return Ok(None) };
        late_routes.set(routes);
        let work = subgraph.run_background(context.bus.clone(), settings.events.clone(), shutdown.stop.clone());
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
    database: &str,
    context: &ServiceContext,
    auth: RouterAuth,
    keys: Option<Keys>,
) -> Result<(Subgraph, axum::Router)> {
    let name = settings.name;
    let mut is_logged = false;
    loop {
        let attempt = async {
            let db = open(name, database, &settings.database).await?;
            assemble(name, db, context, auth.clone(), keys.clone(), &settings.identity, settings.responses).await
        };
        match attempt.await {
            Err(error) if is_retryable(&error) => {
                if !is_logged {
                    warn!(subgraph = name.as_str(), error = format!("{error:#}"), "waiting for the database");
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
    error.chain().find_map(|cause| cause.downcast_ref()).is_some_and(availability::is_unavailable)
        || error.chain().find_map(|cause| cause.downcast_ref()).is_some_and(is_pending)
}

async fn log_when_ready(subgraph: &Subgraph, address: SocketAddr) {
    while subgraph.not_ready_reason().await.is_some() {
        sleep(RETRY_DELAY).await;
    }
    info!(subgraph = subgraph.name(), %address, "ready");
}

/// Ends when requests in flight have had their time after shutdown began.
async fn shutdown_deadline(shutdown: &Shutdown, timeout: Duration) {
    shutdown.stop.cancelled().await;
    sleep(timeout).await;
    warn!("shutdown timeout reached, work in progress is cut off");
}

/// The other subgraphs, each in a process of its own.
fn add_peers(context: &ServiceContext, urls: &[SubgraphUrl], secrets: Option<&Secrets>) -> Result<()> {
    for name in Name::ALL {
        let given = urls.iter().find(|given| given.name == name.as_str());
        let usual = || format!("http://127.0.0.1:{}/graphql", name.port());
        let url = given.map_or_else(usual, |given| given.url.clone());
        context.peers.add_remote(name.as_str(), &url, secrets.cloned())?;
    }
    Ok(())
}

/// identity's signing keys, followed from now on.
pub fn open_keys(directory: &Path, settings: &IdentitySettings) -> Result<Keys> {
    let keys = Keys::load_or_create(directory, &settings.tokens)?;
    tokio::spawn(keys.clone().watch());
    Ok(keys)
}

/// The public keys that identity publishes elsewhere, followed from now on.
fn remote_keys(url: &str) -> Result<Verifier> {
    let url = peers::address(url).with_context(|| format!("`{url}` is no address of identity's public keys"))?;
    let verifier = Verifier::remote(url);
    tokio::spawn(verifier.clone().refresh_loop());
    Ok(verifier)
}

/// Takes a port.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another `lyceum` running? `--free-ports` of `lyceum up` avoids it")
    })
}

/// Connects to a subgraph's database and brings it up to date.
pub async fn open(name: Name, url: &str, settings: &DatabaseSettings) -> Result<DbPool> {
    let db = connect(url, settings).await.with_context(|| {
        let name = name.as_str();
        format!("cannot reach the database of {name} (`lyceum subgraph --help` shows the form of its address)")
    })?;
    let migrated = name.migrations().run(&db, settings.db_profile).await;
    migrated.with_context(|| format!("cannot bring the database of {} up to date", name.as_str()))?;
    Ok(db)
}

/// A subgraph over its migrated database, and its routes behind `auth`. identity needs its keys.
pub async fn assemble(
    name: Name,
    db: DbPool,
    context: &ServiceContext,
    auth: RouterAuth,
    keys: Option<Keys>,
    identity: &IdentitySettings,
    responses: ResponseSettings,
) -> Result<(Subgraph, axum::Router)> {
    let subgraph = match (name, keys) {
        (Name::Identity, Some(keys)) => {
            let subgraph = identity::subgraph(db, &keys, context, identity).await?.with_response_limits(responses);
            return Ok((subgraph.clone(), identity::routes(subgraph, auth, &keys)));
        }
        (Name::Identity, None) => anyhow::bail!("identity needs its signing keys"),
        (Name::Course, _) => course::subgraph(db, context).await?,
        (Name::Enrollment, _) => enrollment::subgraph(db, context).await?,
        (Name::Payment, _) => payment::subgraph(db, context).await?,
        (Name::Notification, _) => notification::subgraph(db, context).await?,
    }
    .with_response_limits(responses);
    Ok((subgraph.clone(), serve::routes(subgraph, auth)))
}

/// The schema of a subgraph.
pub fn sdl(name: Name) -> Result<String> {
    let schema = match name {
        Name::Identity => service::sdl(&identity::schema()),
        Name::Course => service::sdl(&course::schema()),
        Name::Enrollment => service::sdl(&enrollment::schema()),
        Name::Payment => service::sdl(&payment::schema()),
        Name::Notification => service::sdl(&notification::schema()),
    };
    costs::annotate(&schema)
}

/// Brings databases up to date, as their owners where these were given.
pub async fn migrate(
    names: &[Name],
    urls: &DatabaseUrls,
    owners: OwnerUrls,
    settings: &DatabaseSettings,
) -> Result<()> {
    let names = if names.is_empty() { &Name::ALL } else { names };
    let owners = DatabaseUrls::from(owners).or(urls);
    for &name in names {
        let db = open(name, owners.require(name)?, settings).await?;
        provision(name, &db, urls.get(name).map(AppRole::in_url).transpose()?).await?;
        db.close().await;
        crate::terminal::line(format_args!("{} is up to date", name.as_str()));
    }
    Ok(())
}

/// Lets the role that the subgraph works as read and write what the owner has made.
pub async fn provision(name: Name, owner: &DbPool, role: Option<AppRole>) -> Result<()> {
    let Some(role) = role else { return Ok(()) };
    role.provision(owner).await.with_context(|| {
        format!("cannot give the role of {}'s subgraph its rights: make it, or let the owner make roles", name.as_str())
    })
}

/// All five databases, up to date.
pub async fn open_all(urls: &DatabaseUrls, settings: &DatabaseSettings) -> Result<seed::Databases> {
    let database = |name| Box::pin(async move { open(name, urls.require(name)?, settings).await });
    let (identity, course, enrollment, payment, notification) = tokio::try_join!(
        database(Name::Identity),
        database(Name::Course),
        database(Name::Enrollment),
        database(Name::Payment),
        database(Name::Notification),
    )?;
    Ok(seed::Databases { identity, course, enrollment, payment, notification })
}

impl seed::Databases {
    /// The one of a subgraph.
    pub fn get(&self, name: Name) -> &DbPool {
        match name {
            Name::Identity => &self.identity,
            Name::Course => &self.course,
            Name::Enrollment => &self.enrollment,
            Name::Payment => &self.payment,
            Name::Notification => &self.notification,
        }
    }

    /// Ends their connections.
    pub async fn close(&self) {
        for name in Name::ALL {
            self.get(name).close().await;
        }
    }
}
