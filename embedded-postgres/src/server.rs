//! A running server.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::{Cluster, is_new, open_private};
use crate::data_dir::resolve_data_dir;
use crate::installation::Installation;
use crate::log::{advice, last_lines, since};
use crate::superuser;

/// The timeout of a start, which may have to replay the write-ahead log after a crash.
const START_TIMEOUT: Duration = Duration::from_mins(5);

/// The options of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The data directory; initialised if it is missing. See [`crate::resolve_data_dir()`] for where it ends up.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// The database of [`Server::url`]; created if it is missing.
    pub database: String,
    /// Whether to trade durability for speed, and delete the data on stop: for tests.
    pub ephemeral: bool,
}

/// A running server. Stop it with [`Server::stop`]; dropping it stops it, too, but less gently.
pub struct Server {
    cluster: Cluster,
    child: Child,
    port: u16,
    database: String,
    ephemeral: bool,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("data_dir", &self.cluster.dir)
            .field("port", &self.port)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// When the port or the data is in use, the data is of another version, or the server does not start; the message
    /// says what to do, and contains the server's last log lines.
    pub async fn start(installation: &Installation, options: ServerOptions) -> Result<Self> {
        let ServerOptions { data_dir, port, database, ephemeral } = options;
        let is_taken = || port != 0 && !is_free(port);
        if is_taken() && is_new(&resolve_data_dir(&data_dir)?)? {
            return Err(taken(port));
        }
        // A server that a killed owner left may hold the port: this stops it.
        let cluster = Cluster::open(installation, &data_dir, ephemeral).await?;
        if is_taken() {
            return Err(taken(port));
        }
        let port = if port == 0 { free_port()? } else { port };
        let log_start = cluster.log().metadata().map_or(0, |metadata| metadata.len());
        let child = spawn(installation, &cluster, port, ephemeral)?;
        let mut server = Self { cluster, child, port, database, ephemeral };
        server.wait_until_ready(log_start).await?;
        let database = server.database.clone();
        server.create_database(&database).await?;
        Ok(server)
    }

    /// The URL of the database, with user and password: keep it out of logs.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(&self.database)
    }

    /// The URL of another database of this server.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        superuser::url(&self.cluster.password, self.port, database)
    }

    /// The URL of the database for a user other than the superuser.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{}", self.port, self.database)
    }

    /// The port that the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The resolved data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.cluster.dir
    }

    /// The account that the server runs as, if it is not ours.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.cluster.account.as_ref().map(crate::account::Account::name)
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Creates a database unless it exists.
    ///
    /// # Errors
    /// When the server is unavailable or rejects the name.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let mut db = self.connect("postgres").await?;
        let exists: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
            .bind(name)
            .fetch_optional(&mut db)
            .await?;
        if exists.is_none() {
            let create = format!("create database \"{}\"", name.replace('"', "\"\""));
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut db).await?;
        }
        db.close().await?;
        Ok(())
    }

    /// Runs all statements of `script` in one of the databases.
    ///
    /// # Errors
    /// When a statement fails; the ones before it may have taken effect.
    pub async fn run_script(&self, database: &str, script: &str) -> Result<()> {
        let mut db = self.connect(database).await?;
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut db).await?;
        db.close().await?;
        Ok(())
    }

    /// Waits until the server exits, whatever the reason.
    ///
    /// # Errors
    /// If the state of the process cannot be read.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Ends all sessions, flushes everything to disk and stops; an ephemeral server's data is deleted.
    ///
    /// # Errors
    /// If the server does not stop, or its data cannot be deleted.
    pub async fn stop(mut self) -> Result<()> {
        for (signal, patience) in [(Signal::SIGINT, 60), (Signal::SIGQUIT, 10)] {
            self.signal(signal);
            if let Ok(stopped) = timeout(Duration::from_secs(patience), self.child.wait()).await {
                stopped.context("cannot wait for PostgreSQL")?;
                return if self.ephemeral { self.cluster.remove() } else { Ok(()) };
            }
        }
        self.child.kill().await.context("PostgreSQL does not stop")?;
        bail!("PostgreSQL on port {} had to be killed; it will recover at the next start", self.port)
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // An error means that it has exited already, which is what we want.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    async fn connect(&self, database: &str) -> Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(superuser::NAME)
            .password(&self.cluster.password)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        PgConnection::connect_with(&options)
            .await
            .with_context(|| format!("cannot sign in to PostgreSQL on port {}", self.port))
    }

    async fn wait_until_ready(&mut self, log_start: u64) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !self.says_ready() {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.explain(status, log_start));
            }
            if Instant::now() > deadline {
                bail!("PostgreSQL did not become ready: see {}", self.cluster.log().display());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Whether the server has written into its pid file that it is ready. Probing the port would not do: another
    /// process could listen there.
    fn says_ready(&self) -> bool {
        let file = std::fs::read_to_string(self.cluster.dir.join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines().map(str::trim);
        let pid = lines.next().and_then(|pid| pid.parse().ok());
        pid.is_some() && pid == self.child.id() && lines.nth(6) == Some("ready")
    }

    fn explain(&self, status: ExitStatus, log_start: u64) -> anyhow::Error {
        let said = since(&self.cluster.log(), log_start);
        if said.contains("could not bind") {
            return taken(self.port);
        }
        anyhow!(
            "PostgreSQL for {} did not start ({status}):\n{}{}\nIts log: {}",
            self.cluster.dir.display(),
            last_lines(&said),
            advice(&said),
            self.cluster.log().display()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.id().is_none() {
            return;
        }
        self.signal(if self.ephemeral { Signal::SIGQUIT } else { Signal::SIGINT });
        for _ in 0..500 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        if self.ephemeral
            && let Err(error) = self.cluster.remove()
        {
            tracing::warn!(error = format!("{error:#}"), "an ephemeral server's data is left");
        }
    }
}

fn spawn(installation: &Installation, cluster: &Cluster, port: u16, ephemeral: bool) -> Result<Child> {
    let mut command = installation.command("postgres", cluster.account.as_ref());
    command.arg("-D").arg(&cluster.dir).arg("-p").arg(port.to_string());
    for setting in SETTINGS.iter().chain(if ephemeral { EPHEMERAL } else { PERSISTENT_SETTINGS }) {
        command.args(["-c", setting]);
    }
    let log = open_log(cluster)?;
    command.stdout(log.try_clone()?).stderr(log);
    // Ctrl-C in a terminal signals the whole process group: we stop our servers ourselves, in order.
    command.process_group(0);
    // `Server::drop` stops it with a signal that lets it finish.
    command.kill_on_drop(false);
    command.spawn().context("cannot run postgres")
}

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "log_min_messages=warning",
    "logging_collector=off",
    // The details of a constraint violation are the row's values, e-mail addresses and hashes among them.
    "log_error_verbosity=terse",
];

/// Several servers share one laptop.
const PERSISTENT_SETTINGS: &[&str] = &["shared_buffers=64MB"];

const EPHEMERAL: &[&str] = &[
    "shared_buffers=64MB",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    // Tests run in parallel, each with pools of its own.
    "max_connections=500",
];

fn open_log(cluster: &Cluster) -> Result<File> {
    open_private(OpenOptions::new().create(true).append(true), &cluster.log())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn taken(port: u16) -> anyhow::Error {
    PortInUse { port }.into()
}

/// The reason why a server does not start: another process listens on its port.
#[derive(Clone, Copy, Debug)]
pub struct PortInUse {
    port: u16,
}

impl fmt::Display for PortInUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        write!(formatter, "port {port} is in use: stop the process that listens there (`lsof -i :{port}` shows it)")
    }
}

impl std::error::Error for PortInUse {}
