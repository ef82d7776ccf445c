//! The identity subgraph, asked as the router asks it, over a real database.

mod admin;
mod pages;
mod people;
mod remote_keys;
mod session;
mod throttle;
mod token;
mod user;
