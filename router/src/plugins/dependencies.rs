//! hive-router creates our plugin itself, from a type and a piece of configuration. Dependencies that cannot or should
//! not be serialized are registered here under a key, which can.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth::signature::Secrets;
use serde::Deserialize;
use service::Shutdown;
use tokio_util::task::TaskTracker;

use super::in_process::Executors;
use crate::{
    Settings, connection_limits::ConnectionLimits, connections::Connections, loopback::Loopback,
    subscription_proxy::StreamRegistry,
};

static REGISTERED: Mutex<Option<HashMap<u64, Dependencies>>> = Mutex::new(None);
static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

/// The dependencies of one router's plugin.
#[derive(Clone, Default)]
pub struct Dependencies {
    pub settings: Settings,
    /// The subgraphs of this process.
    pub executors: Executors,
    /// The secrets that sign requests to all other subgraphs.
    pub secrets: Option<Secrets>,
    /// The streams that clients have open.
    pub streams: StreamRegistry,
    /// The limits of subscriptions and sockets.
    pub connection_limits: ConnectionLimits,
    /// The plain connections that clients have open.
    pub connections: Connections,
    /// The requests in flight.
    pub in_flight: TaskTracker,
    /// The router's shutdown.
    pub shutdown: Shutdown,
    /// The store of cost budgets, if not this router's memory. Its URL may contain a password.
    pub valkey: Option<redis::Client>,
    /// Where persisted queries are shared, if they are. Its URL may contain a password.
    pub documents_valkey: Option<redis::Client>,
    /// The key that proves that a request comes from the router's own subscription proxy.
    pub proxy_key: String,
    /// The router's own endpoint.
    pub loopback: Option<Loopback>,
}

/// Dependencies that a starting router's plugin can take; unregistered when dropped.
pub struct RegisteredDependencies {
    key: u64,
}

/// The plugin's configuration.
#[derive(Deserialize)]
pub struct Config {
    /// The key under which its dependencies are registered.
    key: u64,
    /// Whether everybody may read the schema.
    pub is_schema_public: bool,
    /// The URL at which identity publishes its public keys.
    pub jwks_url: Option<String>,
    /// How long a request may take.
    #[serde(default, with = "humantime_serde::option")]
    pub request_timeout: Option<Duration>,
}

impl RegisteredDependencies {
    pub fn new(dependencies: Dependencies) -> Self {
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        registered().get_or_insert_default().insert(key, dependencies);
        Self { key }
    }

    /// The key, for the plugin's configuration.
    pub fn key(&self) -> u64 {
        self.key
    }
}

impl Drop for RegisteredDependencies {
    fn drop(&mut self) {
        registered().get_or_insert_default().remove(&self.key);
    }
}

impl Config {
    /// `None` when the router is no longer starting.
    pub fn dependencies(&self) -> Option<Dependencies> {
        registered().get_or_insert_default().get(&self.key).cloned()
    }
}

fn registered() -> MutexGuard<'static, Option<HashMap<u64, Dependencies>>> {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}
