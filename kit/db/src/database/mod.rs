//! A subgraph's own database: its settings, and connections to it.

mod migrations;
mod tls;

use std::{borrow::Cow, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, query, query_as, query_scalar};
use tracing::warn;

use self::tls::{warn_of_missing_tls, with_tls};
pub use self::{
    migrations::{MigrationError, Migrations, Profile},
    tls::Encryption,
};
use crate::{
    Address, DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
};

/// Longer than any of our transactions is idle.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// The interval at which the server checks, during a statement, that its client is connected, and cancels it otherwise.
pub const CLIENT_CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Settings that all the databases share.
#[derive(Clone, Debug, clap::Args)]
pub struct DatabaseSettings {
    /// The number of connections that a subgraph opens to its database when it starts.
    #[arg(long, env = "LYCEUM_DB_POOL_MIN", default_value_t = 5)]
    pub db_pool_min: u32,

    /// The maximum number of connections of a subgraph to its database. Searches and counts of whole tables use up to
    /// all but three of them at a time, and at least one.
    #[arg(long, env = "LYCEUM_DB_POOL_MAX", default_value_t = 5)]
    pub db_pool_max: u32,

    /// The number of seconds that a request waits for a connection before it fails.
    #[arg(long, env = "LYCEUM_DB_ACQUIRE_TIMEOUT_SECONDS", default_value_t = 3)]
    pub db_acquire_timeout_seconds: u64,

    /// The number of seconds after which the database cancels a statement; 0 for no limit. The router waits no longer
    /// for a response (`traffic_shaping.all.request_timeout`). Migrations and `lyceum seed` have no limit.
    #[arg(long, env = "LYCEUM_DB_STATEMENT_TIMEOUT_SECONDS", default_value_t = 5)]
    pub db_statement_timeout_seconds: u64,

    /// The indexes of the databases: `baseline` has those of the specification, `tuned` also those that it documents as
    /// remedies.
    #[arg(long, env = "LYCEUM_DB_PROFILE", value_enum, default_value_t = Profile::Baseline)]
    pub db_profile: Profile,

    /// What each connection must have.
    #[command(flatten)]
    pub connections: ConnectionSettings,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            db_pool_min: 5,
            db_pool_max: 5,
            db_acquire_timeout_seconds: 3,
            db_statement_timeout_seconds: 5,
            db_profile: Profile::Baseline,
            connections: ConnectionSettings::default(),
        }
    }
}

/// What each connection to a database must have. It alone makes an address of a URL.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct ConnectionSettings {
    /// Whether a database on another host must be connected to by TLS with a verified certificate
    /// (`sslmode=verify-full`), which is then the default; a URL that asks for less is rejected.
    #[arg(long, env = "LYCEUM_DB_REQUIRE_TLS", value_parser = clap::builder::BoolishValueParser::new())]
    pub db_require_tls: bool,
}

impl ConnectionSettings {
    /// The address in a URL.
    ///
    /// # Errors
    /// [`sqlx::Error::Configuration`] if it is not valid, or asks for less than these settings do.
    pub fn address(self, url: &str) -> Result<Address, sqlx::Error> {
        if self.db_require_tls { with_tls(url) } else { Address::parse(url) }
    }

    /// One connection, which is not pooled.
    ///
    /// # Errors
    /// If the URL is not valid, or no server accepts the connection within `limit`.
    pub async fn connect(self, url: &str, limit: Duration) -> Result<PgConnection, sqlx::Error> {
        let address = self.address(url)?;
        let (mut connection, server) = Box::pin(with_timeout(limit, address.connect_to_one(limit))).await?;
        warn_of_ignored(&address);
        warn_of_missing_tls(&mut connection, server).await?;
        Ok(connection)
    }

    /// One connection, and what it is found to be.
    ///
    /// # Errors
    /// As of [`Self::connect`].
    pub async fn inspect(self, url: &str, limit: Duration) -> Result<Inspected, sqlx::Error> {
        let address = self.address(url)?;
        let (mut connection, server) = Box::pin(with_timeout(limit, address.connect_to_one(limit))).await?;
        let encryption = Encryption::of(&mut connection, server).await?;
        let ignored_parameters = address.ignored().to_vec();
        Ok(Inspected { connection, encryption, ignored_parameters })
    }
}

/// A connection, and what was found out about it.
pub struct Inspected {
    /// The connection.
    pub connection: PgConnection,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// The parameters of the URL that have no effect.
    pub ignored_parameters: Vec<&'static str>,
}

/// The URLs of a database.
#[derive(Clone, Copy, Debug)]
pub struct Urls<'a> {
    /// Where its statements go, perhaps by a pooler such as `PgBouncer`.
    pub url: &'a str,
    /// The database itself, if `url` is a pooler's.
    pub direct: Option<&'a str>,
}

impl<'a> From<&'a str> for Urls<'a> {
    fn from(url: &'a str) -> Self {
        Self { url, direct: None }
    }
}

impl<'a> From<&'a String> for Urls<'a> {
    fn from(url: &'a String) -> Self {
        url.as_str().into()
    }
}

/// The reason why a database cannot be connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The server does not accept connections.
    #[error(transparent)]
    Failed(#[from] sqlx::Error),
    /// There is a pooler, and no direct URL.
    #[error("this is a connection pooler: give the direct URL of the database, too (docs/operations.md)")]
    PoolerWithoutDirectUrl,
    /// The pooler does not keep prepared statements.
    #[error(
        "this connection pooler mixes up prepared statements: PgBouncer 1.21 or later keeps them apart, if \
         `max_prepared_statements` is more than 0"
    )]
    PreparedStatements,
}

/// Connects to a database, and waits for the pool's first connections.
///
/// # Errors
/// [`ConnectionError`]: unavailable, wrong, or a pooler that cannot be used.
pub async fn connect<'a>(urls: impl Into<Urls<'a>>, settings: &DatabaseSettings) -> Result<DbPool, ConnectionError> {
    let Urls { url, direct } = urls.into();
    let parse = |url: &str| settings.connections.address(url);
    let statement_timeout = Duration::from_secs(settings.db_statement_timeout_seconds);
    let acquire_timeout = Duration::from_secs(settings.db_acquire_timeout_seconds);
    let address = match direct {
        Some(direct) => parse(url)?.through_pooler(with_server_timeouts(parse(direct)?, statement_timeout)),
        None => with_server_timeouts(parse(url)?, statement_timeout),
    };
    if address.is_pooler() {
        let mut connection = with_timeout(acquire_timeout, address.direct().connect(acquire_timeout)).await?;
        set_role_timeouts(&mut connection, statement_timeout).await?;
        connection.close().await?;
        warn_of_ignored(address.direct());
    }
    // For the cause of a failure: a pool reports only a timeout.
    let connected = with_timeout(acquire_timeout, address.connect_to_one(acquire_timeout)).await;
    let (mut connection, server) = connected.map_err(startup_error)?;
    warn_of_ignored(&address);
    warn_of_missing_tls(&mut connection, server).await?;
    if address.is_pooler() {
        let other = with_timeout(acquire_timeout, address.connect(acquire_timeout)).await?;
        check_prepared_statements(&mut connection, other).await?;
    }
    connection.close().await?;

    let pool = DbPool::new(address, settings.db_pool_max, acquire_timeout);
    pool.open(settings.db_pool_min.min(settings.db_pool_max)).await?;
    Ok(pool)
}

/// A pooler passes no settings of a session on, so its role has them, for this database. A role may set its own.
async fn set_role_timeouts(db: &mut PgConnection, statement_timeout: Duration) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin().await?;
    // Concurrent starts would conflict.
    query("select pg_advisory_xact_lock(hashtext('lyceum roles'))").execute(&mut *transaction).await?;
    let stored = "select coalesce((
            select setconfig from pg_db_role_setting
            where setrole = current_user::regrole
              and setdatabase = (select oid from pg_database where datname = current_database())
        ), '{}')";
    let stored: Vec<String> = query_scalar(stored).fetch_one(&mut *transaction).await?;
    let names = "select quote_ident(current_database()), quote_ident(current_user)";
    let (database, role): (String, String) = query_as(names).fetch_one(&mut *transaction).await?;
    for (name, value) in server_timeouts(statement_timeout) {
        if !stored.contains(&format!("{name}={value}")) {
            let statement = format!("alter role {role} in database {database} set {name} = '{value}'");
            transaction.execute(AssertSqlSafe(statement)).await?;
        }
    }
    transaction.commit().await
}

/// Fails if two clients of a pooler get in each other's way: each calls its first prepared statement the same.
async fn check_prepared_statements(one: &mut PgConnection, mut other: PgConnection) -> Result<(), ConnectionError> {
    let check = async {
        for _ in 0..2 {
            let _: i32 = query_scalar("select 1").fetch_one(&mut *one).await?;
            let _: i32 = query_scalar("select 1 + 0").fetch_one(&mut other).await?;
        }
        Ok::<_, sqlx::Error>(())
    };
    check.await.map_err(statement_error)?;
    Ok(other.close().await?)
}

/// Recognizes a pooler that was taken for a database.
fn startup_error(error: sqlx::Error) -> ConnectionError {
    let said = error.as_database_error().map(sqlx::error::DatabaseError::message);
    if said.is_some_and(|said| said.contains("unsupported startup parameter")) {
        return ConnectionError::PoolerWithoutDirectUrl;
    }
    error.into()
}

/// Recognizes a prepared statement that exists already, or does not, or has other parameters or columns.
fn statement_error(error: sqlx::Error) -> ConnectionError {
    let code = error.as_database_error().and_then(|database| database.code().map(Cow::into_owned));
    match code.as_deref() {
        Some("42P05" | "26000" | "08P01" | "0A000") => ConnectionError::PreparedStatements,
        _ => error.into(),
    }
}

/// Warns of parameters by which somebody wants something that they do not get.
fn warn_of_ignored(address: &Address) {
    for parameter in address.ignored() {
        warn!(parameter, "parameter of the database URL ignored");
    }
}

/// A second pool to the same database, for background work. Its connections are opened on demand, and its statements
/// have a longer timeout, since no request waits for them.
#[must_use]
pub fn background_pool(db: &DbPool, connections: u32) -> DbPool {
    DbPool::new(
        with_server_timeouts(db.address().direct().clone(), BACKGROUND_TIMEOUT),
        connections,
        Duration::from_secs(5),
    )
}

/// A pool of one connection that finds out whether the database can be used, by the way that requests take.
#[must_use]
pub fn probe_pool(db: &DbPool) -> DbPool {
    if db.address().is_pooler() {
        return DbPool::new(db.address().clone(), 1, db.acquire_timeout());
    }
    background_pool(db, 1)
}

/// Sets timeouts that the server itself enforces. A transaction that stays idle belongs to a hung process or a lost
/// machine, and holds its locks.
fn with_server_timeouts(address: Address, statement_timeout: Duration) -> Address {
    address.map(|server| server.options(server_timeouts(statement_timeout)))
}

fn server_timeouts(statement_timeout: Duration) -> [(&'static str, String); 3] {
    let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
    [
        ("statement_timeout", milliseconds(statement_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION_TIMEOUT)),
        ("client_connection_check_interval", milliseconds(CLIENT_CHECK_INTERVAL)),
    ]
}
