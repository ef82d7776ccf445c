//! The identity subgraph, asked as the router asks it, over a real database.

mod admin;
mod fixtures;
mod pages;
mod remote_keys;
mod session;
mod throttle;
mod token;
mod user;
