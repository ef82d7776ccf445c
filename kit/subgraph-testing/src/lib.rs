//! What the Rust tests share. No product crate depends on it but for its own tests.

#[cfg(feature = "subgraph")]
mod app;
pub mod blocking;
mod client;
pub mod corpus;
#[cfg(feature = "subgraph")]
pub mod events;
mod http;
#[cfg(feature = "subgraph")]
pub mod list;
mod ports;
pub mod redis;
pub mod sse;
mod statements;
#[cfg(feature = "subgraph")]
mod tokens;
pub mod transcript;
mod transport;

pub use client::Client;
pub use ports::free_port;
/// For those who build HTTP clients of their own.
pub use reqwest;
pub use statements::StatementCount;
pub use transport::{Events, Reply};

#[cfg(feature = "subgraph")]
pub use self::{
    app::TestApp,
    tokens::{KEY_ID, claims, key_set, token, verifier},
};
