//! The identity subgraph, queried as by the router, over a real database.

mod account;
mod active_sessions;
mod admin;
mod administration;
mod erasure;
mod fixtures;
mod mail;
mod mailbox;
mod new_client;
mod pages;
mod refresh_reuse;
mod remote_keys;
mod second_factor;
mod session;
mod smtp;
mod throttle;
mod token;
mod user;
