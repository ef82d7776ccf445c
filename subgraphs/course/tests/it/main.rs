//! The course subgraph, queried as by the router, over a real database.

mod abandoned;
mod any_pages;
mod catalogue;
mod course;
mod delete;
mod fixtures;
mod idempotency;
mod mutations;
mod pool;
mod scans;
mod search;
mod state;
mod user;
