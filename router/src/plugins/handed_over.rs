//! hive-router makes our plugin itself, from a type and a piece of configuration. What cannot be
//! written into a configuration, or should not be, is left here under a key, which can.

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

static HANDED_OVER: Mutex<Option<HashMap<u64, Parts>>> = Mutex::new(None);
static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

/// What the plugin of one router is given.
#[derive(Clone, Default)]
pub struct Parts {
    pub settings: Settings,
    /// The subgraphs of this process.
    pub executors: Executors,
    /// What requests to all others are signed with.
    pub secrets: Option<Secrets>,
    /// The streams that clients have open.
    pub streams: Streams,
    /// How many there may be.
    pub places: ConnectionLimits,
    /// The plain connections that clients have open.
    pub connections: Connections,
    /// What is being answered.
    pub in_flight: TaskTracker,
    /// The router's end.
    pub ending: Shutdown,
    /// Where cost budgets are, if not in this router. Its URL may have a password.
    pub valkey: Option<redis::Client>,
    /// Says that a request is the router's own.
    pub key: String,
}

/// Parts that wait for their plugin; withdrawn when dropped.
pub struct HandedOver {
    key: u64,
}

/// Where the plugin finds its parts.
#[derive(Deserialize)]
pub struct Config {
    key: u64,
}

impl HandedOver {
    pub fn new(parts: Parts) -> Self {
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        handed_over().get_or_insert_default().insert(key, parts);
        Self { key }
    }

    /// What to tell the plugin.
    pub fn key(&self) -> u64 {
        self.key
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        handed_over().get_or_insert_default().remove(&self.key);
    }
}

impl Config {
    /// The parts of this router, if it is still starting.
    pub fn parts(&self) -> Option<Parts> {
        handed_over().get_or_insert_default().get(&self.key).cloned()
    }
}

fn handed_over() -> MutexGuard<'static, Option<HashMap<u64, Parts>>> {
    HANDED_OVER.lock().unwrap_or_else(PoisonError::into_inner)
}
