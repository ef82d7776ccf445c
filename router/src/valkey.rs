//! A Valkey or Redis server that routers share. Requests do not wait for a failing server: it gets no requests until a
//! new connection has passed a check.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use redis::{Client, ConnectionAddr, aio::MultiplexedConnection};
use tokio::{
    sync::Notify,
    time::{error::Elapsed, sleep, timeout},
};

/// The maximum time that a request waits for the server.
pub const TIMEOUT: Duration = Duration::from_millis(100);
/// Consecutive timeouts after which the server is unavailable. A single one is normal on a busy machine.
const MAX_TIMEOUTS: u32 = 3;
pub const RETRY_DELAY: Duration = Duration::from_secs(2);

/// The keys that one feature has on a server, and its scripts.
pub trait Keyspace: Send + Sync + 'static {
    /// Runs a script with a key of its own, to check that the server can run it, including writes.
    fn check(&self, connection: MultiplexedConnection) -> impl Future<Output = Result<()>> + Send;

    fn log_available(&self);

    fn log_unavailable(&self, error: &str);
}

/// A server, and its connection.
pub struct Server<Keys> {
    client: Client,
    pub keyspace: Keys,
    timeout: Duration,
    /// Consecutive timeouts.
    timeouts: AtomicU32,
    /// `None` while the server is unavailable.
    connection: RwLock<Option<Arc<MultiplexedConnection>>>,
    lost: Notify,
}

/// Creates the client of a server at this URL, whose password no error repeats.
///
/// # Errors
/// If `url` is not a Valkey or Redis URL, or requires TLS without verification.
pub fn client(url: &str, setting: &str) -> Result<Client> {
    let client = Client::open(url).with_context(|| {
        format!(
            "{setting} is not the URL of a Valkey or Redis server, such as redis://user:password@host:6379/0, or \
             rediss://… for TLS"
        )
    })?;
    if let ConnectionAddr::TcpTls { insecure: true, .. } = client.get_connection_info().addr() {
        bail!("{setting}: `#insecure` is not supported");
    }
    Ok(client)
}

impl<Keys: Keyspace> Server<Keys> {
    /// Not connected until [`Self::keep_connected`] runs.
    pub fn new(client: Client, keyspace: Keys, timeout: Duration) -> Self {
        let (connection, lost) = (RwLock::default(), Notify::new());
        Self { client, keyspace, timeout, timeouts: AtomicU32::new(0), connection, lost }
    }

    /// Runs a command. `None` if the server does not respond in time, or is unavailable.
    pub async fn run<Response, Running>(
        &self,
        command: impl FnOnce(MultiplexedConnection) -> Running,
    ) -> Option<Response>
    where
        Running: Future<Output = Result<Response>>,
    {
        let connection = self.connection()?;
        match self.with_timeout(command((*connection).clone())).await {
            Ok(response) => {
                self.timeouts.store(0, Ordering::Relaxed);
                Some(response)
            }
            Err(error) if error.is::<Elapsed>() && self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 < MAX_TIMEOUTS => {
                None
            }
            Err(error) => {
                self.disconnect(&connection, &error);
                None
            }
        }
    }

    async fn with_timeout<Response>(&self, running: impl Future<Output = Result<Response>>) -> Result<Response> {
        timeout(self.timeout, running).await.context("no response in time")?
    }

    /// Connects, and reconnects.
    pub async fn keep_connected(self: Arc<Self>) {
        let mut is_known_lost = false;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(connection));
                    self.keyspace.log_available();
                    self.lost.notified().await;
                    is_known_lost = true;
                }
                Err(error) if !is_known_lost => {
                    self.warn(&error);
                    is_known_lost = true;
                }
                Err(_) => {}
            }
            sleep(RETRY_DELAY).await;
        }
    }

    /// Connects to the server, and checks it.
    pub async fn connect(&self) -> Result<MultiplexedConnection> {
        let connection = self.client.get_multiplexed_async_connection().await?;
        self.with_timeout(self.keyspace.check(connection.clone())).await?;
        Ok(connection)
    }

    pub fn connection(&self) -> Option<Arc<MultiplexedConnection>> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Drops a connection, unless another task already has.
    fn disconnect(&self, lost: &Arc<MultiplexedConnection>, error: &anyhow::Error) {
        let mut connection = self.connection.write().unwrap_or_else(PoisonError::into_inner);
        if connection.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, lost)) {
            *connection = None;
            drop(connection);
            self.timeouts.store(0, Ordering::Relaxed);
            self.warn(error);
            self.lost.notify_one();
        }
    }

    fn warn(&self, error: &anyhow::Error) {
        let mut error = error.to_string();
        // A server of another kind may echo its input.
        let password = self.client.get_connection_info().redis_settings().password();
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            error = error.replace(password, "…");
        }
        self.keyspace.log_unavailable(&error);
    }
}

#[cfg(test)]
pub mod tests {
    use std::{fs, time::Instant};

    use subgraph_testing::redis::PASSWORD;
    use tempfile::NamedTempFile;
    use tracing::subscriber::DefaultGuard;

    use super::*;

    /// Generous, for a busy machine.
    pub const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

    pub async fn until(what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_mins(1), "not in time: {what}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Captures what this thread logs from here on.
    pub fn log() -> (NamedTempFile, DefaultGuard) {
        let file = NamedTempFile::new().expect("a temporary file");
        let writer = file.reopen().expect("it is there");
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        (file, tracing::subscriber::set_default(subscriber))
    }

    pub fn lines(log: &NamedTempFile, text: &str) -> usize {
        let log = fs::read_to_string(log.path()).expect("a log");
        assert!(!log.contains(PASSWORD), "{log}");
        log.lines().filter(|line| line.contains(text)).count()
    }
}
