//! The identity subgraph, asked as the router asks it, over a real database.

mod pages;
mod people;
mod schema;
mod session;
mod throttle;
mod token;
mod user;
