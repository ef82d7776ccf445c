//! A subgraph's own database: connections and migrations.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection,
    migrate::{MigrateError, Migration, Migrator},
    postgres::{PgConnectOptions, PgSslMode},
    query, query_as, query_scalar,
};

use tracing::warn;

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

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all, on this machine.
    Local,
    /// Not at all, over a network.
    Missing,
    /// With a certificate that was not verified.
    Unverified,
    /// With a certificate of a known authority, for this host.
    Verified,
}

impl Encryption {
    async fn of(connection: &mut PgConnection, server: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        let statement = "select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)";
        let is_encrypted: bool = query_scalar(statement).fetch_one(connection).await?;
        Ok(match (is_encrypted, server.get_ssl_mode()) {
            (true, PgSslMode::VerifyFull) => Self::Verified,
            (true, _) => Self::Unverified,
            (false, _) if is_remote(server) => Self::Missing,
            (false, _) => Self::Local,
        })
    }
}

/// Which indexes the databases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// The indexes of the specification, including its known bottlenecks.
    Baseline,
    /// Also the indexes that the specification documents as remedies.
    Tuned,
}

/// A database's migrations.
pub struct Migrations {
    /// The migrations of every profile.
    pub base: Migrator,
    /// Additional migrations of the profile `tuned`.
    pub tuned: Option<Migrator>,
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

/// The address with verified certificates for servers on other hosts.
fn with_tls(url: &str) -> Result<Address, sqlx::Error> {
    let names_mode = url.contains("sslmode=") || url.contains("ssl-mode=");
    let address = Address::parse(url)?;
    let is_verified = |server: &PgConnectOptions| matches!(server.get_ssl_mode(), PgSslMode::VerifyFull);
    if names_mode && address.servers().iter().any(|server| is_remote(server) && !is_verified(server)) {
        let message = "`sslmode` is less than `verify-full`, and LYCEUM_DB_REQUIRE_TLS is set";
        return Err(sqlx::Error::Configuration(message.into()));
    }
    Ok(address.map(|server| if is_remote(&server) { server.ssl_mode(PgSslMode::VerifyFull) } else { server }))
}

/// Whether the server is reached over a network.
fn is_remote(server: &PgConnectOptions) -> bool {
    let host = server.get_host().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    server.get_socket().is_none() && !is_loopback
}

/// Warns of parameters by which somebody wants something that they do not get.
fn warn_of_ignored(address: &Address) {
    for parameter in address.ignored() {
        warn!(parameter, "parameter of the database URL ignored");
    }
}

/// Warns of a connection over a network that others may read, or answer, unless the URL says so.
async fn warn_of_missing_tls(connection: &mut PgConnection, server: &PgConnectOptions) -> Result<(), sqlx::Error> {
    if !is_remote(server) || matches!(server.get_ssl_mode(), PgSslMode::Disable) {
        return Ok(());
    }
    let host = server.get_host();
    match Encryption::of(connection, server).await? {
        Encryption::Missing => {
            warn!(server.address = host, "database connection not encrypted: use sslmode=verify-full");
        }
        Encryption::Unverified => {
            warn!(server.address = host, "database certificate not verified: use sslmode=verify-full");
        }
        Encryption::Local | Encryption::Verified => {}
    }
    Ok(())
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

/// The reason why a database is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A migration failed.
    #[error(transparent)]
    Failed(#[from] MigrateError),
    /// A migration is pending, and this role may not apply it.
    #[error(
        "migration {0} is pending, and this role may not apply it: run `lyceum migrate` with the owner's database URL"
    )]
    Pending(i64),
    /// A newer version has applied a migration, and does not say that this version may work on its result.
    #[error(
        "migration {0} was applied by a newer version, and does not say that this version can work with it: start the \
         newer version, or restore a backup of before"
    )]
    Newer(i64),
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

const APPLIED: &str = "_sqlx_migrations";
const APPLIED_TUNED: &str = "_sqlx_migrations_tuned";

impl Migrations {
    /// Applies pending migrations, or checks that none is pending if only the owner may apply them. Idempotent, and
    /// safe in concurrent processes.
    ///
    /// # Errors
    /// [`MigrationError`]: a migration failed, an applied file was edited, or migrations are pending and this role may
    /// not run them.
    pub async fn run(&self, db: impl Into<DbPool>, profile: Profile) -> Result<(), MigrationError> {
        // Outside the pool: its timeouts are disabled.
        let mut db = db.into().connect().await?;
        let tuned = self.tuned_of(profile);
        if let Some(newer) = require_compatible(&mut db, &self.base).await? {
            let known = newest(&self.base);
            warn!(migration = newer, known, "the database was migrated by a newer version, which is compatible");
        }
        if may_migrate(&mut db).await? {
            db.execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0").await?;
            // Those of a newer version are compatible with this one.
            let mut base = Migrator::with_migrations(self.base.iter().cloned().collect());
            base.set_ignore_missing(true);
            base.run(&mut db).await?;
            record_compatibility(&mut db, &self.base).await?;
            if let Some(tuned) = tuned {
                let mut tuned = Migrator::with_migrations(tuned.iter().cloned().collect());
                tuned.dangerous_set_table_name(Cow::Borrowed(APPLIED_TUNED));
                // They are indexes, of which a program need not know.
                tuned.set_ignore_missing(true);
                tuned.run(&mut db).await?;
            }
        } else {
            require_applied(&mut db, &self.base, APPLIED).await?;
            if let Some(tuned) = tuned {
                require_applied(&mut db, tuned, APPLIED_TUNED).await?;
            }
        }
        Ok(db.close().await?)
    }
}

impl Migrations {
    /// Checks that a database is up to date, and changes nothing. Returns the number of its newest migration if a newer,
    /// compatible version has applied it.
    ///
    /// # Errors
    /// [`MigrationError`]: a migration is pending, was edited, or is of a newer version that is not compatible.
    pub async fn check(&self, db: &mut PgConnection, profile: Profile) -> Result<Option<i64>, MigrationError> {
        let newer = require_compatible(db, &self.base).await?;
        require_applied(db, &self.base, APPLIED).await?;
        if let Some(tuned) = self.tuned_of(profile) {
            require_applied(db, tuned, APPLIED_TUNED).await?;
        }
        Ok(newer)
    }

    /// The names of the indexes that these migrations make, without those of primary keys and other constraints.
    #[must_use]
    pub fn indexes(&self, profile: Profile) -> BTreeSet<String> {
        let mut indexes = BTreeSet::new();
        for migration in self.base.iter().chain(self.tuned_of(profile).into_iter().flat_map(Migrator::iter)) {
            for statement in migration.sql.as_str().split(';') {
                follow_index(statement, &mut indexes);
            }
        }
        indexes
    }

    fn tuned_of(&self, profile: Profile) -> Option<&Migrator> {
        self.tuned.as_ref().filter(|_| profile == Profile::Tuned)
    }
}

/// Follows what a statement does to an index, in the few forms that our files have.
fn follow_index(statement: &str, indexes: &mut BTreeSet<String>) {
    let code = statement.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<_> = code.flat_map(str::split_whitespace).collect();
    for start in 0..words.len() {
        match &words[start..] {
            ["index", "if", "not", "exists", name, ..] => _ = indexes.insert((*name).to_owned()),
            ["drop", "index", "if", "exists", name, ..] => _ = indexes.remove(*name),
            ["alter", "index", old, "rename", "to", new, ..] => {
                indexes.remove(*old);
                indexes.insert((*new).to_owned());
            }
            _ => {}
        }
    }
}

/// What a migration's file says of the versions that can work on its result: those that know migration `055`.
const COMPATIBLE_SINCE: &str = "-- Compatible since: ";

fn compatible_since(migration: &Migration) -> Option<i64> {
    let lines = migration.sql.as_str().lines();
    lines.filter_map(|line| line.strip_prefix(COMPATIBLE_SINCE)).find_map(|number| number.trim().parse().ok())
}

/// Writes what the files say beside the migrations that were applied, where an older version, which does not have them,
/// reads it.
async fn record_compatibility(db: &mut PgConnection, migrator: &Migrator) -> Result<(), sqlx::Error> {
    if !records_compatibility(db).await? {
        let statement = format!("alter table {APPLIED} add column if not exists compatible_since bigint");
        db.execute(AssertSqlSafe(statement)).await?;
    }
    let update = format!(
        "update {APPLIED} set compatible_since = $2 where version = $1 and compatible_since is distinct from $2"
    );
    for migration in migrator.iter() {
        if let Some(since) = compatible_since(migration) {
            query(AssertSqlSafe(update.clone())).bind(migration.version).bind(since).execute(&mut *db).await?;
        }
    }
    Ok(())
}

async fn records_compatibility(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let statement = "select exists (
        select from pg_attribute where attrelid = to_regclass($1) and attname = 'compatible_since' and not attisdropped)";
    query_scalar(statement).bind(APPLIED).fetch_one(db).await
}

fn newest(migrator: &Migrator) -> Option<i64> {
    migrator.iter().map(|migration| migration.version).max()
}

/// Fails if a newer version has applied a migration whose result this version may not understand; returns the newest
/// one that it may.
async fn require_compatible(db: &mut PgConnection, migrator: &Migrator) -> Result<Option<i64>, MigrationError> {
    let Some(newest) = newest(migrator) else { return Ok(None) };
    let exists = "select to_regclass($1) is not null and has_table_privilege($1, 'select')";
    let is_readable: bool = query_scalar(exists).bind(APPLIED).fetch_one(&mut *db).await?;
    if !is_readable {
        return Ok(None);
    }
    let since = if records_compatibility(db).await? { "compatible_since" } else { "null::bigint" };
    let statement = format!("select version, {since} from {APPLIED} where version > $1 order by version");
    let newer: Vec<(i64, Option<i64>)> = query_as(AssertSqlSafe(statement)).bind(newest).fetch_all(db).await?;
    let is_compatible = |since: &Option<i64>| since.is_some_and(|since| since <= newest);
    if let Some((version, _)) = newer.iter().find(|(_, since)| !is_compatible(since)) {
        return Err(MigrationError::Newer(*version));
    }
    Ok(newer.last().map(|(version, _)| *version))
}

/// Whether this role owns the migration table, or may create it.
async fn may_migrate(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let statement = "select coalesce(
        (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass($1)),
        has_schema_privilege(current_schema(), 'create'),
        false
    )";
    query_scalar(statement).bind(APPLIED).fetch_one(db).await
}

async fn require_applied(db: &mut PgConnection, migrator: &Migrator, table: &str) -> Result<(), MigrationError> {
    let exists = query_scalar("select to_regclass($1) is not null and has_table_privilege($1, 'select')").bind(table);
    let is_readable = exists.fetch_one(&mut *db).await?;
    let applied: HashMap<i64, Vec<u8>> = if is_readable {
        let statement = AssertSqlSafe(format!("select version, checksum from {table} where success"));
        query_as(statement).fetch_all(db).await?.into_iter().collect()
    } else {
        HashMap::new()
    };
    for migration in migrator.iter() {
        match applied.get(&migration.version) {
            None => return Err(MigrationError::Pending(migration.version)),
            Some(checksum) if **checksum != *migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(_) => {}
        }
    }
    Ok(())
}
