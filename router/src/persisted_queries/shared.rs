//! The documents of all routers that share a Valkey or Redis server.
//!
//! Each call is one script on the server, by the server's clock.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use redis::{Client, Script, aio::MultiplexedConnection};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::valkey::{Server, TIMEOUT, Usage};

/// A stored document counts as its text and as much again as this, so that the bytes also limit the entries.
pub const ENTRY_BYTES: usize = 1_024;
const SCRIPT: &str = include_str!("documents.lua");
const KEYS: [&str; 2] = ["lyceum:documents:texts", "lyceum:documents:times"];
const PROBE_KEYS: [&str; 2] = ["lyceum:documents:probe:texts", "lyceum:documents:probe:times"];
/// A document that no router has asked for is forgotten after so long. Those that routers have in memory, too: whoever
/// misses one gets it from the next client that uses it.
const RETENTION: Duration = Duration::from_hours(24);

/// The SHA-256 hash of a document.
pub type Hash = [u8; 32];

pub struct SharedDocuments {
    server: Arc<Server<Documents>>,
    /// The runtime that drives the connection.
    runtime: Handle,
    _connecting: AbortOnDropHandle<()>,
}

struct Documents {
    script: Script,
    max_bytes: usize,
    retention: Duration,
}

impl SharedDocuments {
    /// Connects, and reconnects, on the current runtime until dropped.
    pub fn connect(client: Client, max_bytes: usize) -> Self {
        Self::connect_with(client, max_bytes, RETENTION, TIMEOUT)
    }

    fn connect_with(client: Client, max_bytes: usize, retention: Duration, timeout: Duration) -> Self {
        let documents = Documents { script: Script::new(SCRIPT), max_bytes, retention };
        let server = Arc::new(Server::new(client, documents, timeout));
        let connecting = tokio::spawn(Arc::clone(&server).keep_connected());
        Self { server, runtime: Handle::current(), _connecting: AbortOnDropHandle::new(connecting) }
    }

    /// `None` also while the server is unavailable.
    pub async fn find(&self, hash: Hash) -> Option<String> {
        let (hash, documents) = (hex::encode(hash), &self.server.usage);
        self.server.run(|connection| documents.run(connection, KEYS, &hash, None)).await.flatten()
    }

    /// Stores a document in the background: the response must not wait.
    pub fn store(&self, hash: Hash, text: Arc<str>) {
        let (server, hash) = (Arc::clone(&self.server), hex::encode(hash));
        self.runtime.spawn(async move {
            server.run(|connection| server.usage.run(connection, KEYS, &hash, Some(&text))).await;
        });
    }
}

impl Documents {
    /// Finds a document, or stores this text.
    async fn run(
        &self,
        mut connection: MultiplexedConnection,
        keys: [&str; 2],
        hash: &str,
        text: Option<&str>,
    ) -> Result<Option<String>> {
        let mut invocation = self.script.prepare_invoke();
        for key in keys {
            invocation.key(key);
        }
        let name = if text.is_some() { "store" } else { "find" };
        invocation.arg(name).arg(hash).arg(self.retention.as_secs()).arg(text.unwrap_or_default());
        invocation.arg(ENTRY_BYTES).arg(self.max_bytes);
        Ok(invocation.invoke_async(&mut connection).await?)
    }
}

impl Usage for Documents {
    async fn check(&self, connection: MultiplexedConnection) -> Result<()> {
        let (hash, text) = ("probe", "{ __typename }");
        let stored = self.run(connection, PROBE_KEYS, hash, Some(text)).await?;
        ensure!(
            self.max_bytes < text.len() + ENTRY_BYTES || stored.as_deref() == Some(text),
            "it stores something else"
        );
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
    use std::time::Instant;

    use hive_router::plugins::hooks::on_graphql_params::GraphQLParams;
    use redis::AsyncCommands as _;
    use serde_json::json;
    use sha2::{Digest as _, Sha256};
    use subgraph_testing::redis::{DOCUMENTS_USER, RedisServer};
    use tokio::time::sleep;

    use super::*;
    use crate::{
        persisted_queries::{EXTENSION, PersistedQueries, Store},
        valkey,
    };

    /// Generous, for a busy machine.
    const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
    const MAX_BYTES: usize = 1_000_000;

    async fn connect(url: &str, max_bytes: usize, retention: Duration) -> SharedDocuments {
        let client = valkey::client(url, "the test").expect("a URL");
        let documents = SharedDocuments::connect_with(client, max_bytes, retention, BUSY_TIMEOUT);
        let started = Instant::now();
        while documents.server.connection().is_none() {
            assert!(started.elapsed() < Duration::from_mins(1), "it is not connected");
            sleep(Duration::from_millis(5)).await;
        }
        documents
    }

    fn hash(text: &str) -> Hash {
        Sha256::digest(text).into()
    }

    impl SharedDocuments {
        async fn store_now(&self, text: &str) {
            let (hash, documents) = (hex::encode(hash(text)), &self.server.usage);
            let stored = self.server.run(|connection| documents.run(connection, KEYS, &hash, Some(text))).await;
            assert!(stored.is_some(), "it answers");
        }

        async fn bytes(&self) -> usize {
            let mut connection = self.server.connect().await.expect("it answers");
            connection.hget(KEYS[0], "bytes").await.expect("a number")
        }
    }

    #[tokio::test]
    async fn a_document_is_found_by_all_with_the_rights_that_the_documentation_names() {
        let server = RedisServer::start();
        let url = format!("redis://{DOCUMENTS_USER}:any@127.0.0.1:{}/1", server.port());
        let (one, other) = (connect(&url, MAX_BYTES, RETENTION).await, connect(&url, MAX_BYTES, RETENTION).await);

        assert_eq!(other.find(hash("{ a }")).await, None);
        one.store_now("{ a }").await;
        one.store_now("{ a }").await;
        assert_eq!(other.find(hash("{ a }")).await.as_deref(), Some("{ a }"));
        assert_eq!(one.bytes().await, "{ a }".len() + ENTRY_BYTES, "it counts once");
        // It forgets, too.
        let small = connect(&url, 0, RETENTION).await;
        small.store_now("{ b }").await;
        assert_eq!(other.find(hash("{ a }")).await, None);
        assert_eq!(one.bytes().await, 0);
    }

    #[tokio::test]
    async fn the_documents_need_no_more_than_their_bytes_and_the_longest_unused_goes_first() {
        let server = RedisServer::start();
        let documents = connect(&server.url(), 10 * (ENTRY_BYTES + 10), RETENTION).await;
        let text = |number: u32| format!("{{ a{number:04} }}");
        for number in 0..200 {
            documents.store_now(&text(number)).await;
            assert!(documents.bytes().await <= 10 * (ENTRY_BYTES + 10));
        }

        assert_eq!(documents.find(hash(&text(0))).await, None);
        assert_eq!(documents.find(hash(&text(199))).await, Some(text(199)));
    }

    #[tokio::test]
    async fn what_nobody_asks_for_is_forgotten() {
        let server = RedisServer::start();
        let documents = connect(&server.url(), MAX_BYTES, Duration::from_secs(1)).await;
        documents.store_now("{ old }").await;
        // Longer than a second by the server's clock, whatever part of one it began in.
        sleep(Duration::from_millis(2_100)).await;
        documents.store_now("{ new }").await;

        assert_eq!(documents.find(hash("{ old }")).await, None);
        assert_eq!(documents.bytes().await, "{ new }".len() + ENTRY_BYTES);
    }

    #[tokio::test]
    async fn a_server_that_has_evicted_a_part_begins_anew() {
        let server = RedisServer::start();
        let documents = connect(&server.url(), MAX_BYTES, RETENTION).await;
        for lost in KEYS {
            documents.store_now("{ old }").await;
            let mut connection = documents.server.connect().await.expect("it answers");
            let () = connection.del(lost).await.expect("it obeys");

            documents.store_now("{ new }").await;

            assert_eq!(documents.find(hash("{ new }")).await.as_deref(), Some("{ new }"));
            assert_eq!(documents.bytes().await, "{ new }".len() + ENTRY_BYTES, "without {lost}");
        }
    }

    #[tokio::test]
    async fn a_text_with_another_hash_is_not_used() {
        let server = RedisServer::start();
        let documents = connect(&server.url(), MAX_BYTES, RETENTION).await;
        let mut connection = documents.server.connect().await.expect("it answers");
        let () = connection.hset(KEYS[0], hex::encode(hash("{ a }")), "{ b }").await.expect("it is stored");
        documents.store_now("{ c }").await;
        assert_eq!(documents.find(hash("{ a }")).await.as_deref(), Some("{ b }"));
        let queries = PersistedQueries(Some(Store { shared: Some(Arc::new(documents)), ..Store::new(1_000_000) }));
        let by_hash = |text: &str| -> GraphQLParams {
            let query = json!({ "version": 1, "sha256Hash": hex::encode(hash(text)) });
            sonic_rs::from_str(&json!({ "extensions": { EXTENSION: query } }).to_string()).expect("a request")
        };

        assert_eq!(queries.fetch(&by_hash("{ a }")).await, None);
        assert_eq!(queries.fetch(&by_hash("{ c }")).await.as_deref(), Some("{ c }"));
    }
}
