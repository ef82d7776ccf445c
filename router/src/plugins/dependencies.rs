//! hive-router makes our plugin itself, from a type and a piece of configuration. What cannot be
//! written into a configuration, or should not be, is registered here under a key, which can.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use auth::signature::Secrets;
use serde::Deserialize;
use service::Shutdown;
use tokio_util::task::TaskTracker;

use super::in_process::Executors;
use crate::{Settings, connection_limits::ConnectionLimits, connections::Connections, subscription_proxy::Streams};

static REGISTERED: Mutex<Option<HashMap<u64, Dependencies>>> = Mutex::new(None);
static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

/// What the plugin of one router works with.
#[derive(Clone, Default)]
pub struct Dependencies {
    pub settings: Settings,
    /// The subgraphs of this process.
    pub executors: Executors,
    /// What requests to all others are signed with.
    pub secrets: Option<Secrets>,
    /// The streams that clients have open.
    pub streams: Streams,
    /// How many subscriptions and sockets there may be.
    pub connection_limits: ConnectionLimits,
    /// The plain connections that clients have open.
    pub connections: Connections,
    /// What is being answered.
    pub in_flight: TaskTracker,
    /// When the router drains and stops.
    pub shutdown: Shutdown,
    /// Where cost budgets are, if not in this router. Its URL may have a password.
    pub valkey: Option<redis::Client>,
    /// Shows that a request comes from the router's own subscription proxy.
    pub proxy_key: String,
}

/// Dependencies that a starting router's plugin can take; unregistered when dropped.
pub struct RegisteredDependencies {
    key: u64,
}

/// The key under which the plugin's dependencies are registered.
#[derive(Deserialize)]
pub struct Config {
    key: u64,
}

impl RegisteredDependencies {
    pub fn new(dependencies: Dependencies) -> Self {
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        registered().get_or_insert_default().insert(key, dependencies);
        Self { key }
    }

    /// For the plugin's configuration.
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
    /// None when the router is no longer starting.
    pub fn dependencies(&self) -> Option<Dependencies> {
        registered().get_or_insert_default().get(&self.key).cloned()
    }
}

fn registered() -> MutexGuard<'static, Option<HashMap<u64, Dependencies>>> {
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}
