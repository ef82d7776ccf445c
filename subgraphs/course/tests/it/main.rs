//! The course subgraph, asked as the router asks it, over a real database.

mod abandoned;
mod any_pages;
mod catalogue;
mod course;
mod fixtures;
mod mutations;
mod pool;
mod scans;
mod search;
mod user;
