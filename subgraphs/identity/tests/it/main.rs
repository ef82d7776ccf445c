//! The identity subgraph, queried as by the router, over a real database.

mod admin;
mod fixtures;
mod pages;
mod remote_keys;
mod session;
mod throttle;
mod token;
mod user;
