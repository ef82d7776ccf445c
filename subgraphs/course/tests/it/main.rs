//! The course subgraph, asked as the router asks it, over a real database.

mod catalogue;
mod course;
mod mutations;
mod people;
mod schema;
mod user;
