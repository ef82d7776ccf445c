//! The documents of all routers that share a Valkey or Redis server.
//!
//! Each call is one script on the server, by the server's clock.

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use redis::{Client, ErrorKind, RedisError, RedisResult, Script, aio::MultiplexedConnection};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::limits::{ENTRY_BYTES, Limits, SHARE_PERIOD};
use crate::valkey::{Keyspace, Server, TIMEOUT};

const SCRIPT: &str = include_str!("documents.lua");
/// The braces put all keys in one slot of a cluster.
const PREFIX: &str = "lyceum:{documents}:";
const PROBE_PREFIX: &str = "lyceum:{documents}:probe:";
/// The time for which a document is stored, or twice as long after a router has asked for it. Routers do not ask for
/// those that they have in memory, so these expire, too: one that starts later gets them from its clients.
const RETENTION: Duration = Duration::from_hours(24);

/// The SHA-256 hash of a document.
pub type Hash = [u8; 32];

pub struct SharedDocuments {
    server: Arc<Server<DocumentKeyspace>>,
    /// The runtime that drives the connection.
    runtime: Handle,
    _connecting: AbortOnDropHandle<()>,
}

struct DocumentKeyspace {
    script: Script,
    limits: Limits,
}

/// The arguments of `documents.lua`.
struct ScriptArgs<'a> {
    /// Of its keys.
    prefix: &'static str,
    hash: &'a str,
    /// `None` to find it.
    text: Option<&'a str>,
    /// The client's, if it stores a document.
    network: Option<IpAddr>,
    limits: Limits,
}

impl SharedDocuments {
    /// Connects, and reconnects, on the current runtime until dropped.
    pub fn connect(client: Client, limits: Limits) -> Self {
        let keyspace = DocumentKeyspace { script: Script::new(SCRIPT), limits };
        Self::connect_with(client, keyspace, TIMEOUT)
    }

    fn connect_with(client: Client, keyspace: DocumentKeyspace, timeout: Duration) -> Self {
        let server = Arc::new(Server::new(client, keyspace, timeout));
        let connecting = tokio::spawn(Arc::clone(&server).keep_connected());
        Self { server, runtime: Handle::current(), _connecting: AbortOnDropHandle::new(connecting) }
    }

    /// The document with this hash. `None` also while the server is unavailable.
    pub async fn find(&self, hash: Hash) -> Option<Arc<str>> {
        let found = run(&self.server, hash, None, None).await?;
        // Whatever the server has, it must be what the client means.
        String::from_utf8(found).ok().filter(|text| <Hash>::from(Sha256::digest(text)) == hash).map(Into::into)
    }

    /// Stores a document of this network address in the background, unless its share is used up.
    pub fn store(&self, hash: Hash, text: Arc<str>, network: Option<IpAddr>) {
        let server = Arc::clone(&self.server);
        self.runtime.spawn(async move { run(&server, hash, Some(&text), network).await });
    }
}

/// Finds a document, or stores this text.
async fn run(
    server: &Server<DocumentKeyspace>,
    hash: Hash,
    text: Option<&str>,
    network: Option<IpAddr>,
) -> Option<Vec<u8>> {
    let (keyspace, hash) = (&server.keyspace, hex::encode(hash));
    let args = ScriptArgs { prefix: PREFIX, hash: &hash, text, network, limits: keyspace.limits };
    server.run(|connection| async move { keyspace.run(connection, args).await.map_err(redacted) }).await.flatten()
}

/// An error without the server's words, which may repeat a document and the values in it.
fn redacted(error: RedisError) -> anyhow::Error {
    match error.kind() {
        ErrorKind::Io => error.into(),
        kind => anyhow!("unexpected response ({kind:?})"),
    }
}

impl DocumentKeyspace {
    async fn run(&self, mut connection: MultiplexedConnection, args: ScriptArgs<'_>) -> RedisResult<Option<Vec<u8>>> {
        let ScriptArgs { prefix, hash, text, network, limits } = args;
        let network = network.map_or_else(|| "unknown".to_owned(), |network| network.to_string());
        let mut invocation = self.script.key(format!("{prefix}texts"));
        invocation.key(format!("{prefix}expiries")).key(format!("{prefix}network:{network}"));
        invocation.arg(if text.is_some() { "store" } else { "find" }).arg(hash).arg(text.unwrap_or_default());
        invocation.arg(RETENTION.as_secs()).arg(ENTRY_BYTES);
        invocation.arg(limits.total).arg(limits.share).arg(SHARE_PERIOD.as_secs());
        invocation.invoke_async(&mut connection).await
    }
}

impl Keyspace for DocumentKeyspace {
    async fn check(&self, connection: MultiplexedConnection) -> Result<()> {
        // It is stored, and makes room for others.
        let limits = Limits { total: 0, share: u32::MAX.into() };
        let args = ScriptArgs { prefix: PROBE_PREFIX, hash: "probe", text: Some("{ a }"), network: None, limits };
        self.run(connection, args).await?;
        Ok(())
    }

    fn log_available(&self) {
        info!("persisted queries are stored in Valkey");
    }

    fn log_unavailable(&self, error: &str) {
        warn!(error, "Valkey is unavailable, persisted queries are kept in memory");
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Instant};

    use redis::{AsyncCommands as _, cmd};
    use subgraph_testing::redis::{DOCUMENTS_USER, RedisServer};

    use super::*;
    use crate::valkey::{
        self,
        tests::{BUSY_TIMEOUT, lines, log, until},
    };

    const TEXTS: &str = "lyceum:{documents}:texts";
    const EXPIRIES: &str = "lyceum:{documents}:expiries";
    const TEXT: &str = "{ a }";
    const TEXT_BYTES: u64 = (TEXT.len() + ENTRY_BYTES) as u64;
    const PLENTY: Limits = Limits { total: 1_000_000, share: 1_000_000 };

    fn keyspace(limits: Limits) -> DocumentKeyspace {
        DocumentKeyspace { script: Script::new(SCRIPT), limits }
    }

    async fn connect(url: &str, keyspace: DocumentKeyspace, timeout: Duration) -> SharedDocuments {
        let client = valkey::client(url, "the test's URL").expect("a URL");
        let documents = SharedDocuments::connect_with(client, keyspace, timeout);
        until("it is connected", || documents.is_connected()).await;
        documents
    }

    /// With the rights that docs/operations.md names.
    fn documents_url(server: &RedisServer) -> String {
        format!("redis://{DOCUMENTS_USER}:any@127.0.0.1:{}/2", server.port())
    }

    async fn with_limits(server: &RedisServer, limits: Limits) -> SharedDocuments {
        connect(&documents_url(server), keyspace(limits), BUSY_TIMEOUT).await
    }

    async fn superuser(server: &RedisServer) -> MultiplexedConnection {
        let client = valkey::client(&server.url(), "the test's URL").expect("a URL");
        client.get_multiplexed_async_connection().await.expect("it responds")
    }

    fn hash(text: &str) -> Hash {
        Sha256::digest(text).into()
    }

    /// Texts of equal length.
    fn text(number: u32) -> String {
        format!("{{ a{number:04} }}")
    }

    #[expect(clippy::unnecessary_wraps, reason = "a client's network may be unknown")]
    fn network(number: u32) -> Option<IpAddr> {
        Some(Ipv4Addr::from_bits(number).into())
    }

    impl SharedDocuments {
        fn is_connected(&self) -> bool {
            self.server.connection().is_some()
        }

        /// Whether it is stored.
        async fn store_now(&self, text: &str, network: Option<IpAddr>) -> bool {
            let stored = run(&self.server, hash(text), Some(text), network).await;
            assert!(self.is_connected(), "it responds");
            stored.is_some()
        }

        async fn has(&self, text: &str) -> bool {
            let found = self.find(hash(text)).await;
            assert!(self.is_connected(), "it responds");
            assert!(found.as_deref().is_none_or(|found| found == text));
            found.is_some()
        }
    }

    async fn bytes(server: &RedisServer) -> u64 {
        superuser(server).await.hget(TEXTS, "bytes").await.expect("a number")
    }

    #[tokio::test]
    async fn a_document_is_found_by_all_routers_and_counts_once() {
        let server = RedisServer::start();
        let (one, other) = (with_limits(&server, PLENTY).await, with_limits(&server, PLENTY).await);

        assert!(!other.has(TEXT).await);
        assert!(one.store_now(TEXT, network(1)).await);
        assert!(other.store_now(TEXT, network(2)).await);
        assert!(one.has(TEXT).await && other.has(TEXT).await);
        assert_eq!(bytes(&server).await, TEXT_BYTES);
    }

    #[tokio::test]
    async fn the_response_does_not_wait_until_it_is_stored() {
        let server = RedisServer::start();
        let documents = with_limits(&server, PLENTY).await;

        documents.store(hash(TEXT), TEXT.into(), network(1));
        let started = Instant::now();
        while !documents.has(TEXT).await {
            assert!(started.elapsed() < Duration::from_mins(1), "it is not stored");
        }
    }

    #[tokio::test]
    async fn a_network_address_fills_its_share_at_all_routers_together() {
        let server = RedisServer::start();
        let limits = Limits { total: 1_000_000, share: 10 * (text(0).len() + ENTRY_BYTES) as u64 };
        let routers = [with_limits(&server, limits).await, with_limits(&server, limits).await];
        let mut stored = 0;
        for number in 0..30 {
            stored += u32::from(routers[number as usize % 2].store_now(&text(number), network(1)).await);
        }

        assert_eq!(stored, 10);
        assert!(routers[0].store_now(&text(0), network(1)).await, "what is stored already costs nothing");
        assert!(!routers[0].has(&text(29)).await);
        assert!(routers[0].store_now(&text(29), network(2)).await, "another one has its own share");
        let ttl: u64 = superuser(&server).await.ttl("lyceum:{documents}:network:0.0.0.1").await.expect("a number");
        assert!((1..=SHARE_PERIOD.as_secs()).contains(&ttl), "{ttl}");
    }

    #[tokio::test]
    async fn a_flood_from_everywhere_displaces_nothing_that_is_used() {
        let server = RedisServer::start();
        let limits = Limits { total: 10 * (text(0).len() + ENTRY_BYTES) as u64, share: 1_000_000 };
        let documents = with_limits(&server, limits).await;
        for used in 0..5 {
            documents.store_now(&text(used), network(1)).await;
            assert!(documents.has(&text(used)).await);
        }
        for number in 100..300 {
            assert!(documents.store_now(&text(number), network(number)).await, "the oldest unused one makes room");
            assert!(bytes(&server).await <= limits.total);
        }

        for used in 0..5 {
            assert!(documents.has(&text(used)).await);
        }
        assert!(!documents.has(&text(294)).await && documents.has(&text(295)).await);
    }

    /// The hours until a document expires.
    async fn hours_left(server: &RedisServer, text: &str) -> f64 {
        let mut connection = superuser(server).await;
        let at: f64 = connection.zscore(EXPIRIES, hex::encode(hash(text))).await.expect("a time");
        let (seconds, _): (f64, f64) = cmd("TIME").query_async(&mut connection).await.expect("a time");
        (at - seconds) / 3_600.0
    }

    #[tokio::test]
    async fn a_document_expires_after_a_day_or_two_if_a_router_has_asked_for_it() {
        let server = RedisServer::start();
        let documents = with_limits(&server, PLENTY).await;
        documents.store_now(TEXT, network(1)).await;
        assert!((hours_left(&server, TEXT).await - 24.0).abs() < 0.5);
        assert!(documents.has(TEXT).await);
        assert!((hours_left(&server, TEXT).await - 48.0).abs() < 0.5);
        let ttl: u64 = superuser(&server).await.ttl(TEXTS).await.expect("a number");
        assert!(ttl <= 2 * RETENTION.as_secs() && ttl > RETENTION.as_secs(), "{ttl}");

        let () = superuser(&server).await.zadd(EXPIRIES, hex::encode(hash(TEXT)), 1).await.expect("it obeys");
        assert!(!documents.has(TEXT).await);
        assert_eq!(bytes(&server).await, 0);
    }

    #[tokio::test]
    async fn a_server_that_has_evicted_a_part_starts_anew() {
        let server = RedisServer::start();
        let documents = with_limits(&server, PLENTY).await;
        for lost in [TEXTS, EXPIRIES] {
            documents.store_now("{ old }", network(1)).await;
            let () = superuser(&server).await.del(lost).await.expect("it obeys");

            assert!(documents.store_now(TEXT, network(1)).await);

            assert!(documents.has(TEXT).await);
            assert_eq!(bytes(&server).await, TEXT_BYTES, "without {lost}");
        }
    }

    #[tokio::test]
    async fn a_text_with_another_hash_is_not_found_and_replaced() {
        let server = RedisServer::start();
        let documents = with_limits(&server, PLENTY).await;
        documents.store_now(TEXT, network(1)).await;
        for wrong in [&b"{ another }"[..], b"\xff"] {
            let () = superuser(&server).await.hset(TEXTS, hex::encode(hash(TEXT)), wrong).await.expect("it obeys");

            assert!(!documents.has(TEXT).await);
            assert!(documents.store_now(TEXT, network(1)).await);
            assert!(documents.has(TEXT).await);
        }
    }

    #[tokio::test]
    async fn nobody_waits_long_for_a_server_that_hangs() {
        let server = RedisServer::start();
        let documents = connect(&documents_url(&server), keyspace(PLENTY), Duration::from_millis(300)).await;

        let () =
            cmd("CLIENT").arg("PAUSE").arg(5_000).query_async(&mut superuser(&server).await).await.expect("it pauses");
        let started = Instant::now();
        for _ in 0..100 {
            assert!(documents.find(hash(TEXT)).await.is_none());
        }

        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert!(!documents.is_connected());
    }

    #[tokio::test]
    async fn a_server_that_cannot_write_is_not_used() {
        let server = RedisServer::start();
        let mut connection = superuser(&server).await;
        let () = cmd("REPLICAOF").arg("127.0.0.1").arg(1).query_async(&mut connection).await.expect("it obeys");
        let client = valkey::client(&documents_url(&server), "the test's URL").expect("a URL");

        assert!(Server::new(client, keyspace(PLENTY), BUSY_TIMEOUT).connect().await.is_err());
    }

    #[tokio::test]
    async fn the_log_says_once_that_the_server_is_lost_and_never_what_clients_send() {
        const LOST: &str = "Valkey is unavailable, persisted queries are kept in memory";
        let (log, _guard) = log();
        let server = RedisServer::start();
        for failure in ["redis.error_reply('ERR ' .. ARGV[3])", "redis.error_reply(ARGV[3])", "{ ARGV[3] }"] {
            let script = Script::new(&format!("if ARGV[2] == 'probe' then return false end return {failure}"));
            let keyspace = DocumentKeyspace { script, ..keyspace(PLENTY) };
            let documents = connect(&server.url(), keyspace, BUSY_TIMEOUT).await;
            let before = lines(&log, LOST);
            let document = "hunter2 { login(password: \"hunter2\") }";
            for _ in 0..10 {
                assert!(run(&documents.server, hash(document), Some(document), None).await.is_none());
            }

            assert_eq!(lines(&log, LOST) - before, 1, "{failure}");
            assert!(!documents.is_connected());
        }
        assert_eq!(lines(&log, "persisted queries are stored in Valkey"), 3);
        assert_eq!(lines(&log, "hunter2"), 0);
    }
}
