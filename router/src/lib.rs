//! The router: hive-router with our settings and plugins, embedded in a process.
//!
//! hive-router has a runtime of its own, so [`Router::run`] blocks: call it on a dedicated thread.

// An optimized build resolves all layers of the router's middleware at once.
#![recursion_limit = "256"]

mod allowed_hosts;
mod batches;
mod client_messages;
mod config;
mod connection_limits;
mod connections;
mod contract;
mod cost;
mod explain;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hive_gaps;
mod loopback;
mod mailbox;
mod node_fields;
mod persisted_queries;
mod plan;
mod plugins;
mod response_headers;
mod server;
mod settings;
mod subscription_proxy;
mod trace;
mod usage;
mod valkey;
mod websocket;

pub use allowed_hosts::{AllowedHost, Host};
pub use config::{require_development_config, require_safelist};
pub use contract::Contract;
pub use explain::{Explain, ExplainError, Explained};
pub use mailbox::Mailbox;
pub use plan::{PlanCost, Planner};
pub use server::{Router, use_one_tls_library};
pub use settings::{
    AllowedHostsSettings, ClientAddressSettings, CorsSettings, CostSettings, DocumentSettings, LiveSettings,
    LiveTimeouts, Origin, ResponseSettings, SampleSignIn, Settings, SubgraphUrl, UsageSettings,
};

/// The stack of threads that parse documents. Our limits bound the recursion, but an unoptimized hive-router needs much
/// stack for each level.
const STACK_BYTES: usize = 16 * 1024 * 1024;
