//! The identity subgraph, queried as by the router, over a real database.

mod active_sessions;
mod admin;
mod administration;
mod erasure;
mod fixtures;
mod pages;
mod refresh_reuse;
mod remote_keys;
mod session;
mod throttle;
mod token;
mod user;
