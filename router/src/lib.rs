//! The router: hive-router with our settings and plugins, as a part of a process.
//!
//! hive-router runs on a runtime of its own, so [`Router::run`] blocks: give it a thread.

// An optimized build looks through all layers of the router's middleware at once.
#![recursion_limit = "256"]

mod allowed_hosts;
mod client_messages;
mod config;
mod connection_limits;
mod connections;
mod cost;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hive_gaps;
mod plan;
mod plugins;
mod response_headers;
mod server;
mod settings;
mod subscription_proxy;
mod trace;
mod websocket;

pub use allowed_hosts::{AllowedHost, Host};
pub use config::require_safelist;
pub use plan::{Cost, Planner};
pub use server::Router;
pub use settings::{
    AllowedHostsSettings, ClientAddressSettings, CostSettings, DocumentSettings, LiveSettings, LiveTimeouts,
    ResponseSettings, SampleSignIn, Settings, SubgraphUrl,
};

/// Of threads that read documents. Recursion over these is bounded by our limits, but an unoptimized hive-router needs
/// much for each level of it.
const STACK_BYTES: usize = 16 * 1024 * 1024;
